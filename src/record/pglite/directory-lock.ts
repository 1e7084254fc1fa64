import { randomBytes } from 'node:crypto';
import { chmod, link, readdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { SekishoError } from '../../errors.ts';
import { ask, type ControlHandler, serveLines } from './control.ts';
import { openPlace, type Place } from './socket-place.ts';

/** Older sockets are left for this long, so that nobody who reads the directory meanwhile misses both old and new. */
const TIDY_AFTER_MS = 10_000;
/** How long the second process waits for the holder to say who it is. */
const WHO_DEADLINE_MS = 2_000;
const ATTEMPTS = 20;
const NAME = /^lock\.(\d+)\.sock$/;

/** Who holds a data directory. */
export interface Holder {
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
  /** Where it listens; null before it does. */
  readonly address: string | null;
}

export interface DirectoryLock {
  /** What the holder tells a second process. */
  setAddress(address: string): void;
  /** Answers commands that come through the socket (mode 0600): whoever may open it may command. */
  handle(handler: ControlHandler): void;
  /** Lets the next process in. */
  release(): Promise<void>;
}

/**
 * Takes a data directory for this process (docs/decisions/0008). The lock is a socket in the directory that somebody
 * listens on: a process that is gone cannot listen, so neither a stale file nor a reused pid can fool anybody, and one that
 * is stopped still holds it.
 *
 * Sockets are numbered, and the highest number counts. Taking over means making the next number, by a hard link, which
 * only one process can; the highest is never removed, so a process that fell behind notices it after its own link.
 *
 * @param directory must exist and be writable.
 * @param now RFC 3339, for `since`.
 * @throws SekishoError `data_directory_in_use` with who holds it; `data_directory_unusable`.
 */
export async function lockDirectory(directory: string, now: string): Promise<DirectoryLock> {
  const place = await openPlace(directory);
  try {
    return await take(place, directory, now);
  } catch (error) {
    await place.close();
    if (error instanceof SekishoError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new SekishoError(
      'data_directory_unusable',
      `The data directory ${directory} cannot be locked (${code ?? message}): make it a directory that this user may write.`,
      { cause: error },
    );
  }
}

/**
 * Sends a command to the process that holds `directory`.
 *
 * @returns its reply, or undefined when nobody holds it.
 * @throws SekishoError `store_unavailable` when the holder does not answer in time.
 */
export async function askHolder(
  directory: string,
  message: unknown,
  deadlineMs: number,
): Promise<unknown> {
  const place = await openPlace(directory);
  try {
    const highest = await highestIn(place);
    if (highest === 0) return undefined;
    return await ask(place.path(nameOf(highest)), message, deadlineMs);
  } finally {
    await place.close();
  }
}

async function take(place: Place, directory: string, now: string): Promise<DirectoryLock> {
  let address: string | null = null;
  let handler: ControlHandler | undefined;
  const server = createServer(
    serveLines(async (message) => {
      if (isWho(message)) return { pid: process.pid, since: now, address } satisfies Holder;
      if (handler === undefined)
        return { error: { code: 'not_ready', message: 'The server is starting.' } };
      return handler(message);
    }),
  );
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });

  // Listening before it has a number: whoever sees the number finds somebody there.
  const own = `taking.${process.pid}.${randomBytes(6).toString('hex')}.sock`;
  await listen(server, place.path(own));
  let number: number | undefined;
  try {
    await chmod(place.path(own), 0o600);
    number = await claim(place, own, directory);
  } finally {
    // The bound name stays with the link; Node removes `own` itself when the server closes, which is harmless twice.
    await rm(place.path(own), { force: true });
    if (number === undefined) await close(server, sockets);
  }

  const tidying = setTimeout(() => {
    tidy(place, number).catch(() => {});
  }, TIDY_AFTER_MS);
  tidying.unref();
  server.unref();

  return {
    setAddress(value) {
      address = value;
    },
    handle(value) {
      handler = value;
    },
    async release() {
      clearTimeout(tidying);
      await close(server, sockets);
      await place.close();
    },
  };
}

/** Gives the listening socket `own` the next number. @returns that number. */
async function claim(place: Place, own: string, directory: string): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const highest = await highestIn(place);
    if (highest > 0) await refuseIfHeld(place, highest, directory);
    const next = highest + 1;
    try {
      await link(place.path(own), place.path(nameOf(next)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    // Somebody may have taken, used and tidied away this very number since the directory was read.
    if ((await highestIn(place)) === next) return next;
    await rm(place.path(nameOf(next)), { force: true });
  }
  throw new SekishoError(
    'data_directory_in_use',
    `Many processes want the data directory ${directory} at once: start one of them.`,
  );
}

async function refuseIfHeld(place: Place, number: number, directory: string): Promise<void> {
  let holder: Partial<Holder> | undefined;
  try {
    holder = (await ask(place.path(nameOf(number)), { ask: 'who' }, WHO_DEADLINE_MS)) as
      | Partial<Holder>
      | undefined;
    if (holder === undefined) return;
  } catch {
    // Somebody listens there and does not answer: stopped, or very busy. It holds the directory all the same.
    holder = {};
  }
  const who =
    holder.pid === undefined
      ? 'a process that does not answer (stopped?)'
      : `process ${holder.pid}${holder.address ? ` at ${holder.address}` : ''}, running since ${holder.since}`;
  throw new SekishoError(
    'data_directory_in_use',
    `The data directory ${directory} is in use by ${who}. Stop it, or set SEKISHO_DATA_DIR to another directory.`,
  );
}

async function highestIn(place: Place): Promise<number> {
  const numbers = (await readdir(place.directory)).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/** Removes sockets below the holder's, which are all of processes that are gone. */
async function tidy(place: Place, below: number): Promise<void> {
  for (const name of await readdir(place.directory)) {
    const number = Number(NAME.exec(name)?.[1] ?? 0);
    if (number > 0 && number < below) await rm(place.path(name), { force: true });
  }
}

function nameOf(number: number): string {
  return `lock.${number}.sock`;
}

function isWho(message: unknown): boolean {
  return (
    typeof message === 'object' && message !== null && 'ask' in message && message.ask === 'who'
  );
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
