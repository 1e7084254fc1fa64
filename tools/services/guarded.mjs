/**
 * Starts a server for tests so that it can never outlive whoever started it: a small guard process
 * (guard.mjs) is its parent, and ends it when the guard's standard input closes, which the system
 * does even when the test runner is killed.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const guardFile = fileURLToPath(new URL('./guard.mjs', import.meta.url));

/**
 * @typedef {object} GuardedOptions
 * @property {string} command an absolute path or a name on PATH
 * @property {string[]} args
 * @property {string} logFile receives the server's stdout and stderr
 * @property {NodeJS.Signals} stopSignal asks the server to end; SIGKILL follows after 10 s
 * @property {string} [cwd]
 * @property {Record<string, string | undefined>} [env] default: this process's environment
 * @property {string} [scratch] a folder that goes away with the server once it is stopped
 * @property {number} [uid] run as this user (needs root)
 * @property {number} [gid]
 */

/**
 * @typedef {object} Guarded
 * @property {number} pid of the server itself
 * @property {boolean} running
 * @property {Promise<void>} exited settles when the server is gone
 * @property {number | string | null} exitCode of the server, or the name of the signal that ended it;
 *   null while it runs, and when its guard was killed
 * @property {(signal: NodeJS.Signals) => void} kill sends a signal to the server
 * @property {() => Promise<void>} stop ends the server and waits until it is gone
 */

/** @param {GuardedOptions} options @returns {Promise<Guarded>} */
export async function startGuarded({ env = process.env, ...options }) {
  const guard = spawn(process.execPath, [guardFile, JSON.stringify(options)], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true, // a Ctrl-C at the terminal is for the test runner, which then stops us in order
  });
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => guard.once('close', () => resolve()));
  /** @type {number | string | null} */
  let exitCode = null;
  const lines = createInterface({ input: guard.stdout });
  /** @type {{ pid?: number, error?: string }} */
  const first = await Promise.race([
    new Promise((resolve) => {
      lines.on('line', (line) => {
        const news = JSON.parse(line);
        if ('exit' in news) exitCode = news.exit;
        else resolve(news);
      });
    }),
    exited.then(() => ({ error: 'the guard process ended at once' })),
  ]);
  const pid = first.pid;
  if (pid === undefined) {
    throw new Error(`${options.command} could not be started: ${first.error}`);
  }

  const guarded = {
    pid,
    running: true,
    get exitCode() {
      return exitCode;
    },
    exited: exited.then(() => {
      guarded.running = false;
    }),
    /** @param {NodeJS.Signals} signal */
    kill(signal) {
      if (!guarded.running) return;
      try {
        process.kill(pid, signal);
      } catch (error) {
        // It has just ended, and its guard has not said so yet.
        if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
      }
    },
    async stop() {
      guard.stdin.end();
      await guarded.exited;
    },
  };
  return guarded;
}
