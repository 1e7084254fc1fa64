/**
 * A whole cluster on loopback, for tests, demos and benchmarks: PostgreSQL, Redis, and real `sekisho serve` processes in front
 * of them. Everything in it ends with the process that started it, even when that is killed.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../services/ports.mjs';
import { createTestDatabase, startPostgres } from '../services/postgres.mjs';
import { startProxy } from '../services/tcp-proxy.mjs';
import { createHttp } from './http.mjs';
import { ClusterNode } from './node.mjs';
import { Administrator, madePassword } from './people.mjs';

/** @typedef {import('../services/tcp-proxy.mjs').TcpProxy} Proxy */
/** @typedef {{ postgres: Proxy, redis: Proxy | null }} Proxies between one node and the stores */

/**
 * @typedef {object} ClusterOptions
 * @property {number} [nodes] default 3
 * @property {'redis' | 'notify' | 'heartbeat'} [hub] what makes revocations fast; default `redis`. `notify` is PostgreSQL's
 *   LISTEN/NOTIFY, `heartbeat` nothing at all
 * @property {Record<string, string> | ((index: number) => Record<string, string>)} [env] settings of each node over the
 *   usual ones; a function gets the node's index, from 0
 * @property {{ url: string }} [postgres] a running server whose role may create databases; it is left running. Default: one
 *   of its own
 * @property {{ url: string }} [redis] a running one, left running. Default: one of its own where the hub is `redis`
 * @property {boolean} [proxied] whether each node reaches the stores through proxies of its own (`cluster.proxies`)
 * @property {number} [people] users of the first tenant; default 4
 * @property {string} [command] the `cli/main.js` of another release that the nodes run; default: the one that was built
 * @property {(text: string) => void} [progress] told what is being started
 */

/**
 * @typedef {object} Cluster
 * @property {ClusterNode[]} nodes those that were started and not removed
 * @property {Administrator} administrator of the first tenant, `harbor`
 * @property {import('./people.mjs').Person[]} people users of the first tenant
 * @property {string} databaseUrl as the nodes would reach it without a proxy
 * @property {string | null} redisUrl
 * @property {import('../services/postgres.mjs').Postgres | null} postgres null where one was passed in
 * @property {import('../services/redis.mjs').RedisServer | null} redis null where one was passed in, or none is used
 * @property {import('./http.mjs').Http} http
 * @property {(node: ClusterNode) => Proxies} proxies of one node
 * @property {(options?: { env?: Record<string, string>, made?: (node: ClusterNode) => void }) => Promise<ClusterNode>} addNode
 *   starts one more; `made` is told its address before its process is there
 * @property {(node: ClusterNode) => Promise<void>} removeNode SIGTERM; it is no part of the cluster any more
 * @property {(slug: string, people?: number) => Promise<{ administrator: Administrator, people: import('./people.mjs').Person[] }>}
 *   addTenant
 * @property {Record<string, string>} env what every node got, for running commands beside them
 * @property {() => Promise<void>} stop ends everything that was started
 */

/** The secret of every cluster: it protects nothing. */
const secret = randomBytes(32).toString('base64url');

