/** What the nodes of a cluster ask of Redis and PostgreSQL: at rest, under requests, and with revocations. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const FEW = 20;
const MANY = 400;
const REVOCATIONS = 20;
/** So few that it hardly matters whether a period holds one writing of their last use or, since those drift, two. */
const SESSIONS = 5;
/** PostgreSQL counts a connection's transactions up to a second later. */
const SETTLE_MS = 1500;
/** Times of last use are written this often, once for each session and node: what is measured is a multiple of it. */
export const PERIOD_SECONDS = 5;
const TICK_MS = 10;

/** @typedef {import('../../tools/cluster/cluster.mjs').Cluster} Cluster */
/** @typedef {{ name: string, requests: number, revoked: number, commands: number, transactions: number }} StoreLoad a second */

/**
 * @param {Cluster} cluster
 * @param {{ postgres: import('../../tools/services/postgres.mjs').Postgres,
 *   redis: import('../../tools/services/redis.mjs').RedisServer, seconds: number }} options
 * @returns {Promise<StoreLoad[]>}
 */
export async function loadOnStores(cluster, { postgres, redis, seconds }) {
  const tokens = await tokensOf(cluster);
  const monitor = new pg.Client({ connectionString: postgres.superuserUrl });
  await monitor.connect();
  const count = async () => ({
    atMs: performance.now(),
    commands: commandsIn(String(await redis.run('info', 'commandstats'))),
    transactions: await transactionsOf(monitor, new URL(cluster.databaseUrl).pathname.slice(1)),
  });
  /** @type {StoreLoad[]} */
  const loads = [];
  try {
    for (const { name, requests, revocations } of [
      { name: 'at rest', requests: 0, revocations: 0 },
      { name: 'few requests', requests: FEW, revocations: 0 },
      { name: 'many requests', requests: MANY, revocations: 0 },
      { name: 'and revocations', requests: FEW, revocations: REVOCATIONS },
    ]) {
      const sender = send(cluster, tokens, requests, revocations);
      await sleep(PERIOD_SECONDS * 1000);
      const before = await count();
      const sentBefore = sender.sent();
      await sleep(seconds * 1000);
      const sent = sender.sent();
      const after = await count();
      await sender.stop();
      await sleep(SETTLE_MS);
      const lasted = (after.atMs - before.atMs) / 1000;
      loads.push({
        name,
        requests: (sent.requests - sentBefore.requests) / lasted,
        revoked: (sent.revocations - sentBefore.revocations) / lasted,
        // Its own two questions are not the nodes'.
        commands: (after.commands - before.commands - 1) / lasted,
        transactions: (after.transactions - before.transactions) / lasted,
      });
    }
  } finally {
    await monitor.end();
  }
  return loads;
}

/** @param {Cluster} cluster */
async function tokensOf({ http, nodes, administrator }) {
  // People of their own, whom the revocations do not hit.
  const people = await administrator.makePeople(2);
  /** @type {string[]} */
  const tokens = [];
  for (let index = 0; index < SESSIONS; index += 1) {
    const { tenant, email, password } = people[index % people.length] ?? {};
    const url = nodes[index % nodes.length]?.url;
    const reply = await http.call(`${url}/v1/login`, {
      body: { tenant, email, password, device: 'PC' },
    });
    if (reply.status !== 200) throw new Error(`a login failed: ${reply.status} ${reply.code}`);
    tokens.push(reply.body.access_token);
  }
  return tokens;
}

/**
 * Sends so many checks and revocations a second, over all nodes, until it is stopped.
 * @param {Cluster} cluster @param {string[]} tokens @param {number} requests @param {number} revocations
 */
function send({ http, nodes, people, administrator }, tokens, requests, revocations) {
  const due = { requests: 0, revocations: 0 };
  const sent = { requests: 0, revocations: 0 };
  /** @type {Set<Promise<unknown>>} */
  const running = new Set();
  /** @type {unknown} */
  let failure = null;
  const run = (/** @type {Promise<{ status: number | null }>} */ call) => {
    const done = call
      .then(({ status }) => {
        if (status !== 200 && status !== 202) failure ??= `an answer ${status}`;
      })
      .finally(() => running.delete(done));
    running.add(done);
  };
  const timer = setInterval(() => {
    due.requests += (requests * TICK_MS) / 1000;
    due.revocations += (revocations * TICK_MS) / 1000;
    for (; due.requests >= 1; due.requests -= 1) {
      const token = tokens[sent.requests % tokens.length];
      const url = nodes[sent.requests % nodes.length]?.url;
      run(http.call(`${url}/v1/authenticate`, token === undefined ? {} : { token }));
      sent.requests += 1;
    }
    for (; due.revocations >= 1; due.revocations -= 1) {
      const uid = people[sent.revocations % people.length]?.uid;
      const node = nodes[sent.revocations % nodes.length];
      run(administrator.call(`/v1/admin/users/${uid}/revoke`, { node, method: 'POST', body: {} }));
      sent.revocations += 1;
    }
  }, TICK_MS);
  return {
    sent: () => ({ ...sent }),
    async stop() {
      clearInterval(timer);
      await Promise.all(running);
      if (failure !== null) throw new Error(`the load was not served: ${failure}`);
    },
  };
}

/** @param {string} stats */
function commandsIn(stats) {
  let sum = 0;
  for (const [, name, calls] of stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    if (name !== 'info') sum += Number(calls);
  }
  return sum;
}

/** @param {pg.Client} monitor @param {string} database */
async function transactionsOf(monitor, database) {
  const { rows } = await monitor.query(
    'select (xact_commit + xact_rollback)::float8 as n from pg_stat_database where datname = $1',
    [database],
  );
  return Number(rows[0].n);
}
