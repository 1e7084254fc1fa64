import { afterEach, describe, expect, inject, it } from 'vitest';
import { type RedisServer, startRedis, withConnection } from '../../tools/services/redis.mjs';
import { startRedisCluster } from '../../tools/services/redis-cluster.mjs';
import { startSentinel } from '../../tools/services/redis-sentinel.mjs';

const servers: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

function keep<Server extends { stop(): Promise<void> }>(server: Server): Server {
  servers.push(server);
  return server;
}

describe('Redis for tests', () => {
  it('is one for the run', async () => {
    const port = Number(new URL(inject('redisUrl')).port);
    expect(await withConnection({ port }, (redis) => redis.ping())).toBe('PONG');
  });

  it('comes back on its port, with its data or without', async () => {
    const redis = keep(await startRedis({ appendonly: true, settings: { appendfsync: 'always' } }));
    await redis.run('set', 'key', 'value');
    const before = redis.pid;
    await redis.halt();
    await expect(redis.run('ping')).rejects.toThrow();
    await redis.resume();
    expect(redis.pid).not.toBe(before);
    expect(await redis.run('get', 'key')).toBe('value');
    await redis.halt();
    await redis.resume({ data: false });
    expect(await redis.run('get', 'key')).toBeNull();
  });

  it('stops and goes on', async () => {
    const redis = keep(await startRedis());
    redis.pause();
    const answer = redis.run('ping');
    redis.continue();
    expect(await answer).toBe('PONG');
  });

  it('speaks TLS only, and asks for a password', async () => {
    const redis: RedisServer = keep(await startRedis({ tls: true, password: true }));
    expect(redis.url).toMatch(/^rediss:\/\/:[0-9a-f]{32}@127\.0\.0\.1:\d+\?ca=/);
    expect(await redis.run('ping')).toBe('PONG');
    const { port, caFile } = redis;
    await expect(withConnection({ port }, (plain) => plain.ping())).rejects.toThrow();
    await expect(withConnection({ port, caFile }, (open) => open.ping())).rejects.toThrow();
  });
});

describe('Sentinel for tests', () => {
  it('makes a replica the master, and what was written last is lost', async () => {
    const setup = keep(await startSentinel());
    const first = await setup.master();
    await first.run('set', 'early', '1');
    await first.run('wait', 2, 10_000);
    await setup.failover(async () => {
      await first.run('set', 'late', '1');
    });
    const second = await setup.master();
    expect(second.port).not.toBe(first.port);
    expect(await second.run('mget', 'early', 'late')).toEqual(['1', null]);
  });
});

describe('Redis Cluster for tests', () => {
  it('is complete, and again after a master was killed', async () => {
    const cluster = keep(await startRedisCluster());
    const [first] = cluster.nodes;
    expect(await cluster.masters()).toHaveLength(3);
    await first?.halt('SIGKILL');
    await cluster.settled();
    await expect.poll(async () => (await cluster.masters()).length, { timeout: 60_000 }).toBe(3);
    expect(await cluster.masters()).not.toContain(first);
  });
});
