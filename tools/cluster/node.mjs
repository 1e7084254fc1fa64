/** One node of a cluster: a real `sekisho serve` that keeps its ports over restarts and cannot outlive this process. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startGuarded } from '../services/guarded.mjs';

/** The command as it is built and published. */
export const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 40_000;
const tailLines = 40;
/** A node that is alive answers, however busy its machine is. */
const askTimeoutMs = 10_000;

/**
 * @typedef {object} NodeSettings
 * @property {number} index from 0
 * @property {{ routes: number, operations: number }} ports
 * @property {Record<string, string>} env everything that the process gets
 * @property {string} folder for its log
 * @property {string | undefined} [command] the `cli/main.js` that it runs; default: the one that was built
 */

/** @typedef {{ ok: boolean, detail: string }} Check */

export class ClusterNode {
  /** @type {number} */
  index;
  /** Such as `node-1`. @type {string} */
  name;
  /** Of the routes. @type {string} */
  url;
  /** Of `/readyz`, `/metrics`, `/members`. @type {string} */
  operationsUrl;
  /** Whether load may be sent to it; false before it is ready, once it was told to end, and after `quiesce`. */
  accepting = false;
  /** @type {NodeSettings} */
  #settings;
  /** @type {import('../services/guarded.mjs').Guarded | null} */
  #process = null;
  #logFile;

  /** @param {NodeSettings} settings */
  constructor(settings) {
    this.#settings = settings;
    this.index = settings.index;
    this.name = `node-${settings.index + 1}`;
    this.url = `http://127.0.0.1:${settings.ports.routes}`;
    this.operationsUrl = `http://127.0.0.1:${settings.ports.operations}`;
    this.#logFile = `${settings.folder}/${this.name}.log`;
    writeFileSync(this.#logFile, '', { mode: 0o600 });
  }

  /** Of the server now running; 0 while none does. */
  get pid() {
    return this.#process?.running ? this.#process.pid : 0;
  }

  get running() {
    return this.#process?.running ?? false;
  }

  /** Exit code of the last process, or the name of the signal that ended it; null while it runs. */
  get exitCode() {
    return this.#process?.exitCode ?? null;
  }

  /**
   * Starts a process and waits until it serves.
   * @param {{ env?: Record<string, string>, command?: string }} [changes] settings over those it was made with, and another
   *   release's command, for this and later starts
   */
  async start({ env = {}, command: other } = {}) {
    if (this.running) throw new Error(`${this.name} runs already`);
    Object.assign(this.#settings.env, env);
    if (other !== undefined) this.#settings.command = other;
    const printedBefore = this.log().length;
    this.#process = await startGuarded({
      command: process.execPath,
      args: [this.#settings.command ?? command, 'serve'],
      env: {
        ...this.#settings.env,
        PORT: String(this.#settings.ports.routes),
        SEKISHO_ADMIN_PORT: String(this.#settings.ports.operations),
      },
      logFile: this.#logFile,
      stopSignal: 'SIGTERM',
    });
    const deadline = performance.now() + readyTimeoutMs;
    while (!/^listening /m.test(this.log().slice(printedBefore))) {
      if (this.running && performance.now() < deadline) {
        await sleep(25);
        continue;
      }
      const log = this.log().slice(printedBefore);
      const how = this.exitCode;
      await this.dispose();
      throw new Error(`${this.name} did not start (${how}):\n${log}`);
    }
    this.accepting = true;
  }

  /** Sends a signal to the server process. @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#process?.kill(signal);
  }

  /** SIGTERM, as a supervisor sends it: drains, leaves, ends. @returns {Promise<number | string | null>} the exit code */
  async stop() {
    this.accepting = false;
    this.signal('SIGTERM');
    return this.#ended();
  }

  /** SIGKILL: nothing is said to anybody. */
  async kill() {
    this.accepting = false;
    this.signal('SIGKILL');
    return this.#ended();
  }

  /** SIGSTOP: the process stands still, its connections stay open. */
  pause() {
    this.signal('SIGSTOP');
  }

  /** SIGCONT. */
  continue() {
    this.signal('SIGCONT');
  }

  /** `stop`, then `start` on the same ports. */
  async restart() {
    await this.stop();
    await this.start();
  }

  /** Everything that its processes have printed. */
  log() {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** The last lines of it. */
  tail(lines = tailLines) {
    return this.log().trimEnd().split('\n').slice(-lines).join('\n');
  }

  /**
   * What `/readyz` says; `status` null when nothing answers.
   * @returns {Promise<{ status: number | null, checks: Record<string, Check> }>}
   */
  async readiness() {
    try {
      const response = await fetch(`${this.operationsUrl}/readyz`, {
        signal: AbortSignal.timeout(askTimeoutMs),
      });
      const { checks } = /** @type {any} */ (await response.json());
      return { status: response.status, checks };
    } catch {
      return { status: null, checks: {} };
    }
  }

  /**
   * Its metrics without labels, by name; those with labels by the whole line's name and labels. Null when nothing answers.
   * @returns {Promise<Map<string, number> | null>}
   */
  async metrics() {
    try {
      const response = await fetch(`${this.operationsUrl}/metrics`, {
        signal: AbortSignal.timeout(askTimeoutMs),
      });
      const lines = (await response.text()).split('\n').filter((line) => /^[a-z]/.test(line));
      return new Map(
        lines.map((line) => {
          const at = line.lastIndexOf(' ');
          return [line.slice(0, at), Number(line.slice(at + 1))];
        }),
      );
    } catch {
      return null;
    }
  }

  /** Ends whatever runs, at once; for the end of the cluster. */
  async dispose() {
    this.accepting = false;
    this.signal('SIGKILL');
    await this.#process?.stop();
  }

  async #ended() {
    const process = this.#process;
    if (process === null) return null;
    const late = setTimeout(() => process.kill('SIGKILL'), stopTimeoutMs);
    await process.exited;
    clearTimeout(late);
    return process.exitCode;
  }
}
