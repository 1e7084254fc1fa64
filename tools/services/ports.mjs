/** Ports for servers that are stopped and started again while clients keep trying to connect. */
import { createServer } from 'node:net';

/**
 * Below the ports that systems hand out by themselves (from 32768 on Linux, 49152 elsewhere): a client
 * that tries a port of that range again and again can be given the very same port for its own end. It
 * is then connected to itself, and the server cannot have its port back.
 */
const lowest = 12_000;
const highest = 32_000;

/** @returns {Promise<number>} a port that nobody listens on at present */
export async function freePort() {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port was found between ${lowest} and ${highest}`);
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
