/**
 * The thread in which PGlite runs, so that a statement never blocks the event loop that answers requests. It carries out one
 * request after the other, in the order in which they come; waiting, priorities and deadlines are the caller's.
 *
 * Plain JavaScript, because a worker is loaded by the runtime itself, from src/ as well as from dist/.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { ImageFiles } from './image-files.js';

/**
 * @typedef {{ text: string, values?: readonly unknown[] }} Call
 * @typedef {(
 *   | { kind: 'query', calls: readonly Call[] }
 *   | { kind: 'script', text: string }
 *   | { kind: 'dump' }
 *   | { kind: 'close' }
 * )} Request
 * @typedef {{ message: string, sqlState: string, constraint: string | null }} Failure
 * @typedef {{ id: number, result?: unknown, failure?: Failure }} Reply
 * @typedef {{ dataDir?: string, programComes: boolean, wall?: Float64Array }} Settings
 * @typedef {{
 *   image: readonly import('./tar.ts').TarEntry[] | null,
 *   program: import('./wasm-module.ts').Program | null,
 * }} Begin what comes when `programComes`; without an image for what is in a directory
 */

const port = parentPort;
if (port === null) throw new Error('worker.js runs in a worker thread');

/** Traps and exits of the WebAssembly module. */
const TRAPS = new Set(['RuntimeError', 'ExitStatus']);
/** PostgreSQL's own words for the end of its process, on a full disk for one. PGlite goes on after it, in a loop without end. */
const FATAL = new Set(['FATAL', 'PANIC']);

/** What has its files in memory needs no second copy of them there; each page of it is touched at the start. */
const MEMORY = {
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB'],
  // Every database begins in memory. Segments of 16 MB, the default, are kept by fives.
  initDbStartParams: ['--wal-segsize=1'],
};

/** @type {Settings} */
const settings = workerData;

const { wall } = settings;
// Tests that hold time still: this thread has nothing else that asks for the time.
if (wall !== undefined) Date.now = () => Math.floor(wall[0] ?? 0);

/** @type {(begin: Begin) => void} */
let take = () => {};
/** @type {Promise<Begin>} */
const coming = new Promise((resolve) => {
  take = resolve;
});
/** @type {Promise<unknown>} */
let last = Promise.resolve();
port.on('message', (message) => ('image' in message ? take(message) : receive(message)));

// Unpacked and compiled by somebody else while this thread begins.
const { image, program } = settings.programComes ? await coming : { image: null, program: null };

/** @type {PGlite} */
const pg = await PGlite.create({
  ...(settings.dataDir === undefined ? MEMORY : { dataDir: settings.dataDir }),
  ...(image === null ? {} : { fs: new ImageFiles(image) }),
  ...(program === null ? {} : { pgliteWasmModule: program }),
});

/** @param {Request} request @returns {Promise<unknown>} */
async function carryOut(request) {
  switch (request.kind) {
    case 'query': {
      const [first] = request.calls;
      if (request.calls.length === 1 && first !== undefined) {
        return [(await pg.query(first.text, [...(first.values ?? [])])).rows];
      }
      return pg.transaction((transaction) =>
        alive(async () => {
          const results = [];
          for (const { text, values } of request.calls) {
            results.push((await transaction.query(text, [...(values ?? [])])).rows);
          }
          return results;
        }),
      );
    }
    case 'script':
      await pg.transaction((transaction) => alive(() => transaction.exec(request.text)));
      return null;
    case 'dump':
      return new Uint8Array(await (await pg.dumpDataDir('none')).arrayBuffer());
    case 'close':
      await pg.close();
      return null;
  }
}

/**
 * Ends the thread with the engine: nothing that it says can be believed any more, and it must not even be asked to roll back.
 *
 * @template Result @param {() => Promise<Result>} work @returns {Promise<Result>}
 */
async function alive(work) {
  try {
    return await work();
  } catch (error) {
    const { name, severity, message } = /** @type {Error & { severity?: string }} */ (error);
    if (TRAPS.has(name) || FATAL.has(severity ?? '')) {
      port?.postMessage({ id: -1, failure: { message, sqlState: '', constraint: null } });
      process.exit(1);
    }
    throw error;
  }
}

/** @param {unknown} error @returns {Failure} */
function failureOf(error) {
  const { message, code, constraint } =
    /** @type {{ message?: unknown, code?: unknown, constraint?: unknown }} */ (error ?? {});
  return {
    message: typeof message === 'string' ? message : String(error),
    // Errors without a code come from PGlite's own handling of parameters: nothing was sent.
    sqlState: typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : '22P02',
    constraint: typeof constraint === 'string' ? constraint : null,
  };
}

/** @param {{ id: number, request: Request }} message */
function receive({ id, request }) {
  last = last.then(async () => {
    /** @type {Reply} */
    let reply;
    try {
      reply = { id, result: await alive(() => carryOut(request)) };
    } catch (error) {
      reply = { id, failure: failureOf(error) };
    }
    port?.postMessage(reply);
    if (request.kind === 'close') port?.close();
  });
}

port.postMessage({ id: 0, result: null });
