/** A Redis Cluster on loopback: three masters, each with a replica. */
import { sharedCertificate } from './certificate.mjs';
import { eventually, startRedis, urlOf } from './redis.mjs';

const slots = 16_384;
const masterCount = 3;

/** @typedef {import('./redis.mjs').RedisServer} RedisServer */

/**
 * @typedef {object} ClusterSetup
 * @property {string} url `redis+cluster://…`
 * @property {RedisServer[]} nodes the first three were masters at the start, the others their replicas in that order
 * @property {() => Promise<RedisServer[]>} masters that run, as the nodes say
 * @property {(within?: number) => Promise<void>} settled resolves when every running node finds the Cluster complete
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{ tls?: boolean }} [options] `tls`: nothing but TLS, also among themselves
 * @returns {Promise<ClusterSetup>}
 */
export async function startRedisCluster({ tls = false } = {}) {
  /** @type {RedisServer[]} */
  const nodes = [];
  const certificate = tls ? sharedCertificate() : null;
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    certificate?.remove();
  };
  try {
    await Promise.all(
      Array.from({ length: 2 * masterCount }, async () => {
        nodes.push(
          await startRedis({
            ...(certificate === null ? {} : { tls: certificate }),
            settings: {
              'cluster-enabled': 'yes',
              // Longer than a busy machine lets a server stand still.
              'cluster-node-timeout': 3_000,
              'repl-diskless-sync-delay': 0,
            },
          }),
        );
      }),
    );
    await join(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  const settled = async (withinMs = 30_000) => {
    await eventually(
      'every node finds the Cluster complete',
      async () => {
        const running = nodes.filter((node) => isRunning(node));
        const infos = await Promise.all(running.map((node) => node.run('cluster', 'info')));
        return infos.every((info) => /cluster_state:ok/.test(String(info)));
      },
      withinMs,
    );
  };
  await settled();
  return {
    url: urlOf('cluster', nodes),
    ...{ nodes, settled, stop },
    async masters() {
      const roles = await Promise.all(
        nodes.map((node) => node.run('info', 'replication').catch(() => '')),
      );
      return nodes.filter((_, index) => /role:master/.test(String(roles[index])));
    },
  };
}

/** @param {RedisServer[]} nodes */
async function join(nodes) {
  const masters = nodes.slice(0, masterCount);
  const share = Math.ceil(slots / masterCount);
  for (const [index, master] of masters.entries()) {
    const end = Math.min((index + 1) * share, slots) - 1;
    await master.run('cluster', 'addslotsrange', index * share, end);
  }
  for (const [index, node] of nodes.entries()) {
    await node.run('cluster', 'set-config-epoch', index + 1);
  }
  const [first, ...others] = nodes;
  for (const other of others) {
    await first?.run('cluster', 'meet', '127.0.0.1', other.port, other.busPort);
  }
  for (const [index, replica] of nodes.slice(masterCount).entries()) {
    const id = String(await masters[index]?.run('cluster', 'myid'));
    // It can follow only whom it has heard of.
    await eventually('a replica follows its master', async () => {
      await replica.run('cluster', 'replicate', id);
      return true;
    });
    await eventually('a replica has what its master has', async () =>
      /master_link_status:up/.test(String(await replica.run('info', 'replication'))),
    );
  }
}

/** @param {RedisServer} node */
function isRunning(node) {
  try {
    return process.kill(node.pid, 0);
  } catch {
    return false;
  }
}
