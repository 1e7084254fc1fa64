import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../../errors.ts';
import { ask, createLineServer, type Handle } from './control-socket.ts';
import { type Holder, inUse, unusable } from './directory-errors.ts';
import { openSocketDirectory, type SocketDirectory } from './socket-path.ts';

/** Published sockets: `lock-<random>.sock`. The same name is never used twice, so a dead one stays dead. */
const PUBLISHED = /^lock-[0-9a-f]{12}\.sock$/;
const UNPUBLISHED = /^lock-[0-9a-f]{12}\.new$/;
const NAME_BYTES = 'lock-000000000000.sock'.length;

const ASK_TIMEOUT_MS = 2_000;
/** How long a loser waits to learn who has won, before it says so. */
const SETTLE_MS = 5_000;
/** An unpublished socket that is older was left behind between two steps that take microseconds. */
const ABANDONED_MS = 60_000;

export type { Holder };

export interface DirectoryLock {
  readonly dataDir: string;
  readonly holder: Holder;
  /** What others are told, once it is known. */
  serveAt(address: string): void;
  /** Answers what `askHolder` sends from other processes. Without it they get `{ error }`. */
  answer(handle: Handle): void;
  release(): Promise<void>;
}

type LockMessage = { readonly lock: { readonly id: string } };

type LockReply =
  | { readonly state: 'holder'; readonly holder: Holder }
  /** A contender that goes before the one who asked. */
  | { readonly state: 'contender'; readonly holder: Holder }
  /** A contender that has given way to the one who asked, for good. */
  | { readonly state: 'yielded' };

/**
 * Takes a data directory for this process (docs/decisions/0008): PGlite has no lock of its own, and two processes in one directory corrupt it.
 *
 * The lock is a live listener, a Unix socket in the directory, so neither a file that a killed process left behind nor a
 * process id that was given out again can fool it. Whoever wants it first publishes a socket of its own, already listening,
 * under a name that is used once; then asks every other socket there. Nobody listens: that one is dead for ever and its
 * file goes. A holder: lost. Another contender: of the two, the smaller id goes on and the other gives way, which the asked
 * one decides in one step of its event loop. Of any two contenders the one that published later asks the other, so two
 * cannot both go on. A process that does not answer counts as a holder.
 *
 * @throws SekishoError `data_directory_in_use` with pid, start time and address of the holder; `data_directory_unusable`.
 */
export async function lockDirectory(dataDir: string): Promise<DirectoryLock> {
  const sockets = prepare(dataDir);
  try {
    const deadline = Date.now() + SETTLE_MS;
    for (;;) {
      const outcome = await contend(dataDir, sockets);
      if (outcome.kind === 'won') return outcome.lock;
      // Who made us give way has to win, or to give way itself: then there is a holder to name, or a new round.
      const holder = await findHolder(sockets);
      if (holder !== 'none' && (holder !== 'undecided' || Date.now() > deadline)) {
        throw inUse(dataDir, holder === 'undecided' ? outcome.to : holder);
      }
      await sleep(20 + Math.random() * 30);
    }
  } catch (error) {
    sockets.close();
    if (error instanceof SekishoError) throw error;
    throw unusable(dataDir, error);
  }
}

/**
 * Sends a JSON value to the process that holds `dataDir` and returns its answer.
 *
 * @returns null when no process holds the directory.
 * @throws SekishoError `data_directory_in_use` when somebody holds it but gives no sign of work for `timeoutMs`;
 *   `payload_too_large`; and what `onProgress` throws.
 */
