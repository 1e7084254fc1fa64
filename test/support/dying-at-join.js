/** PGlite as src/record/pglite/worker.js runs it, whose thread dies of the statement with which a node joins. */
import { parentPort } from 'node:worker_threads';
import '../../src/record/pglite/worker.js';

parentPort?.on('message', (/** @type {{ request?: { calls?: { text: string }[] } }} */ message) => {
  if (message.request?.calls?.some(({ text }) => text.includes('join_member')))
    throw new Error('could not write to log file: No space left on device');
});
