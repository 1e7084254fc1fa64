import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename } from 'node:path';
import type { SocketDirectory } from './socket-path.ts';

/**
 * `wanted`: `lock-<random>.sock`, of everybody who wants the directory, and of who has it. `held`: `.held-<random>-<inode>`,
 * of who has it alone, so that what removes the one (`rm lock-*`, `rm *.sock`, `rm -rf *`) leaves the other.
 */
export type MarkKind = 'wanted' | 'held';

const WANTED = /^lock-[0-9a-f]{12}\.sock$/;
const HELD = /^\.held-[0-9a-f]{12}-([0-9a-z]+)$/;
const UNPUBLISHED = /^(lock|\.held)-[0-9a-f]{12}-[0-9a-f]{12}\.new$/;
/**
 * What a holder listens under for as long as it runs, whatever becomes of the file: the name that it has bound. It says which
 * directory is meant (`directoryToken`), since no path does: those of two containers are the same and mean two.
 */
const HELD_BOUND = /^\.held-[0-9a-f]{12}-([0-9a-f]{12})\.new$/;

/** Bytes of the longest name, which is one that was bound. */
export const MARK_NAME_BYTES = '.held-000000000000-000000000000.new'.length;

/** An unpublished socket that is older was left behind between two steps that take microseconds. */
const ABANDONED_MS = 60_000;
/** A socket that is removed between two steps of its publication is made again. */
const TRIES = 5;

/** A published socket of this process. Each has a name that is used once, so that a dead one stays dead. */
export interface Mark {
  readonly kind: MarkKind;
  readonly name: string;
  /** The name that the socket was bound to, which Linux lists as long as somebody listens. */
  readonly boundName: string;
  readonly server: Server;
  /** Whether the file is there, and leads to this very socket. */
  inPlace(): boolean;
  /** Takes the file away; the server goes on. */
  remove(): void;
}

/** Listens under an unpublished name first: a published socket without a listener has to mean that its process is gone. */
export async function publish(
  sockets: SocketDirectory,
  kind: MarkKind,
  makeServer: () => Server,
): Promise<Mark> {
  for (let left = TRIES; ; left -= 1) {
    const server = makeServer();
    try {
      return await publishOnce(sockets, kind, server);
    } catch (error) {
      server.close();
      if (left === 0 || !isMissing(error)) throw error;
    }
  }
}

async function publishOnce(
  sockets: SocketDirectory,
  kind: MarkKind,
  server: Server,
): Promise<Mark> {
  const stem = `${kind === 'held' ? '.held' : 'lock'}-${randomBytes(6).toString('hex')}`;
  const bound = sockets.pathOf(`${stem}-${directoryToken(sockets)}.new`);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Exclusive: of this process itself, also where it is a worker of node:cluster.
    server.listen({ path: bound, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(bound, 0o600);
  const { ino } = lstatSync(bound, { bigint: true });
  const name = kind === 'held' ? `${stem}-${ino.toString(36)}` : `${stem}.sock`;
  const path = sockets.pathOf(name);
  renameSync(bound, path);
  return {
    ...{ kind, name, server, boundName: basename(bound) },
    inPlace: () => inodeOf(path) === ino,
    remove() {
      // Not what somebody else may have put there.
      if (inodeOf(path) === ino) rmSync(path, { force: true });
    },
  };
}

/** Names of what is published, those of holders first. */
export function publishedMarks(sockets: SocketDirectory): string[] {
  const names = readdirSync(sockets.pathOf('.'));
  for (const name of names.filter((candidate) => UNPUBLISHED.test(candidate))) {
    const path = sockets.pathOf(name);
    const made = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (made < Date.now() - ABANDONED_MS) rmSync(path, { force: true });
  }
  return [...names.filter(isHeld), ...names.filter((name) => WANTED.test(name))];
}

export function isHeld(name: string): boolean {
  return HELD.test(name);
}

/** Whether a holder of the directory of that token has bound the name. */
export function isHeldBound(name: string, token: string): boolean {
  return HELD_BOUND.exec(name)?.[1] === token;
}

/**
 * Tells a directory from all others of the machine: 12 hex digits of its device and inode, which are the same by every path
 * to it, through a bind mount and after it was moved, and others for a copy.
 */
export function directoryToken(sockets: SocketDirectory): string {
  const { dev, ino } = statSync(sockets.pathOf('.'), { bigint: true });
  return createHash('sha256').update(`${dev} ${ino}`).digest('hex').slice(0, 12);
}

/** Whether a file is the mark that a holder published, and no copy of it: a copy has an inode of its own. */
export function isOriginal(sockets: SocketDirectory, name: string): boolean {
  const [, inode] = HELD.exec(name) ?? [];
  return inode !== undefined && inodeOf(sockets.pathOf(name))?.toString(36) === inode;
}

function inodeOf(path: string): bigint | null {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
  } catch {
    // The directory cannot be looked into: no mark is known to be there.
    return null;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
