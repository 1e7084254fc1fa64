import { expect, inject, test } from 'vitest';
import { type ClusterOptions, startCluster } from '../../tools/cluster/cluster.mjs';
import { eventually, type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { startRedisCluster } from '../../tools/services/redis-cluster.mjs';
import { startSentinel } from '../../tools/services/redis-sentinel.mjs';
import { onCluster, PATIENT, type Scene } from '../support/cluster.ts';
import { type GuessedTenant, makeGuessedTenant } from '../support/guesser.ts';
import {
  expectWhole,
  logOutAndIn,
  redisProxies,
  revokeWhile,
  untilHub,
} from '../support/hub-faults.ts';
import { LONG } from '../support/long.ts';

interface Failover {
  readonly title: string;
  readonly cluster: ClusterOptions;
  /** Accounts are guessed at from before it on; people are logged out all the while. */
  readonly fault: (scene: Scene, guessed: GuessedTenant) => Promise<void>;
}

async function failover({ title, cluster: options, fault }: Failover): Promise<void> {
  const postgres = { url: inject('postgresUrl') };
  const cluster = await startCluster({ postgres, env: PATIENT.env, ...options });
  try {
    const guessed = await makeGuessedTenant(cluster, 'narrows');
    const summary = await onCluster(
      cluster,
      title,
      async (scene) => {
        await expectWhole(scene);
        const guesser = await guessed.guess();
        const revoked = await revokeWhile(scene, () => fault(scene, guessed));
        expect(revoked).toBeGreaterThanOrEqual(scene.nodes.length);
        await expectWhole(scene);
        await guesser.end();
      },
      { load: { ...PATIENT.load, loginsPerSecond: 2 }, check: { uninterrupted: true } },
    );
    expect(summary.notEverywhere).toBe(0);
  } finally {
    await cluster.stop();
  }
}

/** The keys under which attempts of a tenant are counted there. */
async function countsOf(server: RedisServer, { tid }: GuessedTenant): Promise<readonly string[]> {
  const keys = await server.run('keys', `*login-attempt:{${tid}}*`);
  return Array.isArray(keys) ? keys.map(String) : [];
}

test('B4 A4 Sentinel makes another master, without the last writes of the old one', async () => {
  const sentinel = await startSentinel();
  try {
    await failover({
      title: 'failover by Sentinel, the last writes lost',
      cluster: { redis: { url: sentinel.url } },
      async fault({ nodes }, guessed) {
        const old = await sentinel.master();
        let later: Awaited<ReturnType<typeof guessed.guess>> | null = null;
        let before: readonly string[] = [];
        await sentinel.failover(async () => {
          before = await countsOf(old, guessed);
          later = await guessed.guess();
          await eventually('attempts are counted that will be lost', async () => {
            return (await countsOf(old, guessed)).some((key) => !before.includes(key));
          });
          await old.run('set', 'lost', 1);
        });
        const next = await sentinel.master();
        expect(next).not.toBe(old);
        expect(await next.run('exists', 'lost')).toBe(0);
        await untilHub('working', nodes);
        if (LONG) {
          // The old one comes back, as a master at first, until the Sentinels have told it; nobody is led to it.
          await old.resume();
          await eventually('the old master follows the new one', async () =>
            /role:slave/.test(String(await old.run('info', 'replication'))),
          );
        }
        await (later as Awaited<ReturnType<typeof guessed.guess>> | null)?.end();
      },
    });
  } finally {
    await sentinel.stop();
  }
});

test('B4 A4 a Cluster makes another master, without the last writes of the old one', async () => {
  const redis = await startRedisCluster();
  try {
    await failover({
      title: 'failover in a Cluster, the last writes lost',
      cluster: { redis: { url: redis.url } },
      async fault({ nodes }, guessed) {
        // The master that counts attempts on the guessed tenant is the one to lose; the load's own are elsewhere.
        const masters = await redis.masters();
        let counting: RedisServer | undefined;
        await eventually('attempts are counted', async () => {
          const counts = await Promise.all(masters.map((master) => countsOf(master, guessed)));
          counting = masters.find((_, index) => (counts[index]?.length ?? 0) > 0);
          return counting !== undefined;
        });
        const old = counting as RedisServer | undefined;
        if (old === undefined) throw new Error('no master counts attempts');
        await old.run('acl', 'setuser', 'default', '-psync', '-sync');
        await old.run('client', 'kill', 'type', 'replica');
        const before = await countsOf(old, guessed);
        const later = await guessed.guess();
        await eventually('attempts are counted that will be lost', async () => {
          return (await countsOf(old, guessed)).some((key) => !before.includes(key));
        });
        // In the same slot as they.
        const lost = `${/\{.*\}/.exec(before[0] ?? '')?.[0]}lost`;
        expect(await old.run('set', lost, 1)).toBe('OK');
        await old.halt();
        await eventually('another master', async () => (await redis.masters()).length === 3);
        await redis.settled();
        const found = await Promise.all(
          (await redis.masters()).map((master) => master.run('exists', lost).catch(() => 'moved')),
        );
        expect(found.toSorted()).toEqual([0, 'moved', 'moved']);
        await untilHub('working', nodes);
        await old.resume();
        await redis.settled();
        await later.end();
      },
    });
  } finally {
    await redis.stop();
  }
});

test('B4 A4 an old master goes on answering one of the nodes, first as a master, then as a replica', async () => {
  const old = await startRedis();
  const next = await startRedis({ settings: { replicaof: `127.0.0.1 ${old.port}` } });
  try {
    await eventually('the replica follows', async () =>
      /master_link_status:up/.test(String(await next.run('info', 'replication'))),
    );
    await failover({
      title: 'an old master answers one of the nodes',
      cluster: { redis: { url: old.url }, proxied: true },
      async fault(scene, guessed) {
        const { cluster, nodes } = scene;
        const proxies = redisProxies(cluster);
        const leadTo = async (server: RedisServer, of: typeof proxies): Promise<void> => {
          for (const proxy of of) {
            proxy.setTarget(server);
            proxy.cut();
          }
        };
        await next.run('replicaof', 'no', 'one');
        await leadTo(next, proxies.slice(1));
        // Each side's nonces come back: both take their hub for working.
        await eventually('one node is at the old one, two are at the new one', async () => {
          return (await hubsAt(old)) === 1 && (await hubsAt(next)) === 2;
        });
        await untilHub('working', nodes);
        const apart = await guessed.guess();
        for (const node of nodes) await logOutAndIn(scene, node);
        await apart.end();

        // It follows the new one: what is published there arrives, what is published here goes nowhere.
        await old.run('replicaof', '127.0.0.1', next.port);
        await eventually('it follows', async () =>
          /master_link_status:up/.test(String(await old.run('info', 'replication'))),
        );
        const following = await guessed.guess();
        for (const node of nodes) await logOutAndIn(scene, node);
        await following.end();
        await leadTo(next, proxies.slice(0, 1));
      },
    });
  } finally {
    await next.stop();
    await old.stop();
  }
});

/** How many nodes have a hub's connection there. */
async function hubsAt(server: RedisServer): Promise<number> {
  return String(await server.run('client', 'list'))
    .split('\n')
    .filter((line) => line.includes(' name=sekisho-hub ')).length;
}
