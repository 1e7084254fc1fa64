import { afterEach, expect, inject, test, vi } from 'vitest';
import type { OpenEngine } from '../../src/create/open.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startRedis } from '../../tools/services/redis.mjs';
import { type ClusterNodeOptions, startClusterNode } from '../support/cluster-node.ts';
import { codeOf, ORIGIN, PASSWORD } from '../support/engine.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function newDatabase(): Promise<string> {
  const made = await createTestDatabase(inject('postgresUrl'));
  closers.push(made.drop);
  return made.url;
}

/** A Redis of the test's own: what belongs to whom is asked of it. */
async function newRedis() {
  const redis = await startRedis();
  closers.push(redis.stop);
  return redis;
}

async function start(options: ClusterNodeOptions): Promise<OpenEngine> {
  const node = await startClusterNode(options);
  closers.push(node.close);
  return node;
}

async function everywhere(nodes: readonly OpenEngine[]): Promise<void> {
  const [first, ...others] = nodes as [OpenEngine, ...OpenEngine[]];
  const slug = `t${Math.random().toString(36).slice(2)}`;
  const { admin } = await first.engine.operator.createTenant({
    ...{ slug, name: null, adminEmail: `a@${slug}.example`, adminPassword: PASSWORD },
  });
  const input = { tenant: slug, user: { uid: admin.uid }, amr: ['pwd'] };
  const { accessToken } = await first.engine.logins.createSession(input, ORIGIN);
  for (const { engine } of nodes) await engine.authentication.authenticate(accessToken);
  const { revocation } = await first.engine.operator.resetUser({
    ...{ tenant: slug, email: `a@${slug}.example`, password: null, makeAdmin: false },
  });
  // A busy machine may take longer than the call waits: then the answer comes later, and never wrongly.
  const { record, follower } = first.services;
  const { head } = await record.log.head();
  const reached = await follower.barrier({ ...head, operationId: revocation.id }, 30_000);
  expect(reached).toMatchObject({ effective: 'everywhere', members: nodes.length });
  for (const { engine } of others) {
    expect(await codeOf(engine.authentication.authenticate(accessToken))).toBe('session_revoked');
  }
}

test('B3 B9 nodes with REDIS_URL: Redis is their hub, and a revocation is everywhere', async () => {
  const redis = await newRedis();
  const settings = { databaseUrl: await newDatabase(), redisUrl: redis.url };
  const nodes = [await start(settings), await start(settings), await start(settings)];
  await vi.waitFor(() => {
    expect(nodes.map(({ engine }) => engine.status().hub)).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'redis', working: true })),
    );
  }, 60_000);
  await everywhere(nodes);
});

test('B9 a Redis that is away keeps no node from starting; when it comes, it is used', async () => {
  const redis = await newRedis();
  await redis.halt();
  const settings = { databaseUrl: await newDatabase(), redisUrl: redis.url };
  const nodes = [await start(settings), await start(settings)];
  expect(nodes[0]?.engine.status()).toMatchObject({
    state: 'serving',
    hub: { kind: 'redis', working: false },
  });
  await everywhere(nodes);
  await redis.resume();
  await vi.waitFor(() => {
    expect(nodes.every(({ engine }) => engine.status().hub.working)).toBe(true);
  }, 60_000);
  await everywhere(nodes);
});

test('B9 two deployments on one Redis: the second is refused with what to do', async () => {
  const redis = await newRedis();
  await start({ databaseUrl: await newDatabase(), redisUrl: redis.url });
  const second = { databaseUrl: await newDatabase(), redisUrl: redis.url };
  const refused = await start(second).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'invalid_configuration' });
  expect((refused as Error).message).toMatch(
    /^REDIS_URL leads to a Redis that another deployment of Sekisho uses[^\n]+give each deployment a Redis of its own[^\n]+\.$/,
  );
  const own = await start({ ...second, redisUrl: `${redis.url}?prefix=second:` });
  expect(own.engine.status().state).toBe('serving');
});

test('B9 nodes of one deployment with different hubs still reach everywhere', async () => {
  const redis = await newRedis();
  const databaseUrl = await newDatabase();
  const nodes = [
    await start({ databaseUrl, redisUrl: redis.url }),
    await start({ databaseUrl }),
    await start({ databaseUrl, hub: 'none' }),
  ];
  expect(nodes.map(({ engine }) => engine.status().hub.kind)).toEqual([
    'redis',
    'postgres',
    'none',
  ]);
  await everywhere(nodes);
  await everywhere([...nodes].reverse());
});
