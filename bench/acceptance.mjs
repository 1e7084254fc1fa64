// G6: the latency of the authentication API under ordinary load, against its budget, on three real nodes with PostgreSQL and
// Redis on this machine. Measured at the client, so it includes HTTP on loopback and whatever else this machine does.
//
//   npm run bench:latency             100 checks a second for 20 s
//   npm run bench:latency -- 200 60   200 checks a second for 60 s
//
// Beside the checks there are logins, refreshes, logouts and sockets, as in the tests. The floor is the same round trip
// to /healthz of the same nodes in the same seconds: what HTTP alone costs here. Ends with 1 when the budget is missed.
import { setTimeout as sleep } from 'node:timers/promises';
import { checkHistory } from '../tools/cluster/checker.mjs';
import { startCluster } from '../tools/cluster/cluster.mjs';
import { startLoad } from '../tools/cluster/load.mjs';
import { report } from '../tools/cluster/report.mjs';

const BUDGET_MS = { p95: 15, p99: 15 };
const WARM_UP_MS = 3000;
const FLOOR_EVERY_MS = 50;

const checksPerSecond = Number(process.argv[2] ?? 100);
const seconds = Number(process.argv[3] ?? 20);
if (!(checksPerSecond >= 1) || !(seconds >= 1)) {
  console.error('usage: npm run bench:latency -- [checks a second ≥ 1] [seconds ≥ 1]');
  process.exit(2);
}

const cluster = await startCluster({ progress: (text) => console.error(`${text} …`) });
try {
  const load = await startLoad(cluster, { checksPerSecond, bursts: false });
  await sleep(WARM_UP_MS);
  const fromMs = performance.now();
  /** @type {number[]} */
  const floor = [];
  while (performance.now() - fromMs < seconds * 1000) {
    const node = cluster.nodes[floor.length % cluster.nodes.length];
    const reply = await cluster.http.call(`${node?.operationsUrl}/healthz`);
    floor.push(reply.endMs - reply.beginMs);
    await sleep(FLOOR_EVERY_MS);
  }
  await load.stop();
  const verdict = checkHistory(load.history, { uninterrupted: true });
  console.error(report('load', load.history, verdict));

  const checks = load.history.requests
    .filter(({ kind, beginMs }) => kind === 'authenticate' && beginMs >= fromMs)
    .map(({ beginMs, endMs }) => endMs - beginMs);
  const measured = quantiles(checks);
  const bare = quantiles(floor);
  console.log(
    `${checks.length} checks on 3 nodes, ${checksPerSecond} a second, ${process.version}`,
  );
  console.log('                          p50      p95      p99      max');
  console.log(row('/v1/authenticate, ms', measured));
  console.log(row('/healthz, ms', bare));
  console.log(`budget: p95 < ${BUDGET_MS.p95} ms, p99 < ${BUDGET_MS.p99} ms`);
  const kept = measured.p95 < BUDGET_MS.p95 && measured.p99 < BUDGET_MS.p99;
  console.log(kept ? 'kept' : 'missed');
  if (!kept || verdict.violations.length > 0) process.exitCode = 1;
} finally {
  await cluster.stop();
}

/** @param {number[]} values */
function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: sorted.at(-1) };
}

/** @param {string} name @param {ReturnType<typeof quantiles>} values */
function row(name, { p50, p95, p99, max }) {
  return [name.padEnd(21), ...[p50, p95, p99, max].map((ms) => ms.toFixed(2).padStart(8))].join(
    ' ',
  );
}