/** @param {ClusterOptions} [options] @returns {Promise<Cluster>} */
export async function startCluster(options = {}) {
  const { nodes: count = 3, hub = 'redis', people: peopleCount = 4 } = options;
  const { progress = () => {} } = options;
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-cluster-'));
  const http = createHttp();
  /** What ends everything, the last started first. @type {(() => Promise<unknown> | void)[]} */
  const closers = [() => http.close(), () => rmSync(folder, { recursive: true, force: true })];
  const stop = async () => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    progress('starting PostgreSQL');
    const postgres = options.postgres === undefined ? await startPostgres() : null;
    if (postgres !== null) closers.push(() => postgres.stop());
    const database = await createTestDatabase(postgres?.url ?? options.postgres?.url ?? '');
    if (postgres === null) closers.push(() => database.drop());

    const redis =
      hub === 'redis' && options.redis === undefined ? await startOwnRedis(progress) : null;
    if (redis !== null) closers.push(() => redis.stop());
    const redisUrl = hub === 'redis' ? (options.redis?.url ?? redis?.url ?? null) : null;

    const first = {
      ...{ tenant: 'harbor', email: 'mika@harbor.example', password: madePassword() },
      ...{ tid: '', uid: '' },
    };
    const env = {
      ...cleanEnvironment(),
      DATABASE_URL: database.url,
      SEKISHO_SECRET: secret,
      SEKISHO_ISSUER: 'https://sekisho.test',
      SEKISHO_LOG_LEVEL: 'warn',
      SEKISHO_DRAIN_MS: '5000',
      SEKISHO_TRUSTED_PROXIES: 'loopback',
      SEKISHO_BOOTSTRAP_TENANT: first.tenant,
      SEKISHO_BOOTSTRAP_EMAIL: first.email,
      SEKISHO_BOOTSTRAP_PASSWORD: first.password,
      ...(redisUrl === null ? {} : { REDIS_URL: redisUrl }),
      ...(hub === 'heartbeat' ? { SEKISHO_HUB: 'none' } : {}),
    };

    /** @type {ClusterNode[]} */
    const nodes = [];
    /** @type {Map<ClusterNode, Proxies>} */
    const proxies = new Map();
    let started = 0;

    /** @param {{ env?: Record<string, string>, made?: (node: ClusterNode) => void }} [more] */
    const addNode = async (more = {}) => {
      const index = started;
      started += 1;
      const own = typeof options.env === 'function' ? options.env(index) : options.env;
      const between = options.proxied ? await proxiesTo(database.url, redisUrl) : null;
      if (between !== null) closers.push(() => stopProxies(between));
      const ports = { routes: await ownPort(), operations: await ownPort() };
      const node = new ClusterNode({
        ...{ index, ports, folder, command: options.command },
        env: {
          ...env,
          ...(between === null ? {} : { DATABASE_URL: between.postgres.through(database.url) }),
          ...(between?.redis && redisUrl ? { REDIS_URL: between.redis.through(redisUrl) } : {}),
          ...own,
          ...more.env,
        },
      });
      if (between !== null) proxies.set(node, between);
      closers.push(() => node.dispose());
      more.made?.(node);
      await node.start();
      nodes.push(node);
      nodes.sort((a, b) => a.index - b.index);
      return node;
    };

    progress(`starting ${count} nodes`);
    // All of them have ended their start before anything is taken down because of one of them.
    const starts = await Promise.allSettled(Array.from({ length: count }, () => addNode()));
    for (const start of starts) if (start.status === 'rejected') throw start.reason;
    progress('making people');
    const administrator = new Administrator(first, http, () => nodes);
    await administrator.login();
    await administrator.widenLimits();
    const people = await administrator.makePeople(peopleCount);

    return {
      ...{ nodes, administrator, people, http, env, stop, addNode },
      ...{ postgres, redis, databaseUrl: database.url, redisUrl },
      proxies(node) {
        const found = proxies.get(node);
        if (found === undefined) throw new Error('this cluster was started without proxies');
        return found;
      },
      async removeNode(node) {
        await node.stop();
        nodes.splice(nodes.indexOf(node), 1);
      },
      addTenant: (slug, size = 2) => addTenant({ slug, size, env, http, nodes }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ports of nodes that are being started look free. @type {Set<number>} */
const ports = new Set();

async function ownPort() {
  let port = await freePort();
  while (ports.has(port)) port = await freePort();
  ports.add(port);
  return port;
}

/** @param {(text: string) => void} progress */
async function startOwnRedis(progress) {
  progress('starting Redis');
  // Whoever needs no Redis need not have it.
  const { startRedis } = await import('../services/redis.mjs');
  return startRedis();
}

/** @param {string} databaseUrl @param {string | null} redisUrl @returns {Promise<Proxies>} */
async function proxiesTo(databaseUrl, redisUrl) {
  return {
    postgres: await startProxy({ target: targetOf(databaseUrl), protocol: 'postgres' }),
    redis:
      redisUrl === null ? null : await startProxy({ target: targetOf(redisUrl), protocol: 'resp' }),
  };
}

/** @param {Proxies} proxies */
async function stopProxies({ postgres, redis }) {
  await Promise.all([postgres.stop(), redis?.stop()]);
}

/** @param {string} url */
function targetOf(url) {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}

/**
 * @param {{
 *   slug: string, size: number, env: Record<string, string>,
 *   http: import('./http.mjs').Http, nodes: ClusterNode[],
 * }} parts
 */
async function addTenant({ slug, size, env, http, nodes }) {
  const { runCommand } = await import('./command.mjs');
  const person = {
    ...{ tenant: slug, email: `noor@${slug}.example`, password: madePassword() },
    ...{ tid: '', uid: '' },
  };
  const args = ['tenant', 'create', slug, '--admin-email', person.email, '--json'];
  await runCommand(args, env, `${person.password}\n`);
  const administrator = new Administrator(person, http, () => nodes);
  await administrator.login();
  await administrator.widenLimits();
  return { administrator, people: await administrator.makePeople(size) };
}

/** Settings of whoever runs this must not reach the nodes. @returns {Record<string, string>} */
function cleanEnvironment() {
  const foreign = /^(SEKISHO_|PORT$|HOST$|DATABASE_URL$|REDIS_URL$|NODE_OPTIONS$|VITEST)/;
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined || foreign.test(name) ? [] : [[name, value]],
    ),
  );
}