export async function askHolder(
  dataDir: string,
  message: unknown,
  timeoutMs: number,
  onProgress?: (progress: unknown) => void,
): Promise<{ readonly reply: unknown } | null> {
  let sockets: SocketDirectory;
  try {
    sockets = openSocketDirectory(dataDir, NAME_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(dataDir, error);
  }
  try {
    for (const name of published(sockets)) {
      const asked = await ask(sockets.pathOf(name), message, timeoutMs, onProgress);
      if (asked.kind === 'reply') return { reply: asked.reply };
      if (asked.kind === 'silent') throw inUse(dataDir, null);
    }
    return null;
  } finally {
    sockets.close();
  }
}

function prepare(dataDir: string): SocketDirectory {
  try {
    makeFolder(dataDir);
    return openSocketDirectory(dataDir, NAME_BYTES);
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

/**
 * Makes a folder and those above it. Node's own `recursive` never comes back where the folder above is there and still
 * nothing can be made in it for `ENOENT`, as under /proc: the process would spin, deaf to signals.
 */
function makeFolder(path: string): void {
  if (existsSync(path)) {
    readdirSync(path);
    return;
  }
  const above = dirname(path);
  if (above !== path && !existsSync(above)) makeFolder(above);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else's start was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

type Contest =
  | { readonly kind: 'won'; readonly lock: DirectoryLock }
  | { readonly kind: 'lost'; readonly to: Holder | null };

async function contend(dataDir: string, sockets: SocketDirectory): Promise<Contest> {
  const id = randomBytes(6).toString('hex');
  const name = `lock-${id}.sock`;
  let state: 'contender' | 'yielded' | 'holder' = 'contender';
  let holder: Holder = { pid: process.pid, startedAtMs: Date.now(), address: null };
  let handle: Handle = () => {
    throw new SekishoError('not_ready', 'This process takes no commands yet.');
  };

  const server = createLineServer((message, onProgress) => {
    if (!isLockMessage(message)) return handle(message, onProgress);
    if (state === 'contender' && message.lock.id < id) state = 'yielded';
    const reply: LockReply = state === 'yielded' ? { state } : { state, holder };
    return reply;
  });
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  const release = async () => {
    try {
      // The name goes first: whoever looks from now on finds nothing.
      rmSync(sockets.pathOf(name), { force: true });
      rmSync(sockets.pathOf(unpublishedName(id)), { force: true });
    } finally {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        // What was answered is let out; whoever keeps a connection open does not keep the process.
        for (const socket of open) socket.destroySoon();
      });
    }
  };

  let rival: Rival;
  try {
    await publish(server, sockets, id, name);
    rival = await strongest(sockets, name, id);
  } catch (error) {
    // Whoever asks a contender that has given up would wait for it.
    await release();
    throw error;
  }
  if (rival.kind === 'none' && state === 'contender') {
    state = 'holder';
    server.unref();
    return {
      kind: 'won',
      lock: {
        dataDir,
        get holder() {
          return holder;
        },
        serveAt(address) {
          holder = { ...holder, address };
        },
        answer(next) {
          handle = next;
        },
        async release() {
          await release();
          sockets.close();
        },
      },
    };
  }
  state = 'yielded';
  await release();
  return { kind: 'lost', to: rival.kind === 'some' ? rival.holder : null };
}

function unpublishedName(id: string): string {
  return `lock-${id}.new`;
}

/** Listens under an unpublished name first: a published socket without a listener has to mean that its process is dead. */
async function publish(
  server: Server,
  sockets: SocketDirectory,
  id: string,
  name: string,
): Promise<void> {
  const path = sockets.pathOf(unpublishedName(id));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  chmodSync(path, 0o600);
  renameSync(path, sockets.pathOf(name));
}

type Rival = { readonly kind: 'none' } | { readonly kind: 'some'; readonly holder: Holder | null };

/** Asks everybody else there; the first who goes before `id` ends the search. */
async function strongest(sockets: SocketDirectory, own: string, id: string): Promise<Rival> {
  for (const name of published(sockets)) {
    if (name === own) continue;
    const path = sockets.pathOf(name);
    const asked = await ask(path, { lock: { id } } satisfies LockMessage, ASK_TIMEOUT_MS);
    if (asked.kind === 'dead') {
      rmSync(path, { force: true });
      continue;
    }
    if (asked.kind === 'silent') return { kind: 'some', holder: null };
    const reply = asked.reply as LockReply;
    if (reply.state !== 'yielded') return { kind: 'some', holder: reply.holder };
  }
  return { kind: 'none' };
}

/** Looks without contending: the id is greater than any, so nobody gives way to it. */
async function findHolder(sockets: SocketDirectory): Promise<Holder | null | 'none' | 'undecided'> {
  let undecided = false;
  for (const name of published(sockets)) {
    const message = { lock: { id: 'z' } } satisfies LockMessage;
    const asked = await ask(sockets.pathOf(name), message, ASK_TIMEOUT_MS);
    if (asked.kind === 'dead') continue;
    if (asked.kind === 'silent') return null;
    const reply = asked.reply as LockReply;
    if (reply.state === 'holder') return reply.holder;
    if (reply.state === 'contender') undecided = true;
  }
  return undecided ? 'undecided' : 'none';
}

function published(sockets: SocketDirectory): string[] {
  const names = readdirSync(sockets.pathOf('.'));
  for (const name of names.filter((candidate) => UNPUBLISHED.test(candidate))) {
    const path = sockets.pathOf(name);
    const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (made < Date.now() - ABANDONED_MS) rmSync(path, { force: true });
  }
  return names.filter((name) => PUBLISHED.test(name));
}

function isLockMessage(message: unknown): message is LockMessage {
  return typeof message === 'object' && message !== null && 'lock' in message;
}
