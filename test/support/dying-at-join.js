/**
 * PGlite as src/record/pglite/worker.js runs it, whose thread dies of a statement: the one that has `DIES_OF` of the
 * environment in it, by default the one with which a node joins. `opening`: it dies before it has opened anything.
 */
import { parentPort } from 'node:worker_threads';

const diesOf = process.env.DIES_OF ?? 'join_member';
const full = 'could not write to log file: No space left on device';

if (diesOf === 'opening') throw new Error(full);
await import('../../src/record/pglite/worker.js');

parentPort?.on(
  'message',
  (/** @type {{ request?: { calls?: { text: string }[], text?: string } }} */ { request }) => {
    const texts = [request?.text ?? '', ...(request?.calls ?? []).map(({ text }) => text)];
    if (texts.some((text) => text.includes(diesOf))) throw new Error(full);
  },
);
