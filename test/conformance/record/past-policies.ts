import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY } from '../../../src/tenant/policy.ts';
import type { Policy } from '../../../src/tenant/types.ts';
import { commitOne, request } from '../../support/requests.ts';
import {
  byHand,
  openSession,
  present,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const at = (seconds: number): number => START_MS + seconds * 1000;

/** What these tests do with the record of their suite; all times in seconds after `START_MS`. */
export interface PolicyTools {
  readonly fixture: () => RecordFixture;
  put(tid: string, policy: Policy, seconds: number, untilS: number | null): Promise<number | null>;
  stateOf(tid: string, sid: string, seconds: number): Promise<string | undefined>;
  sweptThrough(seconds: number): Promise<void>;
  bareSession(
    ...given: [tid: string, created: number, seen: number, idle: number, absolute: number]
  ): Promise<string>;
}

/** Policies that follow each other: what came to its end under one of them stays expired. */
export function pastPolicyTests(tools: PolicyTools): void {
  const { fixture, put, stateOf, sweptThrough, bareSession } = tools;

  describe('A8 ASVS 7.3.1 what came to its end under a policy stays expired, whoever changes the policy then', () => {
    const short = { ...DEFAULT_POLICY, idle_timeout: 50, absolute_timeout: 60, access_ttl: 30 };
    const other = { ...DEFAULT_POLICY, access_ttl: 30 };
    const past = async (tid: string) =>
      byHand(fixture().database, {
        text: `select p.absolute_s, p.idle_s, extract(epoch from p.until_at - $2::timestamptz)::integer as until_s
                   from sekisho.tenant t, unnest(t.past_absolute_s, t.past_idle_s, t.past_until) p (absolute_s, idle_s, until_at)
                  where t.tid = $1`,
        values: [tid, new Date(START_MS)],
      });

    /** A session that has come to its end when `change` is over, and one that has not; nobody comes by meanwhile. */
    async function across(change: (tid: string) => Promise<void>) {
      const { tid } = await seedTenant(fixture());
      const uid = await seedUser(fixture(), tid);
      const old = await openSession(fixture(), tid, uid, at(0));
      const young = await openSession(fixture(), tid, uid, at(80));
      await change(tid);
      return { tid, uid, old, young };
    }

    test.each([
      ['a short override that another takes the place of', 110, [[other, 110, 500]]],
      ['a short override that a policy takes the place of', 110, [[other, 110, null]]],
      ['a short override that ended by itself', 100, [[other, 150, null]]],
      ['a short override that was ended early', 110, [[DEFAULT_POLICY, 110, null]]],
      ['a policy for good', null, [[DEFAULT_POLICY, 110, null]]],
      ['a policy for good under a longer override', null, [[DEFAULT_POLICY, 110, 2_000]]],
      [
        'a policy of two before',
        null,
        [
          [other, 110, 200],
          [DEFAULT_POLICY, 120, null],
        ],
      ],
    ] as const)('A8 ASVS 7.3.1 %s', async (_, untilS, puts) => {
      const { tid, uid, old, young } = await across(async (one) => {
        await put(one, short, 90, untilS);
        for (const [policy, seconds, end] of puts) await put(one, policy, seconds, end);
      });
      for (const seconds of [151, 550, 1_000]) {
        expect(await stateOf(tid, old.sid, seconds)).toBe('expired');
        expect(await stateOf(tid, young.sid, seconds)).toBe('active');
      }
      // The device cap, lists and authority judge alike; a refresh says why.
      const page = { limit: 10, cursor: null };
      const { sessions } = fixture().record;
      const listed = await sessions.list(tid, uid, 'active', page, at(160));
      expect(listed.map(({ sid }) => sid)).toEqual([young.sid]);
      expect((await present(fixture(), old.token, at(160))).outcome).toMatchObject({
        ...{ kind: 'expired', why: 'absolute', first: true },
      });
      expect((await present(fixture(), young.token, at(160))).outcome.kind).toBe('rotated');
      // Whoever logs in now has nothing to do with what was.
      const begun = await openSession(fixture(), tid, uid, at(160));
      expect(await stateOf(tid, begun.sid, 1_000)).toBe('active');
    });

    test('A8 ASVS 7.3.1 idleness: who was idle stays so; who was seen in time, or later, does not', async () => {
      const { tid } = await seedTenant(fixture());
      const uid = await seedUser(fixture(), tid);
      const { sessions } = fixture().record;
      const idle = await openSession(fixture(), tid, uid, at(0));
      const used = await openSession(fixture(), tid, uid, at(0));
      await sessions.touch([{ tid, sid: used.sid, atMs: at(290) }], at(300));
      await put(tid, { ...DEFAULT_POLICY, idle_timeout: 100, access_ttl: 30 }, 310, 380);
      await put(tid, DEFAULT_POLICY, 350, null);
      expect(await stateOf(tid, idle.sid, 351)).toBe('expired');
      await sessions.touch([{ tid, sid: idle.sid, atMs: at(360) }], at(370));
      expect((await sessions.get(tid, idle.sid, at(370)))?.lastSeenAtMs).toBe(at(0));
      await sweptThrough(1_000);
      expect(await stateOf(tid, used.sid, 1_000)).toBe('active');
      expect(await stateOf(tid, idle.sid, 1_000)).toBe('expired');
    });

    test('A8 nothing is kept that another implies, nor for longer than a session can live', async () => {
      const { tid } = await seedTenant(fixture());
      await put(tid, short, 10, null);
      // Shorter in everything: what expired before is expired by this one, too.
      expect(await past(tid)).toEqual([]);
      for (const seconds of [20, 40, 60]) {
        await put(tid, DEFAULT_POLICY, seconds, null);
        await put(tid, short, seconds + 10, null);
      }
      await put(tid, DEFAULT_POLICY, 80, null);
      expect(await past(tid)).toEqual([{ absolute_s: 60, idle_s: 50, until_s: 80 }]);
      const idler = { ...short, absolute_timeout: 80, idle_timeout: 40 };
      await put(tid, idler, 90, null);
      await put(tid, DEFAULT_POLICY, 100, null);
      expect(await past(tid)).toEqual([
        { absolute_s: 60, idle_s: 50, until_s: 80 },
        { absolute_s: 80, idle_s: 40, until_s: 100 },
      ]);
      // Another field is none of its business.
      await put(tid, { ...DEFAULT_POLICY, max_sessions_per_user: 3 }, 110, null);
      expect(await past(tid)).toHaveLength(2);
      await put(tid, other, 41 * 86_400, null);
      expect(await past(tid)).toEqual([]);
    });

    test('A8 ASVS 15.2.2 a hundred are kept, and no more: longer ones are refused then, shorter ones never', async () => {
      const { tid } = await seedTenant(fixture());
      const lives = (seconds: number) => ({
        ...{ ...short, idle_timeout: 1_000 + seconds, absolute_timeout: 2_000 + seconds },
      });
      const change = (policy: Policy, overrideUntilMs: number | null = null) => {
        return { kind: 'policy_put', tid, policy, overrideUntilMs, ifVersion: null } as const;
      };
      const longer = Array.from({ length: 103 }, (_, n) =>
        request({ nowMs: at(n), change: change(lives(n)) }),
      );
      // Judged one after the other: the first one is shorter than the policy that was there.
      const kinds = (await fixture().record.log.commit(longer)).map(({ kind }) => kind);
      expect(kinds.indexOf('too_many_policies')).toBe(101);
      expect(kinds.slice(101)).toEqual(['too_many_policies', 'too_many_policies']);
      expect(await past(tid)).toHaveLength(100);
      const { policy, version } = (await fixture().record.tenants.policy(tid, at(200))) ?? {};
      expect([policy?.idle_timeout, version]).toEqual([1_100, 102]);
      const tryPut = async (one: Policy, seconds: number, untilS: number | null = null) =>
        commitOne(fixture(), {
          ...{ nowMs: at(seconds), change: change(one, untilS === null ? null : at(untilS)) },
        });
      expect(await tryPut(lives(300), 200, 400)).toEqual({ kind: 'too_many_policies' });
      // What has nothing to do with it, and what is stricter than the present one: for a while, and for good.
      await put(tid, { ...lives(100), max_sessions_per_user: 3 }, 210, null);
      await put(tid, lives(50), 220, null);
      expect((await past(tid)).length).toBeLessThan(100);
      await put(tid, short, 230, null);
      expect(await past(tid)).toEqual([]);
      await put(tid, lives(500), 240, null);
      expect(await past(tid)).toHaveLength(1);
    });
  });

  test('A8 ASVS 7.3.1 whatever policy follows which, sessions end as if somebody watched each second (property)', async () => {
    const seconds = (min: number, max: number) => fc.integer({ min, max });
    const lives = fc.record({ idle: seconds(3, 40), absolute: seconds(3, 60) });
    const change = fc.record({
      ...{ after: seconds(1, 25), lives },
      lasts: fc.option(seconds(1, 40), { nil: null }),
    });
    const scenario = fc.record({
      own: lives,
      changes: fc.array(change, { minLength: 1, maxLength: 6 }),
      sessions: fc.array(
        fc.record({ created: seconds(0, 60), seenAfter: seconds(0, 30), later: seconds(0, 60) }),
        { minLength: 6, maxLength: 6 },
      ),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ own, changes, sessions }) => {
        const { tid } = await seedTenant(fixture(), {
          ...{ idle_timeout: own.idle, absolute_timeout: own.absolute },
        });
        // What is in force from when on: what there is for good, and what overrides it up to when.
        type Lives = typeof own;
        type State = {
          from: number;
          lasting: Lives;
          over: { lives: Lives; until: number } | null;
        };
        const states: State[] = [{ from: 0, lasting: own, over: null }];
        let now = 0;
        for (const { after, lives: next, lasts } of changes) {
          now += after;
          const until = lasts === null ? null : now + lasts;
          const policy = {
            ...{ ...DEFAULT_POLICY, idle_timeout: next.idle, absolute_timeout: next.absolute },
          };
          await put(tid, policy, now, until);
          const lasting = until === null ? next : (states.at(-1)?.lasting ?? own);
          states.push({
            from: now,
            lasting,
            over: until === null ? null : { lives: next, until },
          });
        }
        const stateAt = (t: number): State => {
          const found = states.findLast(({ from }) => from <= t);
          if (found === undefined) throw new Error(`nothing was in force at ${t}`);
          return found;
        };
        const inForce = (t: number): readonly Lives[] => {
          const { lasting, over } = stateAt(t);
          return over !== null && t < over.until ? [over.lives] : [lasting];
        };
        for (const { created, seenAfter, later } of sessions) {
          const seen = created + seenAfter;
          const judgedAt = Math.max(now, seen) + later;
          const atLogin = [stateAt(created).lasting, ...inForce(created)];
          const stamp = (name: 'idle' | 'absolute') => Math.max(...atLogin.map((l) => l[name]));
          const sid = await bareSession(tid, created, seen, stamp('idle'), stamp('absolute'));
          await sweptThrough(judgedAt);
          let ended = false;
          for (let t = created; t <= judgedAt && !ended; t += 0.5) {
            const limits = [{ idle: stamp('idle'), absolute: stamp('absolute') }, ...inForce(t)];
            ended = limits.some(({ idle, absolute }) => t >= created + absolute || seen + idle < t);
          }
          expect([created, seen, judgedAt, await stateOf(tid, sid, judgedAt)]).toEqual([
            ...[created, seen, judgedAt, ended ? 'expired' : 'active'],
          ]);
        }
      }),
      { numRuns: 40 },
    );
  });
}
