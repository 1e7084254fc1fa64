import { afterAll, describe, expect, inject, it } from 'vitest';
import { type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { type ClusterSetup, startRedisCluster } from '../../tools/services/redis-cluster.mjs';
import { type SentinelSetup, startSentinel } from '../../tools/services/redis-sentinel.mjs';
import { describeHub, ENTRY } from '../conformance/hub.ts';
import { ownPrefix, redisHubs, untilWorking } from '../support/redis-hub.ts';
import { documentedUser } from '../support/redis-user.ts';

const stops: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const stop of stops) await stop();
});

/** Starts it when the first test needs it, and once. */
function once<Server extends { stop(): Promise<void> }>(start: () => Promise<Server>) {
  let started: Promise<Server> | null = null;
  return async (): Promise<Server> => {
    started ??= start();
    const server = await started;
    if (!stops.includes(server.stop)) stops.push(server.stop);
    return server;
  };
}

function describeOn(name: string, url: () => Promise<string>): void {
  describeHub(`Redis, ${name}`, async () => {
    const hubs = redisHubs(ownPrefix(await url()), { generation: ENTRY.generation });
    return { node: async () => (await hubs.node()).hub, close: hubs.close };
  });
}

const withTls = once<RedisServer>(() => startRedis({ tls: true, password: true }));
const withAcl = once<RedisServer>(() => startRedis({ acl: documentedUser() }));
const sentinel = once<SentinelSetup>(startSentinel);
const cluster = once<ClusterSetup>(startRedisCluster);

describeOn('standalone', async () => inject('redisUrl'));
describeOn('with TLS and a password', async () => (await withTls()).url);
describeOn('as the documented user', async () => (await withAcl()).url);
describeOn('with Sentinel', async () => (await sentinel()).url);
describeOn('Cluster', async () => (await cluster()).url);

describe('the user of docs/redis.md', () => {
  it('may do nothing that Redis would have to refuse: its log of refusals stays empty', async () => {
    const server = await withAcl();
    const hubs = redisHubs(ownPrefix(server.url), { generation: ENTRY.generation });
    const { hub } = await hubs.node();
    hub.enter('another-generation');
    await untilWorking(hub);
    await hubs.close();
    expect(await server.run('acl', 'log')).toEqual([]);
  });

  it('cannot read, write or hear anything of others', async () => {
    const server = await withAcl();
    const hubs = redisHubs(ownPrefix(server.url), { commandTimeoutMs: 20_000 });
    const { link } = await hubs.node();
    await expect(link.commands.get('other:key')).rejects.toThrow('NOPERM');
    await expect(link.commands.publish('other:channel', 'x')).rejects.toThrow('NOPERM');
    await expect(link.commands.keys('*')).rejects.toThrow('NOPERM');
    await expect(link.commands.flushall()).rejects.toThrow('NOPERM');
    await hubs.close();
    await server.run('acl', 'log', 'reset');
  });
});

describe('B9 failover', () => {
  it('by Sentinel: nodes find the new master, and each other', async () => {
    const setup = await sentinel();
    const hubs = redisHubs(ownPrefix(setup.url), { generation: ENTRY.generation });
    const [a, b] = [await hubs.node(), await hubs.node()];
    await setup.failover();
    await expectToHear(a.hub, b.hub);
    await hubs.close();
  });

  it('in a Cluster: nodes find other nodes of it, and each other', async () => {
    const setup = await cluster();
    const hubs = redisHubs(ownPrefix(setup.url), { generation: ENTRY.generation });
    const nodes = [await hubs.node(), await hubs.node(), await hubs.node()];
    const [first] = await setup.masters();
    await first?.halt('SIGKILL');
    await setup.settled();
    for (const from of nodes) {
      for (const to of nodes) if (from !== to) await expectToHear(from.hub, to.hub);
    }
    await hubs.close();
  });
});

/** Announces until it is heard: a hub may lose what it carries, and works again all the same. */
async function expectToHear(
  from: { announce(entry: typeof ENTRY): void },
  to: { onAnnouncement(listener: (entry: typeof ENTRY) => void): () => void },
): Promise<void> {
  let heard = 0;
  const stop = to.onAnnouncement(() => {
    heard += 1;
  });
  await expect
    .poll(
      () => {
        from.announce(ENTRY);
        return heard;
      },
      { timeout: 60_000, interval: 100 },
    )
    .toBeGreaterThan(0);
  stop();
}
