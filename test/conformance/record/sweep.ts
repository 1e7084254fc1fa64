import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import {
  byHand,
  openSession,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const NONE = { keysSeen: 0, swept: 0, mastersDone: 0, masters: 1 };

/** Sweeping: whose turn it is, up to when last-seen is complete, and what a loss means for idleness. */
export function sweepSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`sweeping on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    /** As if nobody had ever swept. */
    const anew = () =>
      byHand(fixture.database, {
        text: 'update sekisho.sweep set swept_through = default, paused = default, number = default, holder = default, claimed_until = default, begun_at = default, progress = default, finished = default, servers = default, lost_through = default, lost_at = default',
      });
    const sweptThrough = async () => (await fixture.record.sweep.state()).sweptThroughMs;
    const stateOf = async (tid: string, sid: string) =>
      (await fixture.record.sessions.get(tid, sid, START_MS))?.state;

    async function session(tid: string, atMs: number): Promise<string> {
      const { sid } = await openSession(fixture, tid, await seedUser(fixture, tid), atMs);
      return sid;
    }

    test('A3 before anything was swept nothing is', async () => {
      const { sweep } = fixture.record;
      expect(await sweep.state()).toEqual({
        ...{ paused: false, number: 0, finished: 0, holder: null, progress: null },
        ...{ sweptThroughMs: 0, lostAtMs: null },
      });
    });

    test('A3 A6 of several nodes one sweeps, until its claim lapses', async () => {
      const { sweep } = fixture.record;
      await anew();
      const names = ['a', 'b', 'c', 'd', 'e', 'f'];
      const claims = await Promise.all(names.map((name) => sweep.claim(name, 60_000, 0)));
      const winner = claims.findIndex(({ kind: what }) => what === 'claimed');
      const holder = names[winner] ?? '';
      expect(claims[winner]).toEqual({
        ...{ kind: 'claimed', number: 1, finished: 0, sweptThroughMs: 0, servers: {}, marks: {} },
      });
      const others = claims.filter((_, index) => index !== winner);
      for (const claim of others) expect(claim).toEqual({ kind: 'held', holder, progress: null });
      const progress = { keysSeen: 300, swept: 20, mastersDone: 1, masters: 3 };
      expect(await sweep.renew(holder, 1, 60_000, progress)).toBe(true);
      expect(await sweep.claim('g', 60_000, 0)).toEqual({ kind: 'held', holder, progress });
      expect(await sweep.state()).toMatchObject({ holder, number: 1, progress });
      // It stands still for longer than its claim.
      await byHand(fixture.database, {
        text: "update sekisho.sweep set claimed_until = clock_timestamp() - interval '1 ms'",
      });
      expect((await sweep.state()).holder).toBeNull();
      expect(await sweep.claim('g', 60_000, 0)).toMatchObject({ kind: 'claimed', number: 2 });
      expect(await sweep.renew(holder, 1, 60_000, progress)).toBe(false);
      expect(await sweep.renew('g', 2, 60_000, NONE)).toBe(true);
    });

    test('A3 the next sweep begins when it is time, not sooner', async () => {
      const { sweep } = fixture.record;
      await anew();
      expect(await sweep.claim('a', 60_000, 3_600_000)).toMatchObject({ kind: 'claimed' });
      expect(await sweep.finish(1, START_MS, {}, NONE)).toBe(true);
      for (const name of ['a', 'b']) {
        expect(await sweep.claim(name, 60_000, 3_600_000)).toEqual({ kind: 'early' });
      }
      expect(await sweep.claim('b', 60_000, 0)).toMatchObject({ kind: 'claimed', number: 2 });
    });

    test('A3 swept-through moves forward only; two sweeps at once do no harm', async () => {
      const { sweep } = fixture.record;
      await anew();
      await sweep.claim('a', 0, 0);
      await sweep.claim('b', 60_000, 0);
      expect(await sweep.finish(2, START_MS + 20, { second: 2 }, NONE)).toBe(true);
      // The one that stood still ends late, with a time that is behind.
      expect(await sweep.finish(1, START_MS + 10, { first: 1 }, NONE)).toBe(true);
      expect(await sweptThrough()).toBe(START_MS + 20);
      const [third] = [await sweep.claim('a', 60_000, 0)];
      expect(third).toMatchObject({ finished: 2, sweptThroughMs: START_MS + 20 });
      expect(third).toMatchObject({ servers: { second: 2 } });
      // A sweep that moved nothing is not one that a marker must speak of.
      expect(await sweep.finish(3, START_MS + 20, { third: 3 }, NONE)).toBe(true);
      expect(await sweep.state()).toMatchObject({ number: 3, finished: 2 });
    });

    test('A3 paused: nobody claims, nothing moves, by either way; and it goes on', async () => {
      const { sweep, sessions } = fixture.record;
      await anew();
      await sweep.claim('a', 60_000, 0);
      await sweep.pause(true);
      expect((await sweep.state()).paused).toBe(true);
      expect(await sweep.claim('b', 60_000, 0)).toEqual({ kind: 'paused' });
      expect(await sweep.finish(1, START_MS, {}, NONE)).toBe(false);
      const { tid } = await seedTenant(fixture, { idle_timeout: 60 });
      const sid = await session(tid, START_MS);
      // Last-seen itself is written all the while.
      await sessions.touch([{ tid, sid, atMs: START_MS + 5 }], START_MS + 100_000);
      expect(await sessions.get(tid, sid, START_MS)).toMatchObject({
        ...{ lastSeenAtMs: START_MS + 5, state: 'active' },
      });
      expect(await sweptThrough()).toBe(0);
      await sweep.pause(false);
      expect(await sweep.finish(1, START_MS + 60_005, {}, NONE)).toBe(true);
      expect(await stateOf(tid, sid)).toBe('active');
      await sessions.touch([], START_MS + 60_006);
      expect(await stateOf(tid, sid)).toBe('expired');
    });

    test('A3 G3 without a hub swept-through waits for every member’s mark, and for none that left', async () => {
      const { sweep, members } = fixture.record;
      await anew();
      const [a, b] = [newId(), newId()];
      const join = (id: string) =>
        members.join({ id, leaseMs: 1000, toleranceMs: 0, version: 1, address: null });
      await join(a);
      await sweep.mark(a, START_MS + 10);
      expect(await sweptThrough()).toBe(START_MS + 10);
      await join(b);
      await byHand(fixture.database, {
        text: 'update sekisho.member set joined_at = $2 where id = $1',
        values: [b, new Date(START_MS + 20)],
      });
      // It has noted nothing before it joined; what it noted since nobody knows.
      await sweep.mark(a, START_MS + 30);
      expect(await sweptThrough()).toBe(START_MS + 20);
      await sweep.mark(b, START_MS + 40);
      expect(await sweptThrough()).toBe(START_MS + 30);
      // An answer that comes late moves nothing back.
      await sweep.mark(b, START_MS + 25);
      await sweep.mark(a, START_MS + 50);
      expect(await sweptThrough()).toBe(START_MS + 40);
      await sweep.pause(true);
      await members.leave(b);
      await sweep.mark(a, START_MS + 60);
      expect(await sweptThrough()).toBe(START_MS + 40);
      await sweep.pause(false);
      await sweep.mark(a, START_MS + 61);
      expect(await sweptThrough()).toBe(START_MS + 61);
      // Who sweeps the hub learns of it; marks of members that are gone are gone.
      const claim = await sweep.claim(a, 60_000, 0);
      expect(claim).toMatchObject({ kind: 'claimed', marks: { [a]: START_MS + 61 } });
      expect(claim.kind === 'claimed' && Object.keys(claim.marks)).toEqual([a]);
      await members.leave(a);
    });

    test('A6 a last-seen time that is known already is not written again', async () => {
      const { tid } = await seedTenant(fixture);
      const sid = await session(tid, START_MS);
      const version = async () =>
        byHand(fixture.database, {
          text: 'select ctid::text, xmax::text, last_seen_at from sekisho.session where tid = $1 and sid = $2',
          values: [tid, sid],
        });
      const seen = [START_MS + 1, START_MS + 3, START_MS + 2].map((atMs) => ({ tid, sid, atMs }));
      await fixture.record.sessions.touch(seen, 0);
      const before = await version();
      expect(before).toMatchObject([{ last_seen_at: new Date(START_MS + 3) }]);
      await Promise.all(seen.map((one) => fixture.record.sessions.touch([one], 0)));
      expect(await version()).toEqual(before);
    });

    test('G3 after a loss whoever was in use stays so; who had grown idle stays idle', async () => {
      const { sweep, sessions } = fixture.record;
      await anew();
      const { tid } = await seedTenant(fixture, { idle_timeout: 60 });
      const [idle, used, young] = [
        await session(tid, START_MS),
        await session(tid, START_MS + 30_000),
        await session(tid, START_MS + 90_000),
      ];
      await sessions.touch([], START_MS + 60_001);
      const states = () => Promise.all([idle, used, young].map((sid) => stateOf(tid, sid)));
      expect(await states()).toEqual(['expired', 'active', 'active']);
      // What was noted between the two times is gone.
      await sweep.lost(START_MS + 100_000);
      expect((await sweep.state()).lostAtMs).toBe(START_MS + 100_000);
      await sessions.touch([], START_MS + 155_000);
      expect(await states()).toEqual(['expired', 'active', 'active']);
      // A second loss helps those that the first one kept.
      await sweep.lost(START_MS + 158_000);
      await sessions.touch([{ tid, sid: young, atMs: START_MS + 200_000 }], START_MS + 218_000);
      expect(await states()).toEqual(['expired', 'active', 'active']);
      await sessions.touch([], START_MS + 218_001);
      expect(await states()).toEqual(['expired', 'expired', 'active']);
      await sessions.touch([{ tid, sid: used, atMs: START_MS + 218_500 }], START_MS + 260_001);
      expect(await states()).toEqual(['expired', 'expired', 'expired']);
      await sweep.lost(START_MS + 300_000);
      expect(await states()).toEqual(['expired', 'expired', 'expired']);
    });

    test('G3 property: a session is idle exactly when the losses leave no doubt', async () => {
      const step = fc.record({
        waitMs: fc.integer({ min: 0, max: 30_000 }),
        what: fc.constantFrom('seen', 'lost', 'sweep', 'sweep'),
        who: fc.integer({ min: 0, max: 2 }),
        lagMs: fc.integer({ min: 0, max: 20_000 }),
      });
      const { tid } = await seedTenant(fixture, { idle_timeout: 40 });
      const idleMs = 40_000;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
          await anew();
          const { sweep, sessions } = fixture.record;
          const sids: string[] = [];
          for (let n = 0; n < 3; n += 1) sids.push(await session(tid, START_MS));
          /** Seen at the latest, whatever was lost. */
          const latest = [START_MS, START_MS, START_MS];
          const ended = [false, false, false];
          let [nowMs, sweptMs] = [START_MS, 0];
          for (const { waitMs, what, who, lagMs } of steps) {
            nowMs += waitMs;
            const judge = () => {
              for (const [n, atMs] of latest.entries()) ended[n] ||= atMs + idleMs < sweptMs;
            };
            if (what === 'lost') {
              await sweep.lost(nowMs);
              for (const n of latest.keys())
                if (!ended[n]) latest[n] = Math.max(latest[n] ?? 0, nowMs);
            } else if (what === 'seen') {
              await sessions.touch([{ tid, sid: sids[who] ?? '', atMs: nowMs }], 0);
              if (!ended[who]) latest[who] = nowMs;
            } else {
              await sessions.touch([], nowMs - lagMs);
              sweptMs = Math.max(sweptMs, nowMs - lagMs);
            }
            judge();
            for (const [n, sid] of sids.entries()) {
              expect(await stateOf(tid, sid)).toBe(ended[n] ? 'expired' : 'active');
            }
          }
        }),
        { numRuns: 15 },
      );
    });

    test('G3 losses between two sweeps are one; very many are kept few; old ones are dropped', async () => {
      const { sweep, sessions } = fixture.record;
      await anew();
      const kept = async () => {
        const text =
          'select cardinality(lost_at) as n, cardinality(lost_through) as m from sekisho.sweep';
        const [row] = await byHand(fixture.database, { text });
        expect(row?.n).toBe(row?.m);
        return row?.n;
      };
      for (let n = 0; n < 5; n += 1) await sweep.lost(START_MS + n);
      expect(await kept()).toBe(1);
      for (let n = 1; n <= 300; n += 1) {
        await sessions.touch([], START_MS + n * 10);
        await sweep.lost(START_MS + n * 10 + 5);
      }
      expect(await kept()).toBe(256);
      expect((await sweep.state()).lostAtMs).toBe(START_MS + 3005);
      await sessions.touch([], START_MS + 32 * 86_400_000);
      await sweep.lost(START_MS + 32 * 86_400_000);
      expect(await kept()).toBe(1);
    });

    test('B1 idle time-outs are those of the present policies, in one statement for many tenants', async () => {
      const { sweep } = fixture.record;
      const a = await seedTenant(fixture, { idle_timeout: 90 });
      const b = await seedTenant(fixture, { idle_timeout: 1800 });
      const before = fixture.record.statementCount();
      const found = await sweep.idleTimeouts([a.tid, b.tid, newId()]);
      expect(fixture.record.statementCount() - before).toBe(1);
      expect([...found].toSorted()).toEqual(
        [
          [a.tid, 90],
          [b.tid, 1800],
        ].toSorted(),
      );
      expect(await sweep.idleTimeouts([])).toEqual(new Map());
    });
  });
}
