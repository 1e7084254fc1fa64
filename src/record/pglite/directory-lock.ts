import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SekishoError } from '../../errors.ts';
import { ask, createLineServer, type Handle } from './control-socket.ts';
import { type Holder, inUse, unusable } from './directory-errors.ts';
import { type DirectoryGuard, type Keeper, keepMarks } from './lock-keeper.ts';
import {
  directoryToken,
  isHeldBound,
  MARK_NAME_BYTES,
  type Mark,
  publish,
  publishedMarks,
} from './lock-marks.ts';
import {
  BEFORE_ALL,
  findHolder,
  isLockMessage,
  type LockReply,
  strongest,
} from './lock-questions.ts';
import { isUnused, leaveToken, takeTokens } from './lock-tokens.ts';
import { openSocketDirectory, type SocketDirectory } from './socket-path.ts';
import { listenersIn } from './unix-listeners.ts';

/**
 * How long a starter that finds no proof of the last holder's end leaves a holder time to put its marks back: many times as
 * long as one takes to notice (`LOOK_EVERY_MS`), as processes are slow at times.
 */
const PROOF_MS = 3_000;
/** How long a loser waits to learn who has won, before it says so. */
const SETTLE_MS = 2 * PROOF_MS;

export type { Holder };

export interface DirectoryLock extends DirectoryGuard {
  readonly dataDir: string;
  readonly holder: Holder;
  /** What others are told, once it is known. */
  serveAt(address: string): void;
  /** Answers what `askHolder` sends from other processes. Without it they get `{ error }`. */
  answer(handle: Handle): void;
  /** The caller has closed what it had open in the directory. */
  release(): Promise<void>;
}

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
 * Files can be removed under a running holder, so their absence proves nothing. Who has won takes the proof of the last
 * holder's end, of which there is one (`lock-tokens.ts`), or waits for longer than a holder takes to put its marks back;
 * then publishes a second mark and asks everybody again, the system's own table of listeners too.
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
      const unclear = holder === 'undecided' || (holder === 'none' && outcome.to === 'unseen');
      if (unclear ? Date.now() > deadline : holder !== 'none') {
        const to = outcome.to === 'unseen' ? null : outcome.to;
        throw inUse(dataDir, holder === 'undecided' || holder === 'none' ? to : holder);
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
    sockets = openSocketDirectory(dataDir, MARK_NAME_BYTES);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw unusable(dataDir, error);
  }
  try {
    for (const name of publishedMarks(sockets)) {
      const asked = await ask(sockets.pathOf(name), message, timeoutMs, onProgress);
      if (asked.kind === 'reply') return { reply: asked.reply };
      if (asked.kind === 'silent') throw inUse(dataDir, null);
    }
    return null;
  } finally {
    sockets.close();
  }
}

/** The directory stays open for as long as this process wants or has it: by that others know whose listener it is. */
function prepare(dataDir: string): SocketDirectory {
  try {
    makeFolder(dataDir);
    const sockets = openSocketDirectory(dataDir, MARK_NAME_BYTES);
    let fd: number | null = openSync(sockets.pathOf('.'), 'r');
    return {
      ...sockets,
      close() {
        if (fd !== null) closeSync(fd);
        fd = null;
        sockets.close();
      },
    };
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
  /** `unseen`: somebody listens in the directory, under a name that is not there any more. */
  | { readonly kind: 'lost'; readonly to: Holder | null | 'unseen' };

/**
 * `contender` gives way to a smaller id; `winner` has won against all others that want it, and gives way to a holder that
 * puts its marks back; `yielded` is for good.
 */
type State = 'contender' | 'winner' | 'yielded' | 'holder';

async function contend(dataDir: string, sockets: SocketDirectory): Promise<Contest> {
  const id = randomBytes(6).toString('hex');
  let state: State = 'contender';
  let holder: Holder = { pid: process.pid, startedAtMs: Date.now(), address: null };
  let handle: Handle = () => {
    throw new SekishoError('not_ready', 'This process takes no commands yet.');
  };
  const open = new Set<Socket>();
  const marks: Mark[] = [];
  let keeper: Keeper | null = null;

  const makeServer = (): Server => {
    const server = createLineServer((message, onProgress) => {
      if (!isLockMessage(message)) return handle(message, onProgress);
      const { lock } = message;
      if (state === 'contender' && lock.id < id) state = 'yielded';
      if (state === 'winner' && lock.holds) state = 'yielded';
      const reply: LockReply =
        state === 'yielded'
          ? { state }
          : { state: state === 'holder' ? 'holder' : 'contender', holder };
      return reply;
    });
    server.on('connection', (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    return server;
  };
  const isOwn = (name: string): boolean => marks.some((mark) => mark.name === name);
  const release = async () => {
    await keeper?.stop();
    try {
      if (state === 'holder' && !keeper?.isLost) leaveToken(sockets);
      // The names go first: whoever looks from now on finds nothing.
      for (const mark of marks) mark.remove();
    } finally {
      const closed = marks.map(
        ({ server }) => new Promise<void>((resolve) => server.close(() => resolve())),
      );
      // What was answered is let out; whoever keeps a connection open does not keep the process.
      for (const socket of open) socket.destroySoon();
      await Promise.all(closed);
    }
  };
  const current = (): State => state;

  /** @returns null when it is this process's. */
  async function win(): Promise<{ readonly to: Holder | null | 'unseen' } | null> {
    marks.push(await publish(sockets, 'wanted', makeServer));
    const first = await strongest(sockets, isOwn, id);
    if (first.kind === 'some') return { to: first.holder };
    if (current() !== 'contender') return { to: null };
    state = 'winner';
    const isProven = takeTokens(sockets, first.dead) || isUnused(sockets);
    if (!isProven) await sleep(PROOF_MS);
    marks.push(await publish(sockets, 'held', makeServer));
    const token = directoryToken(sockets);
    const isElse = (name: string): boolean =>
      isHeldBound(name, token) && !marks.some(({ boundName }) => boundName === name);
    const deadline = Date.now() + PROOF_MS;
    for (;;) {
      const second = await strongest(sockets, isOwn, BEFORE_ALL);
      if (second.kind === 'some') return { to: second.holder };
      if (current() !== 'winner') return { to: null };
      if (listenersIn(sockets.pathOf('.'), isElse).length === 0) {
        takeTokens(sockets, second.dead);
        break;
      }
      // It is just ending, or puts its marks back, or is stopped.
      if (Date.now() > deadline) return { to: 'unseen' };
      await sleep(20);
    }
    state = 'holder';
    return null;
  }

  let lost: Awaited<ReturnType<typeof win>>;
  try {
    lost = await win();
  } catch (error) {
    // Whoever asks a contender that has given up would wait for it.
    await release();
    throw error;
  }
  if (lost !== null) {
    state = 'yielded';
    await release();
    return { kind: 'lost', ...lost };
  }
  keeper = keepMarks(sockets, marks, () => makeServer().unref());
  for (const { server } of marks) server.unref();
  void keeper.lost.then(() => {
    state = 'yielded';
  });
  return {
    kind: 'won',
    lock: {
      ...{ dataDir, held: keeper.held, lost: keeper.lost },
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
