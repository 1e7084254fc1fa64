// What it takes a node to start while a million revocations are still live (docs/protocol.md, FORGET: those of the last
// quarter of an hour): time until it may answer, memory that its view keeps, and for how long the event loop was held.
//
//   npm run bench:start             1,000,000 entries, 5 rounds
//   npm run bench:start -- 200000 3 200,000 entries, 3 rounds
//
// The log is filled by SQL in a PostgreSQL of its own. Each round is a process of its own that joins, so that nothing of an
// earlier one is in its memory. Printed are medians with the best and the worst; the exit code is 1 when the median breaks
// the budget: 3 s and 150 MB.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createSekisho } from '../dist/index.js';
import { openPostgres, openPostgresRecord } from '../dist/record/postgres/open.js';
import { createTestDatabase, startPostgres } from '../tools/services/postgres.mjs';

const BUDGET = { seconds: 3, megabytes: 150 };
const SECRET = 'a secret of the benchmark that is long enough';
/** How often the event loop is looked at, in milliseconds. */
const LOOK_MS = 5;

const joining = process.env.BENCH_JOIN_URL;
if (joining === undefined) await compare();
else await join(joining);

async function compare() {
  const entries = Number(process.argv[2] ?? 1_000_000);
  const rounds = Number(process.argv[3] ?? 5);
  if (!Number.isInteger(entries) || entries < 1 || !Number.isInteger(rounds) || rounds < 1) {
    console.error('usage: npm run bench:start -- [entries ≥ 1] [rounds ≥ 1]');
    process.exit(2);
  }
  const postgres = await startPostgres();
  try {
    const { url } = await createTestDatabase(postgres.url);
    console.error(`PostgreSQL ${postgres.major}; filling the log with ${entries} entries …`);
    await fill(url, entries);
    const results = [];
    for (let round = 0; round < rounds; round += 1) results.push(await inChild(url));
    if (results.some((result) => result.entries !== entries)) {
      throw new Error('a node did not take in the whole log');
    }
    print(entries, results);
  } finally {
    await postgres.stop();
  }
}

/** @param {string} url @param {number} entries */
async function fill(url, entries) {
  const record = await openPostgresRecord({ url });
  await record.log.head();
  await record.close();
  const database = await openPostgres({ url });
  /** 128 bit in unpadded base64url, made of `n`. @param {string} salt */
  const id = (salt) =>
    `translate(rtrim(encode(decode(md5('${salt}' || n), 'hex'), 'base64'), '='), '+/', '-_')`;
  // One in ten ends all sessions of a user, the others one session each, of a thousand tenants.
  await database.transaction(
    [
      { text: "select set_config('role', 'sekisho_system', true)" },
      {
        text: `insert into sekisho.revocation
            (position, generation, operation_id, scope, tid, uid, sid, actor_kind, committed_at)
          select n, h.generation, ${id('operation')}, case when n % 10 = 0 then 'user' else 'session' end,
                 ${id('tenant').replace('|| n)', '|| n % 1000)')}, ${id('user')},
                 case when n % 10 <> 0 then ${id('session')} end, 'system', clock_timestamp()
            from sekisho.head h, generate_series(1, $1::bigint) n`,
        values: [entries],
      },
      { text: 'update sekisho.head set position = $1', values: [entries] },
    ],
    { deadlineMs: 600_000 },
  );
  await database.query({ text: 'vacuum analyze sekisho.revocation' }, { deadlineMs: 600_000 });
  await database.close();
}

/** One start, in a process of its own. @param {string} url */
function inChild(url) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [], {
      execArgv: ['--expose-gc'],
      env: { ...process.env, BENCH_JOIN_URL: url },
    });
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`a round ended with exit code ${code}`));
    });
  });
}

/** @param {string} url */
async function join(url) {
  globalThis.gc?.();
  const before = process.memoryUsage();
  let peak = before.rss;
  let heldMs = 0;
  let last = performance.now();
  const looking = setInterval(() => {
    const now = performance.now();
    heldMs = Math.max(heldMs, now - last - LOOK_MS);
    last = now;
    peak = Math.max(peak, process.memoryUsage.rss());
  }, LOOK_MS);
  const processor = process.cpuUsage();
  const from = performance.now();
  const sekisho = await createSekisho({ databaseUrl: url, secret: SECRET, logLevel: 'error' });
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage(processor);
  clearInterval(looking);
  globalThis.gc?.();
  const after = process.memoryUsage();
  const { viewEntries, freshness } = sekisho.engine.status();
  if (freshness !== 'fresh') throw new Error('the node does not answer');
  process.send?.({
    entries: viewEntries,
    seconds,
    processorSeconds: (user + system) / 1e6,
    keptMegabytes: (used(after) - used(before)) / 1e6,
    peakMegabytes: (peak - before.rss) / 1e6,
    heldMs,
  });
  await sekisho.close();
  process.disconnect?.();
}

/** @param {NodeJS.MemoryUsage} usage */
function used({ heapUsed, external }) {
  return heapUsed + external;
}

function print(entries, results) {
  const line = (name, unit, digits) => {
    const values = results.map((result) => result[name]).sort((a, b) => a - b);
    const median = values[Math.floor(values.length / 2)];
    const text = (value) => value.toFixed(digits);
    const spread = `${text(values[0])} to ${text(values.at(-1))}`;
    return { median, text: `${text(median)} ${unit} (${spread})` };
  };
  const time = line('seconds', 's', 2);
  const kept = line('keptMegabytes', 'MB', 0);
  console.log(
    `a node starts with ${entries} live entries, ${results.length} rounds, median (best to worst)`,
  );
  console.log(`  until it answers       ${time.text}, budget ${BUDGET.seconds} s`);
  console.log(`  processor time of it   ${line('processorSeconds', 's', 2).text}`);
  console.log(`  kept in memory         ${kept.text}, budget ${BUDGET.megabytes} MB`);
  console.log(`  process, at its peak   ${line('peakMegabytes', 'MB', 0).text} more than before`);
  console.log(`  event loop held        ${line('heldMs', 'ms', 0).text}`);
  if (time.median > BUDGET.seconds || kept.median > BUDGET.megabytes) {
    console.log('the budget is broken');
    process.exitCode = 1;
  }
}
