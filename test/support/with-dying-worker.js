/** For `node --import`: the embedded database of the process runs in test/support/dying-at-join.js. */
import { createRequire, syncBuiltinESMExports } from 'node:module';

const threads = createRequire(import.meta.url)('node:worker_threads');
if (threads.isMainThread) {
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    /** @param {string | URL} entry @param {import('node:worker_threads').WorkerOptions} options */
    constructor(entry, options) {
      const isDatabase = String(entry).endsWith('/record/pglite/worker.js');
      super(isDatabase ? new URL('./dying-at-join.js', import.meta.url) : entry, options);
    }
  };
  syncBuiltinESMExports();
}
