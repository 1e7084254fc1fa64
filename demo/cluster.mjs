/**
 * Three nodes with PostgreSQL and Redis on this machine, under load: people are logged out by force, and in the middle Redis
 * stands still, dies and comes back empty. Ends with exit code 0 when nobody noticed and every logout was everywhere.
 *
 *   npm run demo:cluster              about 40 seconds
 *   npm run demo:cluster -- --short   the same in a few
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { checkHistory } from '../tools/cluster/checker.mjs';
import { startCluster } from '../tools/cluster/cluster.mjs';
import { startLoad } from '../tools/cluster/load.mjs';
import { summarize } from '../tools/cluster/report.mjs';
import { startTable } from './cluster-table.mjs';
import {
  expectation,
  failures,
  figure,
  milliseconds,
  quantile,
  scene,
  tell,
  verdict,
} from './terminal.mjs';

const short = process.argv.includes('--short');
const LOGOUTS = short ? 2 : 6;
const BETWEEN_MS = short ? 200 : 1000;
/** Played short by tests, on machines that are busy: there a node may get no processor for the usual 750 ms. */
const LEASE_MS = short ? 2000 : 750;

/** @typedef {import('../tools/cluster/cluster.mjs').Cluster} Cluster */

/** @param {Cluster} cluster */
async function play(cluster) {
  const { redis } = cluster;
  if (redis === null) throw new Error('the demo needs a Redis of its own');
  const load = await startLoad(cluster, { checksPerSecond: 50 });
  const table = startTable(() => cluster.nodes);
  let last = 'none yet';
  const status = setInterval(() => {
    const { requests, stale, unavailable, lost } = summarize(load.history);
    table.status(
      `${requests} requests; stale ${stale}, 503 ${unavailable}, lost ${lost}; last logout: ${last}`,
    );
  }, 250);
  /** @type {{ title: string, times: number[] }[]} */
  const measured = [];

  /** @param {string} title @param {string} told */
  const act = async (title, told) => {
    table.above(() => {
      scene(title);
      tell(told);
    });
    /** @type {number[]} */
    const times = [];
    for (let round = 0; round < LOGOUTS; round += 1) {
      await sleep(BETWEEN_MS);
      const person = cluster.people[round % cluster.people.length];
      const node = cluster.nodes[round % cluster.nodes.length];
      if (person === undefined || node === undefined) continue;
      const revocation = await load.revoker.user(person, { node, waitMs: 15_000 });
      const took = (revocation.everywhereMs ?? Number.NaN) - revocation.beginMs;
      times.push(took);
      last = `${revocation.outcome} ${milliseconds(took)}`;
      const what = `forced logout: ${revocation.outcome} after ${milliseconds(took)}`;
      table.above(() => expectation(node.name, what, revocation.outcome === 'everywhere'));
    }
    await table.show();
    measured.push({ title: title.replace(/^\d+\. /, ''), times: times.sort((a, b) => a - b) });
  };

  try {
    await act('1. Three nodes under load', 'people log in, call the API, refresh, hold sockets');
    redis.pause();
    await act('2. Redis stands still', 'SIGSTOP: its connections stay open, and nobody answers');
    await redis.halt();
    await act('3. Redis is dead', 'SIGKILL: connections are refused');
    await redis.resume({ data: false });
    await act('4. Redis is back, and empty', 'nothing that counts was in it');
  } finally {
    await load.stop();
    clearInterval(status);
    table.stop();
  }

  scene('5. What the users noticed');
  const { violations, evidence } = checkHistory(load.history, { uninterrupted: true });
  const of = (/** @type {string} */ rule) => violations.filter((one) => one.rule === rule).length;
  const { requests, stale, longestUntilEverywhereMs: longest } = summarize(load.history);
  const { revokedTried, validTried } = evidence;
  expectation(
    'everybody',
    `${requests} requests, not served: ${of('interrupted')}`,
    of('interrupted') === 0,
  );
  expectation(
    'valid tokens',
    `${validTried} tried, refused: ${of('refused')}`,
    of('refused') === 0,
  );
  expectation(
    'revoked tokens',
    `${revokedTried} tried after everywhere, accepted: ${of('accepted')}`,
    of('accepted') === 0 && revokedTried > 0,
  );
  expectation('anything else', `unexpected: ${violations.length}`, violations.length === 0);

  figure('answers marked stale', String(stale));

  scene('6. Time until everywhere, on this machine');
  for (const { title, times } of measured) {
    figure(`${title}, median`, milliseconds(quantile(times, 0.5)));
    figure(`${title}, slowest`, milliseconds(quantile(times, 1)));
  }
  figure('the slowest of all, logouts by users included', milliseconds(longest ?? Number.NaN));
  for (const { atMs, what } of violations.slice(0, 10)) tell(`${milliseconds(atMs)}: ${what}`);
}

/** @type {Cluster | undefined} */
let cluster;
process.once('SIGINT', () => {
  // What is still being started ends with this process.
  void Promise.resolve(cluster?.stop()).finally(() => process.exit(130));
});
try {
  cluster = await startCluster({ progress: tell, env: { SEKISHO_LEASE_MS: String(LEASE_MS) } });
} catch (error) {
  // Something has to be installed first: the message says what.
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
try {
  await play(cluster);
} finally {
  await cluster.stop();
}
verdict();
process.exitCode = failures.length === 0 ? 0 : 1;
