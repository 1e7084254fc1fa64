import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { eventually } from '../../tools/services/redis.mjs';
import { startRedisCluster } from '../../tools/services/redis-cluster.mjs';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import type { TestRecord } from '../support/record.ts';
import { START_MS } from '../support/seed.ts';
import { lastSeen, type Sweeping, seedSessions, startSweeping } from '../support/sweeping.ts';

describe('last-seen in a Redis Cluster', () => {
  let fixture: TestRecord;
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  let sweeping: Sweeping;

  beforeAll(async () => {
    fixture = await openPostgresTestRecord(inject('postgresUrl'));
    cluster = await startRedisCluster();
  });
  afterEach(async () => {
    await sweeping?.close();
  });
  afterAll(async () => {
    await cluster?.stop();
    await fixture?.close();
  });

  const state = () => fixture.record.sweep.state();
  const node = (index: number) => {
    const found = sweeping.nodes[index];
    if (found === undefined) throw new Error(`node ${index} was not started`);
    return found;
  };
  const flushAll = async () => {
    for (const one of sweeping.nodes) await one.flush();
  };

  test('A3: every session on every master is swept, over several batches each', async () => {
    sweeping = await startSweeping(fixture, cluster.url);
    const { tid, sids } = await seedSessions(fixture, 1_500);
    sweeping.wall.nowMs += 10_000;
    const seen = sids.map((sid, index) => ({ tid, sid, atMs: START_MS + 1 + index }));
    await node(0).flush(seen.slice(0, 800));
    await node(1).flush(seen.slice(700));
    for (const master of sweeping.link.masters()) {
      expect(await master.dbsize()).toBeGreaterThan(200);
      await master.config('RESETSTAT');
    }
    await node(0).sweeper.run();
    expect(await lastSeen(fixture, tid)).toEqual(new Map(seen.map(({ sid, atMs }) => [sid, atMs])));
    expect(node(0).sweeper.status()).toMatchObject({ mastersDone: 3, masters: 3, swept: 1_500 });
    expect((await state()).sweptThroughMs).toBe(START_MS + 9_000);
    for (const master of sweeping.link.masters()) {
      const stats = await master.info('commandstats');
      expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)?.[1])).toBeGreaterThan(2);
      expect(stats).not.toMatch(/cmdstat_keys:/);
    }
  });

  test('A3: while slots are on their way no sweep counts', async () => {
    sweeping = await startSweeping(fixture, cluster.url);
    sweeping.wall.nowMs += 10_000;
    await flushAll();
    const [first, second] = cluster.nodes;
    const ids = await Promise.all([first, second].map((one) => one?.run('cluster', 'myid')));
    await first?.run('cluster', 'setslot', 5, 'migrating', String(ids[1]));
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(0);
    await first?.run('cluster', 'setslot', 5, 'stable');
    await node(0).sweeper.run();
    expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 9_000, lostAtMs: null });
  });

  test('G3 A3: a master dies while it is swept: that sweep counts for nothing, the next one finds everybody', async () => {
    sweeping = await startSweeping(fixture, cluster.url);
    const { tid, sids } = await seedSessions(fixture, 1_200);
    sweeping.wall.nowMs = START_MS + 50_000;
    await flushAll();
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(START_MS + 49_000);
    sweeping.wall.nowMs = START_MS + 59_000;
    await node(1).flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 58_000 })));
    const [dying] = await cluster.masters();
    const begin = node(0).seen.begin;
    let batches = 0;
    Object.assign(node(0).seen, {
      async begin(number: number) {
        const sweep = await begin(number);
        const next = sweep.next;
        return Object.defineProperty(sweep, 'next', {
          async value() {
            batches += 1;
            if (batches === 3) await dying?.halt();
            return next();
          },
        });
      },
    });
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(START_MS + 49_000);
    expect(node(0).sweeper.status().failures).toBe(1);
    await eventually('its replica has taken over', async () => {
      const masters = await cluster.masters();
      return masters.length === 3 && !masters.some(({ port }) => port === dying?.port);
    });
    sweeping.wall.nowMs = START_MS + 100_000;
    await eventually('a sweep ends', async () => {
      await flushAll();
      await node(0).sweeper.run();
      return (await state()).sweptThroughMs === START_MS + 99_000;
    });
    for (const sid of [sids[0], sids[600], sids[1_199]]) {
      const row = await fixture.record.sessions.get(tid, sid ?? '', START_MS);
      expect(row?.state).toBe('active');
    }
  });
});
