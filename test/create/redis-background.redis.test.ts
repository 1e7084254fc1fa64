import { afterEach, expect, inject, test, vi } from 'vitest';
import type { OpenEngine } from '../../src/create/open.ts';
import { measured } from '../../src/observe/measured.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startRedis } from '../../tools/services/redis.mjs';
import { startClusterNode } from '../support/cluster-node.ts';
import { codeOf, ORIGIN, PASSWORD } from '../support/engine.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Nodes of one deployment with a Redis of their own, and a tenant `main` with its administrator. */
async function start(count: number) {
  const redis = await startRedis();
  closers.push(redis.stop);
  const database = await createTestDatabase(inject('postgresUrl'));
  closers.push(database.drop);
  const nodes: OpenEngine[] = [];
  for (let n = 0; n < count; n += 1) {
    const node = await startClusterNode({ databaseUrl: database.url, redisUrl: redis.url });
    closers.push(node.close);
    nodes.push(node);
  }
  const [first] = nodes as [OpenEngine];
  const { admin, tenant } = await first.engine.operator.createTenant({
    ...{ slug: 'main', name: null, adminEmail: 'admin@main.example', adminPassword: PASSWORD },
  });
  return { redis, nodes, first, admin, tid: tenant.tid };
}

test('A4 G3: wrong passwords at several nodes are one count, in Redis and in the record, and Redis may go', async () => {
  const { redis, nodes, first, tid } = await start(2);
  const wrong = (n: number) =>
    codeOf(
      nodes[n % 2]?.engine.logins.login(
        {
          ...{ tenant: 'main', email: 'admin@main.example', password: 'not this one at all' },
          ...{ device: null, deviceToken: null },
        },
        ORIGIN,
      ) ?? Promise.reject(new Error('no such node')),
    );
  const codes = [];
  for (let n = 0; n < 6; n += 1) codes.push(await wrong(n));
  expect(await redis.run('keys', '*login-attempt:*')).toHaveLength(2);
  await redis.halt();
  // How many more pass depends on how long this machine takes for them; that each is counted does not.
  codes.push(...(await Promise.all(Array.from({ length: 30 }, (_, n) => wrong(n)))));
  const passed = codes.filter((code) => code === 'invalid_credentials').length;
  expect(codes.filter((code) => code === 'too_many_attempts')).toHaveLength(36 - passed);
  expect(passed).toBeGreaterThanOrEqual(10);
  expect(passed).toBeLessThan(36);
  const { attempts } = first.services.record;
  const all = { limit: 10, cursor: null };
  // As of a minute ago, when all of them were still to be waited for.
  const limit = DEFAULT_POLICY.login_limit;
  const limited = await attempts.listLimited(tid, Date.now() - 60_000, all, limit);
  expect(limited).toMatchObject([{ email: 'admin@main.example', attempts: passed }]);
});

test('A3 ASVS 7.3.1: what a node saw goes through Redis into the record, and sweeping shows how far it is', async () => {
  const { redis, nodes, first, admin, tid } = await start(2);
  const input = { tenant: 'main', user: { uid: admin.uid }, amr: ['pwd'] };
  const pair = await first.engine.logins.createSession(input, ORIGIN);
  const [, second] = nodes;
  const session = await second?.engine.authentication.authenticate(pair.accessToken);
  const before = (await first.services.record.sessions.get(tid, pair.session.sid, Date.now()))
    ?.lastSeenAtMs;
  await second?.services.activity.flush();
  const keys = (await redis.run('keys', `*session:${tid}:${session?.sessionId}:*`)) as string[];
  expect(keys).toHaveLength(1);
  expect(Number(await redis.run('pttl', keys[0] ?? ''))).toBeGreaterThan(3_500_000);
  await vi.waitFor(
    async () => {
      const row = await first.services.record.sessions.get(tid, pair.session.sid, Date.now());
      expect(row?.lastSeenAtMs).toBeGreaterThan(before ?? 0);
      const [a, b] = nodes.map(({ engine }) => engine.maintenance.status().sweep);
      const shown = [a, b].find((one) => one?.sweptThroughMs != null);
      expect(shown).toMatchObject({ masters: 1, mastersDone: 1, failures: 0 });
      expect(shown?.keysSeen).toBeGreaterThan(0);
    },
    { timeout: 60_000, interval: 200 },
  );
  const metrics = createMetrics({ process: false });
  measured(first.engine, metrics);
  await first.engine.maintenance.pause();
  expect(await metrics.read()).toMatch(/^sekisho_sweep_paused 1$/m);
  expect(first.engine.maintenance.status()).toMatchObject({
    ...{ state: 'paused', sweep: { state: 'paused' } },
  });
  expect((await first.services.record.sweep.state()).paused).toBe(true);
  await second?.engine.maintenance.resume();
  expect((await first.services.record.sweep.state()).paused).toBe(false);
});
