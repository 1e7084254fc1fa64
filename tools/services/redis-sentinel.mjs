/** One Redis master with two replicas and three Sentinels that watch them. */
import { sharedCertificate } from './certificate.mjs';
import { eventually, startRedis, urlOf } from './redis.mjs';

const name = 'sekisho-test';
/**
 * Longer than a busy machine lets a server stand still. A replica that has been cut off for ten times as long takes over no
 * more, so what is to be lost has to be written within that.
 */
const downAfterMs = 3_000;

/** @typedef {import('./redis.mjs').RedisServer} RedisServer */

/**
 * @typedef {object} SentinelSetup
 * @property {string} url `redis+sentinel://…`
 * @property {RedisServer[]} servers the first was the master at the start
 * @property {RedisServer[]} sentinels
 * @property {() => Promise<RedisServer>} master as the Sentinels say
 * @property {(during?: () => Promise<void>) => Promise<void>} failover kills the master; resolves when
 *   the Sentinels have made another one. What is written by `during` is lost: replication is held from
 *   before it is called.
 * @property {() => Promise<void>} stop
 */

/**
 * @param {{ tls?: boolean }} [options] `tls`: nothing but TLS, also among themselves
 * @returns {Promise<SentinelSetup>}
 */
export async function startSentinel({ tls = false } = {}) {
  /** @type {RedisServer[]} */
  const started = [];
  const certificate = tls ? sharedCertificate() : null;
  const secured = certificate === null ? {} : { tls: certificate };
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
    certificate?.remove();
  };
  try {
    const first = await start({});
    const replicaOf = { replicaof: `127.0.0.1 ${first.port}` };
    const servers = [first, await start(replicaOf), await start(replicaOf)];
    const sentinels = await Promise.all([1, 2, 3].map(() => startOneSentinel(first.port)));
    const master = async () => masterOf(sentinels, servers);
    await eventually('both replicas follow, and three Sentinels know it', async () => {
      const replication = String(await first.run('info', 'replication'));
      const known = await Promise.all(sentinels.map((sentinel) => sentinelSees(sentinel)));
      return /connected_slaves:2/.test(replication) && known.every(Boolean);
    });
    return {
      url: urlOf('sentinel', sentinels, `/${name}`),
      ...{ servers, sentinels, master, stop },
      async failover(during) {
        const old = await master();
        if (during) {
          await holdReplication(old);
          await during();
        }
        await old.halt('SIGKILL');
        await eventually('another master', async () => {
          const next = await master();
          return next !== old && /role:master/.test(String(await next.run('info', 'replication')));
        });
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }

  /** @param {Record<string, string>} settings */
  async function start(settings) {
    const server = await startRedis({
      ...secured,
      settings: { 'repl-diskless-sync-delay': 0, ...settings },
    });
    started.push(server);
    return server;
  }

  /** @param {number} masterPort */
  async function startOneSentinel(masterPort) {
    const server = await startRedis({ ...secured, sentinel: true });
    started.push(server);
    await server.run('sentinel', 'monitor', name, '127.0.0.1', masterPort, 2);
    await server.run('sentinel', 'set', name, 'down-after-milliseconds', downAfterMs);
    await server.run('sentinel', 'set', name, 'failover-timeout', 3_000);
    return server;
  }
}

/** @param {RedisServer} sentinel */
async function sentinelSees(sentinel) {
  const [replicas, others] = await Promise.all([
    sentinel.run('sentinel', 'replicas', name),
    sentinel.run('sentinel', 'sentinels', name),
  ]);
  return [replicas, others].every((list) => Array.isArray(list) && list.length === 2);
}

/** @param {RedisServer[]} sentinels @param {RedisServer[]} servers */
async function masterOf(sentinels, servers) {
  for (const sentinel of sentinels) {
    const answer = await sentinel
      .run('sentinel', 'get-master-addr-by-name', name)
      .catch(() => null);
    const port = Array.isArray(answer) ? Number(answer[1]) : 0;
    const server = servers.find((one) => one.port === port);
    if (server) return server;
  }
  throw new Error('no Sentinel names a master');
}

/** Replicas are cut off and may not come back; clients go on. @param {RedisServer} master */
async function holdReplication(master) {
  await master.run('acl', 'setuser', 'default', '-psync', '-sync');
  await master.run('client', 'kill', 'type', 'replica');
}
