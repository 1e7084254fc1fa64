// What an instance of sekisho/testing costs: the first of a process, and the second, which finds the database's program compiled
// and warm; beside them, as the peer, a database that is made by initdb and the migrations, as it was without the image
// that the build makes. Processor time is what counts on a machine that does other work, and the ratio to the peer.
//
//   npm run bench:testing           5 rounds
//   npm run bench:testing -- 3      3 rounds
//
// Each figure of each round is of a process of its own, the two kinds in turn. Printed are medians with the best and the worst.
// Processor time is that of all threads: in the first instance more than half of it is the runtime's, which makes the
// program faster beside the work that goes on.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const kind = process.env.BENCH_TESTING;
if (kind === undefined) await compare();
else process.send?.(kind === 'peer' ? await peer() : await instances());

async function compare() {
  const rounds = Number(process.argv[2] ?? 5);
  if (!Number.isInteger(rounds) || rounds < 1) {
    console.error('usage: npm run bench:testing -- [rounds ≥ 1]');
    process.exit(2);
  }
  /** @type {Record<string, { ms: number, cpuMs: number }[]>} */
  const seen = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const one of ['peer', 'instances']) {
      for (const [name, cost] of Object.entries(await inChild(one))) {
        seen[name] = [...(seen[name] ?? []), cost];
      }
    }
  }
  const by = median((seen['initdb and migrations'] ?? []).map(({ cpuMs }) => cpuMs));
  console.log(`sekisho/testing, ${rounds} rounds, median (best to worst)`);
  for (const [name, costs] of Object.entries(seen)) {
    const cpu = costs.map(({ cpuMs }) => cpuMs);
    const ratio = (median(cpu) / by).toFixed(2);
    const wall = spread(costs.map(({ ms }) => ms));
    console.log(
      `  ${name.padEnd(22)} processor ${spread(cpu)}, ${ratio} of the peer; until it is there ${wall}`,
    );
  }
}

/** @param {string} one @returns {Promise<Record<string, { ms: number, cpuMs: number }>>} */
function inChild(one) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [], {
      env: { ...process.env, NODE_ENV: 'test', BENCH_TESTING: one },
    });
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`a round ended with exit code ${code}`));
    });
  });
}

async function instances() {
  const imported = await cost(() => import('../dist/testing/index.js'));
  const { createTestSekisho } = imported.result;
  const first = await cost(() => createTestSekisho());
  await first.result.close();
  const second = await cost(() => createTestSekisho());
  const reset = await cost(() => second.result.reset());
  await second.result.close();
  return {
    import: imported.cost,
    'first instance': first.cost,
    'second instance': second.cost,
    reset: reset.cost,
  };
}

async function peer() {
  const { startWorkerDatabase } = await import('../dist/record/pglite/worker-database.js');
  const { migrate } = await import('../dist/record/migrator.js');
  const made = await cost(async () => {
    const database = await startWorkerDatabase({});
    await migrate(database);
    return database;
  });
  await made.result.close();
  return { 'initdb and migrations': made.cost };
}

/** @template Result @param {() => Promise<Result>} work */
async function cost(work) {
  const processor = process.cpuUsage();
  const from = performance.now();
  const result = await work();
  const ms = performance.now() - from;
  const { user, system } = process.cpuUsage(processor);
  return { result, cost: { ms, cpuMs: (user + system) / 1000 } };
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** @param {readonly number[]} values in milliseconds */
function spread(values) {
  const text = (/** @type {number} */ ms) => (ms / 1000).toFixed(2);
  return `${text(median(values))} s (${text(Math.min(...values))} to ${text(Math.max(...values))})`;
}
