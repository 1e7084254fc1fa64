// What several nodes cost and how fast they are, on a PostgreSQL (which syncs) and a Redis of the run's own:
//
// 1. Time from the begin of a revoking call (HTTP, on loopback) until it says `everywhere`, for 3 and for 10 nodes, with
//    Redis, with NOTIFY and with heartbeats alone. Beside it, in the same seconds, its floor: two processes that do
//    nothing but one commit, one message and its answer, on the same servers.
// 2. What the nodes ask of Redis and PostgreSQL at rest, under few and many requests, and with revocations. It may grow
//    with nodes and revocations, not with requests: ends with 1 when it does.
// 3. Checks per second inside one process: alone, while another one revokes a thousand users a second, and while a thousand
//    entries a second come into the log by SQL; with how many of the thousand came.
//
//   npm run bench:cluster                   200 revocations each, 15 s each, 3 and 10 nodes, 5 rounds
//   npm run bench:cluster -- 30 5 3 2       30 revocations, 5 s, 3 nodes only, 2 rounds
//   npm run bench:cluster -- 30 5 none 5    5 rounds of the third part alone
//
// How long a node takes to start with a million live entries is bench/start.mjs.
import { cpus } from 'node:os';
import { startCluster } from '../tools/cluster/cluster.mjs';
import { startPostgres } from '../tools/services/postgres.mjs';
import { startRedis } from '../tools/services/redis.mjs';
import { checksDuringRevocations } from './cluster/checks.mjs';
import { timeUntilEverywhere } from './cluster/everywhere.mjs';
import { startFloor } from './cluster/floor.mjs';
import { loadOnStores, PERIOD_SECONDS } from './cluster/stores.mjs';

/** Redis commands and transactions for each further request, above which the load counts as growing with requests. */
const MOST_PER_REQUEST = 0.1;
/** Which part of what was asked for counts as all of it: a round does not begin and end on the second. */
const REACHED = 0.97;
const NAMES = {
  nothing: 'nothing is revoked',
  revoke: 'another node revokes users',
  write: 'SQL writes entries',
};
const HUBS = /** @type {const} */ (['redis', 'notify', 'heartbeat']);

const revocations = Number(process.argv[2] ?? 200);
const seconds = Number(process.argv[3] ?? 15);
const nodes = process.argv[4] ?? '3,10';
const sizes = nodes === 'none' ? [] : nodes.split(',').map(Number);
const rounds = Number(process.argv[5] ?? 5);
if (
  !(
    revocations >= 10 &&
    seconds >= 5 &&
    seconds % PERIOD_SECONDS === 0 &&
    rounds >= 1 &&
    sizes.every((size) => size >= 1)
  )
) {
  console.error(
    'usage: npm run bench:cluster -- [revocations ≥ 10] [seconds: 5, 10, 15 …] [nodes, such as 3,10; or none] [rounds ≥ 1]',
  );
  process.exit(2);
}

const say = (/** @type {string} */ text) => console.error(`${text} …`);
const started = [];
try {
  say('starting PostgreSQL and Redis');
  // The promise is one of commits that are on disk; figures without that would be of something else.
  const postgres = await startPostgres({
    settings: { fsync: 'on', full_page_writes: 'on', max_connections: 400 },
  });
  started.push(postgres);
  const redis = await startRedis();
  started.push(redis);
  console.log(
    `PostgreSQL ${postgres.major}, ${redis.kind} ${redis.major}, Node ${process.version}, ${cpus().length} cores, all on one machine`,
  );

  const times = [];
  const loads = [];
  for (const size of sizes) {
    for (const hub of HUBS) {
      say(`${size} nodes, ${hub}`);
      // It takes one deployment at a time.
      await redis.run('flushall');
      const cluster = await startCluster({ nodes: size, hub, postgres, redis });
      const floor = await startFloor({ hub, postgresUrl: postgres.url, redisUrl: redis.url });
      try {
        const time = await timeUntilEverywhere(cluster, floor, revocations);
        times.push({ size, hub, ...time });
        await floor.stop();
        for (const load of await loadOnStores(cluster, { postgres, redis, seconds })) {
          loads.push({ size, hub, ...load });
        }
      } finally {
        await floor.stop();
        await cluster.stop();
      }
    }
  }
  if (sizes.length > 0) printTimes(times);
  const grows = sizes.length > 0 && printLoads(loads);
  say('checks during revocations');
  await redis.run('flushall');
  printChecks(await checksDuringRevocations({ postgres, redis, rounds }));
  if (grows) process.exitCode = 1;
} finally {
  for (const server of started.reverse()) await server.stop();
}

