/** Ports and readiness, for servers that tests start. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './ports.mjs';

export { freePort };

/**
 * Waits until a server that was just started does what it is asked. When it ends first, or takes too
 * long, it is stopped and its log becomes the error.
 * @param {{
 *   name: string, server: import('./guarded.mjs').Guarded, logFile: string,
 *   ready: () => Promise<boolean>, timeoutMs: number,
 * }} options
 */
export async function untilReady({ name, server, logFile, ready, timeoutMs }) {
  const deadline = Date.now() + timeoutMs;
  while (!(await ready())) {
    if (server.running && Date.now() < deadline) {
      await sleep(50);
      continue;
    }
    const log = readFileSync(logFile, 'utf8');
    if (server.running) await server.stop();
    throw new Error(`${name} did not start:\n${log}`);
  }
}

/**
 * A free port is known only by asking, and somebody may take it in between: then another one.
 * @template T
 * @param {(port: number) => Promise<T>} start fails with a message that contains `taken` in that case
 * @param {string} taken
 * @returns {Promise<T>}
 */
export async function onFreePort(start, taken) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === 5 || !String(error).includes(taken)) throw error;
    }
  }
}
