import { rmSync } from 'node:fs';
import { ask } from './control-socket.ts';
import type { Holder } from './directory-errors.ts';
import { isHeld, isOriginal, publishedMarks } from './lock-marks.ts';
import type { SocketDirectory } from './socket-path.ts';

const ASK_TIMEOUT_MS = 2_000;

/** What one process that wants a directory, or has it, says to another. Of two ids the smaller one goes before the other. */
export type LockMessage = { readonly lock: { readonly id: string; readonly holds?: true } };

/** Everybody who has won nothing yet gives way to it. */
export const BEFORE_ALL = '';
/** Nobody gives way to it: who asks only looks. */
const AFTER_ALL = 'z';

export type LockReply =
  | { readonly state: 'holder'; readonly holder: Holder }
  /** A contender that goes before the one who asked. */
  | { readonly state: 'contender'; readonly holder: Holder }
  /** A contender that has given way to the one who asked, for good. */
  | { readonly state: 'yielded' };

export function isLockMessage(message: unknown): message is LockMessage {
  return typeof message === 'object' && message !== null && 'lock' in message;
}

/** What asking all others came to. */
export type Rival =
  /** `dead`: the marks of holders that have ended; they are still there. */
  | { readonly kind: 'none'; readonly dead: ReadonlySet<string> }
  | { readonly kind: 'some'; readonly holder: Holder | null };

/** Asks everybody else there; the first who goes before `id` ends the search. */
export async function strongest(
  sockets: SocketDirectory,
  isOwn: (name: string) => boolean,
  id: string,
): Promise<Rival> {
  const dead = new Set<string>();
  for (const name of publishedMarks(sockets)) {
    if (isOwn(name)) continue;
    const path = sockets.pathOf(name);
    const asked = await ask(path, { lock: { id } } satisfies LockMessage, ASK_TIMEOUT_MS);
    if (asked.kind === 'dead') {
      if (isHeld(name) && isOriginal(sockets, name)) dead.add(name);
      else rmSync(path, { force: true });
      continue;
    }
    if (asked.kind === 'silent') return { kind: 'some', holder: null };
    const reply = asked.reply as LockReply;
    if (reply.state !== 'yielded') return { kind: 'some', holder: reply.holder };
  }
  return { kind: 'none', dead };
}

/** Looks without contending. */
export async function findHolder(
  sockets: SocketDirectory,
): Promise<Holder | null | 'none' | 'undecided'> {
  let undecided = false;
  for (const name of publishedMarks(sockets)) {
    const message = { lock: { id: AFTER_ALL } } satisfies LockMessage;
    const asked = await ask(sockets.pathOf(name), message, ASK_TIMEOUT_MS);
    if (asked.kind === 'dead') continue;
    if (asked.kind === 'silent') return null;
    const reply = asked.reply as LockReply;
    if (reply.state === 'holder') return reply.holder;
    if (reply.state === 'contender') undecided = true;
  }
  return undecided ? 'undecided' : 'none';
}

/** Says to everybody else there that this process holds the directory. @returns whether nobody else does. */
export async function insist(
  sockets: SocketDirectory,
  isOwn: (name: string) => boolean,
): Promise<boolean> {
  for (const name of publishedMarks(sockets)) {
    if (isOwn(name)) continue;
    const message = { lock: { id: BEFORE_ALL, holds: true } } satisfies LockMessage;
    const asked = await ask(sockets.pathOf(name), message, ASK_TIMEOUT_MS);
    // A contender that is stopped looks again before it holds anything, and finds this one.
    if (asked.kind === 'silent' && isHeld(name)) return false;
    if (asked.kind === 'reply' && (asked.reply as LockReply).state === 'holder') return false;
  }
  return true;
}
