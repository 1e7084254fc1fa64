import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { newId } from '../../src/id.ts';
import { eventually, type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import type { TestRecord } from '../support/record.ts';
import { infoOf } from '../support/redis-link.ts';
import { byHand, START_MS } from '../support/seed.ts';
import { lastSeen, type Sweeping, seedSessions, startSweeping } from '../support/sweeping.ts';

describe('last-seen in Redis', () => {
  let fixture: TestRecord;
  let redis: RedisServer;
  let sweeping: Sweeping;
  const others: RedisServer[] = [];

  beforeAll(async () => {
    fixture = await openPostgresTestRecord(inject('postgresUrl'));
    redis = await startRedis({ settings: { 'repl-diskless-sync-delay': 0 } });
  });
  afterEach(async () => {
    redis.continue();
    await sweeping?.close();
    for (const other of others.splice(0)) await other.stop();
    await redis.run('config', 'set', 'maxmemory', '0');
    await redis.run('flushall');
  });
  afterAll(async () => {
    await redis?.stop();
    await fixture?.close();
  });

  const state = () => fixture.record.sweep.state();
  const standing = async (tid: string, sid: string) =>
    (await fixture.record.sessions.get(tid, sid, START_MS))?.state;
  const node = (index: number) => {
    const found = sweeping.nodes[index];
    if (found === undefined) throw new Error(`node ${index} was not started`);
    return found;
  };
  /** All nodes say how far they have written. */
  const flushAll = async () => {
    for (const one of sweeping.nodes) await one.flush();
  };

  test('A3 A6: some thousand sessions are written once each, over many batches, and never by KEYS', async () => {
    sweeping = await startSweeping(fixture, redis.url, 3);
    const { tid, sids } = await seedSessions(fixture, 3_000);
    await redis.run('config', 'resetstat');
    sweeping.wall.nowMs += 10_000;
    const seen = sids.map((sid, index) => ({ tid, sid, atMs: START_MS + 1 + index }));
    // Each node saw a third of them; some were seen by two.
    await Promise.all(
      sweeping.nodes.map((one, n) => one.flush(seen.filter((_, i) => i % 3 === n || i % 7 === 0))),
    );
    const before = fixture.record.statementCount();
    await node(1).sweeper.run();
    expect(await lastSeen(fixture, tid)).toEqual(new Map(seen.map(({ sid, atMs }) => [sid, atMs])));
    // By 500 and more a statement, besides claim, members, renewals and end.
    expect(fixture.record.statementCount() - before).toBeLessThan(25);
    expect(node(1).sweeper.status()).toMatchObject({
      ...{
        state: 'idle',
        swept: 3_000,
        mastersDone: 1,
        masters: 1,
        failures: 0,
        heldBackBy: node(0).memberId,
      },
      sweptThroughMs: START_MS + 9_000,
    });
    expect(node(1).sweeper.status().keysSeen).toBeGreaterThanOrEqual(3_000);
    const stats = String(await redis.run('info', 'commandstats'));
    expect(stats).not.toMatch(/cmdstat_keys:/);
    expect(Number(/cmdstat_scan:calls=(\d+)/.exec(stats)?.[1])).toBeGreaterThanOrEqual(30);
    // What was swept is not written again.
    sweeping.wall.nowMs += 10_000;
    await flushAll();
    await node(2).sweeper.run();
    expect(node(2).sweeper.status()).toMatchObject({ swept: 0, sweptThroughMs: START_MS + 19_000 });
  });

  test('ASVS 7.3.1: keys live a little longer than the idle time-out, and are never moved back', async () => {
    sweeping = await startSweeping(fixture, redis.url);
    const { tid, sids } = await seedSessions(fixture, 1, { idleTimeout: 600 });
    const [sid = ''] = sids;
    await node(0).flush([{ tid, sid, atMs: START_MS + 5 }]);
    await node(1).flush([{ tid, sid, atMs: START_MS + 3 }]);
    const names = (await redis.run(
      'keys',
      `${sweeping.prefix}session:${tid}:${sid}:*`,
    )) as string[];
    expect(names).toHaveLength(1);
    expect(await redis.run('get', names[0] ?? '')).toBe(String(START_MS + 5));
    const life = Number(await redis.run('pttl', names[0] ?? ''));
    expect(life).toBeGreaterThan(600_000);
    expect(life).toBeLessThanOrEqual(720_000);
    const all = (await redis.run('keys', `${sweeping.prefix}*`)) as string[];
    for (const name of all) expect(Number(await redis.run('pttl', name))).toBeGreaterThan(0);
  });

  test('A3 G3: swept-through waits for every member, and for none that left', async () => {
    sweeping = await startSweeping(fixture, redis.url, 2);
    sweeping.wall.nowMs += 50_000;
    await node(0).flush();
    await node(0).sweeper.run();
    // The other one has noted who knows what since it joined.
    expect((await state()).sweptThroughMs).toBeLessThan(START_MS);
    expect(node(0).sweeper.status().heldBackBy).toBe(node(1).memberId);
    await node(1).flush();
    sweeping.wall.nowMs += 50_000;
    await node(0).flush();
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(START_MS + 49_000);
    await node(1).leave();
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(START_MS + 99_000);
  });

  test('A3: a node without the hub is waited for by its mark in the record', async () => {
    sweeping = await startSweeping(fixture, redis.url, 1);
    const alone = newId();
    const { members, sweep } = fixture.record;
    await members.join({ id: alone, leaseMs: 1000, toleranceMs: 0, version: 1, address: null });
    sweeping.wall.nowMs += 50_000;
    await flushAll();
    await sweep.mark(alone, START_MS + 30_000);
    // The nodes with the hub leave no marks in the record: only a sweep knows.
    expect((await state()).sweptThroughMs).toBeLessThan(START_MS);
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(START_MS + 30_000);
    await sweep.mark(alone, START_MS + 90_000);
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(START_MS + 49_000);
    await members.leave(alone);
  });

  test('A3: a sweep is paused at once in its middle, by another node, and goes on where it was', async () => {
    sweeping = await startSweeping(fixture, redis.url, 2);
    const { tid, sids } = await seedSessions(fixture, 1_500);
    sweeping.wall.nowMs += 10_000;
    await node(0).flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 7 })));
    await node(1).flush();
    const begin = node(0).seen.begin;
    let told = false;
    let keysSeen: number | null = null;
    Object.assign(node(0).seen, {
      async begin(number: number) {
        const sweep = await begin(number);
        const next = sweep.next;
        return Object.defineProperty(sweep, 'next', {
          value: async () => {
            if (sweep.progress.keysSeen <= 300 || told) return next();
            told = true;
            await node(1).pause.set(true);
            await eventually('it is known here', () => node(0).pause.ask());
            // This batch was under way; no other one is begun.
            const batch = await next();
            keysSeen = sweep.progress.keysSeen;
            return batch;
          },
        });
      },
    });
    const run = node(0).sweeper.run();
    await eventually('it rests, and the record knows where', async () => {
      const { progress } = await state();
      return keysSeen !== null && progress?.keysSeen === keysSeen;
    });
    const at = node(0).sweeper.status();
    expect(at).toMatchObject({ state: 'paused', keysSeen });
    expect(at.keysSeen).toBeGreaterThan(300);
    expect(at.keysSeen).toBeLessThan(1_500);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(node(0).sweeper.status()).toMatchObject({ state: 'paused', keysSeen: at.keysSeen });
    expect((await state()).progress).toMatchObject({ keysSeen: at.keysSeen });
    expect((await state()).sweptThroughMs).toBe(0);
    await node(1).pause.set(false);
    await run;
    expect(await lastSeen(fixture, tid)).toEqual(new Map(sids.map((sid) => [sid, START_MS + 7])));
    expect(node(0).sweeper.status()).toMatchObject({ number: 1, failures: 0, swept: 1_500 });
    expect((await state()).sweptThroughMs).toBe(START_MS + 9_000);
  });

  test('A3: a sweeper that dies half-way loses nothing, and another one takes over', async () => {
    sweeping = await startSweeping(fixture, redis.url, 2);
    const { tid, sids } = await seedSessions(fixture, 2_000);
    sweeping.wall.nowMs += 10_000;
    await node(0).flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 7 })));
    await node(1).flush();
    const begin = node(0).seen.begin;
    let batches = 0;
    Object.assign(node(0).seen, {
      async begin(number: number) {
        const sweep = await begin(number);
        const next = sweep.next;
        return Object.defineProperty(sweep, 'next', {
          // It never comes back.
          value: () => (++batches > 10 ? new Promise(() => {}) : next()),
        });
      },
    });
    void node(0).sweeper.run();
    await eventually('it is half-way', async () => batches > 10);
    const half = (await lastSeen(fixture, tid)).size;
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(2_000);
    await node(1).sweeper.run();
    expect(node(1).sweeper.status()).toMatchObject({ number: 0, holder: node(0).memberId });
    await byHand(fixture.database, {
      text: "update sekisho.sweep set claimed_until = clock_timestamp() - interval '1 ms'",
    });
    await node(1).sweeper.run();
    expect(await lastSeen(fixture, tid)).toEqual(new Map(sids.map((sid) => [sid, START_MS + 7])));
    expect((await state()).sweptThroughMs).toBe(START_MS + 9_000);
    // Nothing can bring it back: what it waits for is not closed with it.
    Object.assign(node(0).sweeper, { close: async () => {} });
  });

  test('A3: two sweeps at once do no harm', async () => {
    // The first one is never told that another has begun.
    const deaf = { store: { renew: async () => true } };
    sweeping = await startSweeping(fixture, redis.url, 0);
    const first = await sweeping.addNode(redis.url, deaf);
    const second = await sweeping.addNode(redis.url, deaf);
    const { tid, sids } = await seedSessions(fixture, 1_200);
    sweeping.wall.nowMs += 10_000;
    await first.flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 7 })));
    await second.flush();
    const began: Promise<void>[] = [];
    const begin = first.seen.begin;
    Object.assign(first.seen, {
      async begin(number: number) {
        const sweep = await begin(number);
        const next = sweep.next;
        return Object.defineProperty(sweep, 'next', {
          async value() {
            if (began.length === 0) {
              await byHand(fixture.database, {
                text: 'update sekisho.sweep set claimed_until = null',
              });
              began.push(second.sweeper.run());
            }
            return next();
          },
        });
      },
    });
    await first.sweeper.run();
    await Promise.all(began);
    for (const one of [first, second]) {
      const swept = { failures: 0, sweptThroughMs: START_MS + 9_000 };
      expect(one.sweeper.status()).toMatchObject(swept);
    }
    expect(second.sweeper.status().number).toBe(2);
    expect(await lastSeen(fixture, tid)).toEqual(new Map(sids.map((sid) => [sid, START_MS + 7])));
    expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 9_000, lostAtMs: null });
  });

  test('what stands in Redis is not believed: no time of the future, no foreign names, no text', async () => {
    sweeping = await startSweeping(fixture, redis.url, 1);
    const { tid, sids } = await seedSessions(fixture, 3);
    const [one = '', two = '', ahead = ''] = sids;
    await node(0).flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 1 })));
    sweeping.wall.nowMs += 10_000;
    const names = (await redis.run('keys', `${sweeping.prefix}session:*`)) as string[];
    const nameOf = (sid: string) => names.find((name) => name.includes(sid)) ?? '';
    await redis.run('set', nameOf(one), START_MS + 40_001);
    await redis.run('set', nameOf(two), 'soon');
    // As far as clocks may be apart: of a node that is ahead of this one.
    await redis.run('set', nameOf(ahead), START_MS + 40_000);
    await redis.run('set', `${sweeping.prefix}session:x:y:z`, START_MS + 5);
    await redis.run('hset', `${sweeping.prefix}session:${tid}:${tid}:{0}`, 'a', 'b');
    await node(0).flush();
    await node(0).sweeper.run();
    // A key that cannot be read ends no sweep of the others.
    expect(await lastSeen(fixture, tid)).toEqual(new Map([[ahead, START_MS + 10_000]]));
    expect((await state()).sweptThroughMs).toBe(START_MS + 9_000);
    // It ends no node's writing either.
    await redis.run('del', nameOf(two));
    await redis.run('hset', nameOf(two), 'a', 'b');
    await node(0).flush([{ tid, sid: two, atMs: START_MS + 9_500 }]);
    await node(0).sweeper.run();
    expect((await lastSeen(fixture, tid)).get(two)).toBe(START_MS + 9_500);
  });

  const notTimes = [
    '9007199254740990',
    '253402300800000',
    '1e300',
    'inf',
    '1e13',
    '0x7fffffffffff',
  ];
  test.each(notTimes)(
    '%s in Redis is no time: whoever is seen later overwrites it',
    async (planted) => {
      sweeping = await startSweeping(fixture, redis.url, 1);
      const { tid, sids } = await seedSessions(fixture, 2);
      const [used = '', idle = ''] = sids;
      await node(0).flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 1 })));
      const names = (await redis.run('keys', `${sweeping.prefix}session:*`)) as string[];
      // Without a time to live.
      for (const name of names) await redis.run('set', name, planted);
      sweeping.wall.nowMs = START_MS + 100_000;
      await node(0).flush([{ tid, sid: used, atMs: START_MS + 99_500 }]);
      await node(0).sweeper.run();
      expect((await state()).sweptThroughMs).toBe(START_MS + 99_000);
      expect(await lastSeen(fixture, tid)).toEqual(new Map([[used, START_MS + 99_500]]));
      expect([await standing(tid, used), await standing(tid, idle)]).toEqual(['active', 'expired']);
      const name = names.find((one) => one.includes(used)) ?? '';
      expect(await redis.run('get', name)).toBe(String(START_MS + 99_500));
      expect(Number(await redis.run('pttl', name))).toBeGreaterThan(0);
    },
  );

  test('A3: a node that comes late with what it kept overwrites no newer time', async () => {
    sweeping = await startSweeping(fixture, redis.url, 2);
    const { tid, sids } = await seedSessions(fixture, 1);
    const [sid = ''] = sids;
    sweeping.wall.nowMs = START_MS + 100_000;
    await node(0).flush([{ tid, sid, atMs: START_MS + 99_000 }]);
    await node(1).flush([{ tid, sid, atMs: START_MS + 5 }]);
    await node(0).sweeper.run();
    expect(await lastSeen(fixture, tid)).toEqual(new Map([[sid, START_MS + 99_000]]));
  });

  describe('G3: what is lost counts in the users’ favour', () => {
    /** One session in use that was seen within its idle time, and one that has been idle for long. */
    async function inUse() {
      sweeping = await startSweeping(fixture, redis.url, 2);
      const { tid, sids } = await seedSessions(fixture, 2);
      const [used = '', idle = ''] = sids;
      sweeping.wall.nowMs = START_MS + 50_000;
      await flushAll();
      await node(0).sweeper.run();
      expect((await state()).sweptThroughMs).toBe(START_MS + 49_000);
      await node(1).flush([{ tid, sid: used, atMs: START_MS + 50_000 }]);
      return { tid, used, idle };
    }
    /** Time passes until both would be idle if nobody had been seen, and all is swept. */
    async function sweepLater() {
      sweeping.wall.nowMs = START_MS + 100_000;
      for (let n = 0; n < 3; n += 1) {
        await flushAll();
        await node(0).sweeper.run();
      }
    }

    test('nothing lost: the idle one ends, the one in use does not', async () => {
      const { tid, used, idle } = await inUse();
      await sweepLater();
      expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 99_000, lostAtMs: null });
      expect([await standing(tid, used), await standing(tid, idle)]).toEqual(['active', 'expired']);
    });

    test('flushed', async () => {
      const { tid, used } = await inUse();
      await redis.run('flushall');
      await sweepLater();
      expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 99_000 });
      expect((await state()).lostAtMs).toBe(START_MS + 100_000);
      expect(await standing(tid, used)).toBe('active');
    });

    test('flushed after the node that had seen it left', async () => {
      const { tid, used } = await inUse();
      await node(1).leave();
      sweeping.nodes.splice(1, 1);
      await redis.run('flushall');
      await node(0).flush();
      await sweepLater();
      expect((await state()).lostAtMs).toBe(START_MS + 100_000);
      expect(await standing(tid, used)).toBe('active');
    });

    test('killed, and back without its data', async () => {
      const { tid, used } = await inUse();
      await redis.halt();
      await redis.resume({ data: false });
      await eventually('the nodes are connected', async () =>
        sweeping.nodes.every(({ seen }) => seen.connected()),
      );
      await sweepLater();
      expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 99_000 });
      expect((await state()).lostAtMs).not.toBeNull();
      expect(await standing(tid, used)).toBe('active');
    });

    test('back with an older state: markers and marks are there, the last writes are not', async () => {
      sweeping = await startSweeping(fixture, redis.url, 2);
      const { tid, sids } = await seedSessions(fixture, 1);
      const [used = ''] = sids;
      sweeping.wall.nowMs = START_MS + 50_000;
      await flushAll();
      await node(0).sweeper.run();
      await flushAll();
      await redis.run('save');
      sweeping.wall.nowMs = START_MS + 55_000;
      await node(1).flush([{ tid, sid: used, atMs: START_MS + 55_000 }]);
      await redis.halt();
      await redis.resume();
      await eventually('the nodes are connected', async () =>
        sweeping.nodes.every(({ seen }) => seen.connected()),
      );
      // Before the node that wrote it is asked, nothing moves past what it is known to have written.
      sweeping.wall.nowMs = START_MS + 100_000;
      await node(0).flush();
      await node(0).sweeper.run();
      expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 49_000, lostAtMs: null });
      await sweepLater();
      expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 99_000 });
      expect((await state()).lostAtMs).not.toBeNull();
      expect(await standing(tid, used)).toBe('active');
    });

    test('an old master that still answers one of the nodes', async () => {
      const { tid, used } = await inUse();
      const successor = await startRedis();
      others.push(successor);
      await successor.run('replicaof', '127.0.0.1', redis.port);
      await eventually('it has everything', async () =>
        /master_link_status:up/.test(String(await successor.run('info', 'replication'))),
      );
      await successor.run('replicaof', 'no', 'one');
      await node(0).moveTo(successor.url);
      // The other one goes on writing to the old one, and is told that it is well.
      sweeping.wall.nowMs = START_MS + 90_000;
      await node(1).flush([{ tid, sid: used, atMs: START_MS + 90_000 }]);
      sweeping.wall.nowMs = START_MS + 200_000;
      for (let n = 0; n < 2; n += 1) {
        await node(0).flush();
        await node(0).sweeper.run();
      }
      expect((await state()).sweptThroughMs).toBe(START_MS + 49_000);
      expect(node(0).sweeper.status().heldBackBy).toBe(node(1).memberId);
      await node(1).moveTo(successor.url);
      await node(1).flush();
      await flushAll();
      await node(0).sweeper.run();
      expect((await state()).sweptThroughMs).toBe(START_MS + 199_000);
      expect((await state()).lostAtMs).toBe(START_MS + 200_000);
      expect(await standing(tid, used)).toBe('active');
    });

    test('evicted for want of memory', async () => {
      const { tid, used } = await inUse();
      await redis.run('config', 'set', 'maxmemory-policy', 'volatile-ttl');
      const memory = Number((await infoOf(sweeping.link, 'memory', 'used_memory'))[0]);
      await redis.run('config', 'set', 'maxmemory', memory + 3_000_000);
      for (let n = 0; n < 6_000; n += 1) {
        await sweeping.link.commands.set(`other:${n}`, 'x'.repeat(1_000), 'EX', 100);
      }
      expect(Number((await infoOf(sweeping.link, 'stats', 'evicted_keys'))[0])).toBeGreaterThan(0);
      await redis.run('config', 'set', 'maxmemory', '0');
      // Marks and markers live the longest, so they are still there; of the others any may be gone, as this one is.
      const marks = (await redis.run('keys', `${sweeping.prefix}seen:*`)) as string[];
      expect(marks).toHaveLength(32);
      const names = (await redis.run('keys', `${sweeping.prefix}session:*`)) as string[];
      await redis.run('unlink', names.find((name) => name.includes(used)) ?? '');
      await sweepLater();
      expect((await state()).lostAtMs).not.toBeNull();
      expect(await standing(tid, used)).toBe('active');
    });

    test('flushed while it is swept: that sweep counts for nothing', async () => {
      const { tid, used } = await inUse();
      sweeping.wall.nowMs = START_MS + 100_000;
      await flushAll();
      const begin = node(0).seen.begin;
      let done = false;
      Object.assign(node(0).seen, {
        async begin(number: number) {
          const sweep = await begin(number);
          if (!done) await redis.run('flushall');
          done = true;
          return sweep;
        },
      });
      await node(0).sweeper.run();
      expect((await state()).sweptThroughMs).toBe(START_MS + 49_000);
      expect(node(0).sweeper.status().failures).toBe(1);
      await sweepLater();
      expect(await state()).toMatchObject({ sweptThroughMs: START_MS + 99_000 });
      expect(await standing(tid, used)).toBe('active');
    });
  });

  test('G3: while Redis is away last-seen is kept, then written straight to the record; nobody grows idle', async () => {
    sweeping = await startSweeping(fixture, redis.url, 1);
    const { tid, sids } = await seedSessions(fixture, 2);
    const [sid = ''] = sids;
    await redis.halt();
    await eventually('it is noticed', async () => !node(0).seen.connected());
    await node(0).flush([{ tid, sid, atMs: START_MS + 1_000 }]);
    expect((await lastSeen(fixture, tid)).size).toBe(0);
    // As after a long time: more than it wants to keep.
    const many = Array.from({ length: 20_001 }, (_, n) => ({ tid, sid: `s${n}`, atMs: START_MS }));
    await node(0).flush(many);
    expect(await lastSeen(fixture, tid)).toEqual(new Map([[sid, START_MS + 1_000]]));
    await node(0).sweeper.run();
    expect((await state()).sweptThroughMs).toBe(0);
    await redis.resume({ data: false });
    await eventually('it is connected again', async () => node(0).seen.connected());
    sweeping.wall.nowMs = START_MS + 30_000;
    for (let n = 0; n < 2; n += 1) {
      await node(0).flush();
      await node(0).sweeper.run();
    }
    expect((await state()).sweptThroughMs).toBe(START_MS + 29_000);
  });
});
