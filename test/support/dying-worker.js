/** Speaks as src/record/pglite/worker.js does, answers nothing, and dies of the statement `die`. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', (/** @type {{ request: { calls?: { text: string }[] } }} */ message) => {
  if (message.request.calls?.[0]?.text === 'die') throw new Error('unreachable');
});
parentPort?.postMessage({ id: 0, result: null });