/** @param {number} value */
function ms(value) {
  return value.toFixed(1).padStart(8);
}

function printTimes(times) {
  console.log(`\nuntil everywhere, ms, ${revocations} revocations each; ratio: of the medians`);
  console.log('nodes  hub             p50      p99      max   floor p50    p99      max   ratio');
  for (const { size, hub, everywhere, floor } of times) {
    const figures = [everywhere.p50, everywhere.p99, everywhere.max].map(ms).join(' ');
    const bare = [floor.p50, floor.p99, floor.max].map(ms).join(' ');
    const ratio = (everywhere.p50 / floor.p50).toFixed(1).padStart(6);
    console.log(`${String(size).padStart(5)}  ${hub.padEnd(10)} ${figures}  ${bare}  ${ratio}`);
  }
}

/** @returns {boolean} whether the load grows with requests */
function printLoads(loads) {
  console.log(`\na second, over ${seconds} s each`);
  console.log(
    'nodes  hub         while             requests  revoked  Redis commands  transactions',
  );
  for (const { size, hub, name, requests, revoked, commands, transactions } of loads) {
    const figures = [
      requests.toFixed(0).padStart(8),
      revoked.toFixed(0).padStart(7),
      commands.toFixed(0).padStart(14),
      transactions.toFixed(0).padStart(12),
    ];
    console.log(
      `${String(size).padStart(5)}  ${hub.padEnd(10)}  ${name.padEnd(16)}  ${figures.join('  ')}`,
    );
  }
  let grows = false;
  const few = loads.filter(({ name }) => name === 'few requests');
  for (const less of few) {
    const same = (load) => load.size === less.size && load.hub === less.hub;
    const more = loads.find((load) => same(load) && load.name === 'many requests');
    const per = (what) => (more[what] - less[what]) / (more.requests - less.requests);
    const most = Math.max(per('commands'), per('transactions'));
    if (most > MOST_PER_REQUEST) {
      grows = true;
      console.log(`${less.size} nodes, ${less.hub}: grows by ${most.toFixed(2)} for each request`);
    }
  }
  return grows;
}

function printChecks(results) {
  console.log(`\nchecks inside one process (seen tokens), median of ${rounds} rounds`);
  console.log(
    'while                           asked  came a second    checks/s  ratio  processor time each',
  );
  const [alone] = results;
  for (const { kind, asked, rate, rates, perSecond, cpuMicros } of results) {
    const name = NAMES[kind ?? 'nothing'];
    const came = kind === null ? '' : Math.round(rate).toString();
    const figures = [
      name.padEnd(30),
      (kind === null ? '' : `${asked}`).padStart(6),
      came.padStart(14),
      Math.round(perSecond).toLocaleString('en').padStart(11),
      (perSecond / alone.perSecond).toFixed(2).padStart(6),
      ` ${cpuMicros.toFixed(2)} µs (${(cpuMicros / alone.cpuMicros).toFixed(2)})`,
    ];
    console.log(figures.join(' '));
    if (kind === 'revoke' && rate < asked * REACHED) {
      const each = rates.map((one) => Math.round(one)).join(', ');
      console.log(`  (the record did not take them all: ${each} a second in the rounds)`);
    }
  }
  console.log(
    '(the revoking process and PostgreSQL share the cores; processor time is the checking process’ own)',
  );
}
