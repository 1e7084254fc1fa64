import { Worker } from 'node:worker_threads';
import { SekishoError } from '../../errors.ts';
import {
  type CallOptions,
  type Database,
  DEFAULT_DEADLINE_MS,
  SCRIPT_DEADLINE_MS,
  type SqlCall,
  SqlError,
} from '../database.ts';
import type { DirectoryGuard } from './lock-keeper.ts';
import { tarEntries } from './tar.ts';
import { sharedProgram } from './wasm-module.ts';

/** A closing checkpoint of a large directory takes its time; after this the thread is ended, which loses nothing. */
const CLOSE_DEADLINE_MS = 10_000;
/** Longer than anything that is asked for takes. PGlite goes on in a loop without end after some ways in which it can panic. */
const STUCK_MS = 300_000;

type Request =
  | { readonly kind: 'query'; readonly calls: readonly SqlCall[] }
  | { readonly kind: 'script'; readonly text: string }
  | { readonly kind: 'dump' }
  | { readonly kind: 'close' };

/** What a thread says that nobody asked: it is up; its engine has ended, and why. */
const STARTED = 0;
const ENDED = -1;

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: {
    readonly message: string;
    readonly sqlState: string;
    readonly constraint: string | null;
  };
}

interface Waiting {
  readonly request: Request;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export interface WorkerDatabase extends Database {
  /** The whole database as a tar file, for `image`. */
  dump(): Promise<Uint8Array>;
  readonly crashed: Promise<Error>;
}

/**
 * PGlite in a worker thread. One request is with the thread at a time and the others wait here, so that an urgent one (a
 * heartbeat) goes before all of them, and so that it is known of each whether it was sent when its deadline passes.
 *
 * @param settings `image` is moved to the thread, and is empty here afterwards; one that is still being unpacked may be
 *   null in the end. `brief`: a directory that is open for one command, whose program is not optimised (`sharedProgram`), as
 *   it is not in memory either. `wall` is shared with the thread. `guard`: the directory's; nothing is sent while it is not
 *   known to be held, and the thread ends when it is lost. `signal` ends the opening, which has no other end where a disk
 *   does not answer.
 * @param entry what runs in the thread; tests give one that dies.
 * @param stuckMs after which a statement that does not end is the thread's end.
 * @throws Error when PGlite cannot open the directory.
 */
export async function startWorkerDatabase(
  settings: {
    readonly dataDir?: string;
    readonly image?: Uint8Array | Promise<Uint8Array | null>;
    readonly brief?: boolean;
    readonly wall?: Float64Array;
    readonly guard?: DirectoryGuard;
    readonly signal?: AbortSignal;
  },
  entry: URL = new URL('./worker.js', import.meta.url),
  stuckMs: number = STUCK_MS,
): Promise<WorkerDatabase> {
  // Not the flags of this process: it may have been started with some that no worker takes, such as --input-type.
  const { image, brief = false, guard, signal, ...more } = settings;
  const programComes = brief || image !== undefined;
  const workerData = { ...more, programComes };
  const worker = new Worker(entry, { workerData, execArgv: [] });
  const urgent: Waiting[] = [];
  const ordinary: Waiting[] = [];
  let sent: (Waiting & { readonly id: number }) | undefined;
  /** Whether the directory is still held is being found out. */
  let asking = false;
  let nextId = 1;
  let statements = 0;
  let down: Error | undefined;
  let watchdog: NodeJS.Timeout | undefined;

  let started = (): void => {};
  let failed = (_error: Error): void => {};
  const ready = new Promise<void>((resolve, reject) => {
    started = resolve;
    failed = reject;
  });
  let crash = (_error: Error): void => {};
  const crashed = new Promise<Error>((resolve) => {
    crash = resolve;
  });

  function sendNext(): void {
    if (sent !== undefined || down !== undefined || asking) return;
    if (urgent.length + ordinary.length === 0) return;
    const held = guard?.held() ?? true;
    if (held !== true) {
      asking = true;
      void held.then((isHeld) => {
        asking = false;
        if (isHeld) sendNext();
      });
      return;
    }
    const next = urgent.shift() ?? ordinary.shift();
    if (next === undefined) return;
    sent = { ...next, id: nextId++ };
    watchdog ??= setTimeout(look, stuckMs, sent.id).unref();
    worker.postMessage({ id: sent.id, request: next.request });
  }

  /** Ends a thread that has been at the same statement since it was last looked at. */
  function look(id: number): void {
    watchdog = undefined;
    if (sent === undefined || down !== undefined) return;
    if (sent.id === id) {
      end(new Error('The embedded database does not come to the end of a statement.'));
      void worker.terminate();
    } else watchdog = setTimeout(look, stuckMs, sent.id).unref();
  }

  function end(error: Error): void {
    if (down !== undefined) return;
    down = error;
    failed(error);
    crash(error);
    sent?.reject(
      new SekishoError('outcome_unknown', 'The embedded database stopped during the call.', {
        cause: error,
      }),
    );
    sent = undefined;
    for (const waiting of [...urgent.splice(0), ...ordinary.splice(0)]) {
      waiting.reject(unavailable(error));
    }
  }

  void guard?.lost.then((error) => {
    end(new Error(`The data directory is lost: ${error.message}.`));
    void worker.terminate();
  });
  worker.on('message', (reply: Reply) => {
    if (reply.id === STARTED) {
      started();
      return;
    }
    if (reply.id === ENDED) {
      end(new Error(reply.failure?.message));
      return;
    }
    if (sent?.id !== reply.id) return;
    const { resolve, reject } = sent;
    sent = undefined;
    sendNext();
    if (reply.failure === undefined) resolve(reply.result);
    else {
      const { message, sqlState, constraint } = reply.failure;
      reject(new SqlError(message, sqlState, constraint ?? undefined));
    }
  });
  worker.on('error', (error: unknown) =>
    end(error instanceof Error ? error : new Error(String(error))),
  );
  worker.on('exit', () => end(new Error('The thread of the embedded database has ended.')));

  function submit(request: Request, deadlineMs: number, isUrgent = false): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (down !== undefined) {
        reject(unavailable(down));
        return;
      }
      const queue = isUrgent ? urgent : ordinary;
      // The statement runs on when it was sent; only the caller is answered.
      const timer = setTimeout(() => {
        const place = queue.indexOf(waiting);
        if (place >= 0) {
          queue.splice(place, 1);
          reject(new SekishoError('store_unavailable', 'The embedded database is busy.'));
        } else {
          reject(new SekishoError('outcome_unknown', 'The embedded database is slow to answer.'));
        }
      }, deadlineMs);
      const waiting: Waiting = {
        request,
        resolve(result) {
          clearTimeout(timer);
          resolve(result);
        },
        reject(error) {
          clearTimeout(timer);
          reject(error);
        },
      };
      queue.push(waiting);
      sendNext();
    });
  }

  async function run(
    calls: readonly SqlCall[],
    options: CallOptions = {},
  ): Promise<Record<string, unknown>[][]> {
    statements += calls.length;
    const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
    const result = await submit({ kind: 'query', calls }, deadlineMs, options.urgent);
    return result as Record<string, unknown>[][];
  }

  const abandon = (): void => end(new Error('It was closed while it was being opened.'));
  signal?.addEventListener('abort', abandon);
  try {
    if (signal?.aborted === true) abandon();
    if (programComes) {
      const coming = Promise.all([image ?? null, sharedProgram()]);
      const [tar, program] = (await Promise.race([coming, ready])) ?? [null, null];
      const entries = tar && [...tarEntries(tar)];
      worker.postMessage(
        { image: entries, program },
        tar === null ? [] : [tar.buffer as ArrayBuffer],
      );
    }
    await ready;
  } catch (error) {
    // An image that cannot be had leaves a thread that waits for it.
    await worker.terminate();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abandon);
  }

  return {
    kind: 'pglite',
    crashed,
    async query<Row extends object>(sql: SqlCall, options?: CallOptions): Promise<Row[]> {
      const [rows] = await run([sql], options);
      return rows as Row[];
    },
    transaction: run,
    async script(text: string): Promise<void> {
      statements += 1;
      await submit({ kind: 'script', text }, SCRIPT_DEADLINE_MS);
    },
    statementCount: () => statements,
    async dump(): Promise<Uint8Array> {
      return (await submit({ kind: 'dump' }, SCRIPT_DEADLINE_MS)) as Uint8Array;
    },
    async close(): Promise<void> {
      if (down !== undefined) {
        // Whoever gives the directory back afterwards must be sure that nothing writes there.
        await worker.terminate();
        return;
      }
      const closing = run([{ text: 'checkpoint' }], { deadlineMs: CLOSE_DEADLINE_MS })
        .then(() => submit({ kind: 'close' }, CLOSE_DEADLINE_MS))
        // A thread that does not answer is ended all the same; the write-ahead log has everything.
        .catch(() => {});
      await closing;
      down ??= new Error('The embedded database is closed.');
      for (const waiting of [...urgent.splice(0), ...ordinary.splice(0)]) {
        waiting.reject(unavailable(down));
      }
      clearTimeout(watchdog);
      await worker.terminate();
    },
  };
}

function unavailable(cause: Error): SekishoError {
  return new SekishoError('store_unavailable', 'The embedded database does not run.', { cause });
}
