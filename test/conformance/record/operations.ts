import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { OperationChange, OverrideValue } from '../../../src/record/operations-contract.ts';
import { tightened } from '../../../src/tenant/login-limit.ts';
import { DEFAULT_POLICY } from '../../../src/tenant/policy.ts';
import type { Policy } from '../../../src/tenant/types.ts';
import { commitOne, committed, ofUser } from '../../support/requests.ts';
import {
  byHand,
  openSession,
  present,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';
import { lifetimesModelTests } from './lifetimes-model.ts';
import { pastPolicyTests } from './past-policies.ts';

const DAY_MS = 86_400_000;
const at = (seconds: number): number => START_MS + seconds * 1000;

/** A change of operators. */
export function putOverride(value: OverrideValue): OperationChange {
  const { kind: override, node, value: what, untilMs } = value;
  const change = { kind: 'override_put', tid: null, id: newId(), by: 'noor' } as const;
  return { ...change, override, node, value: what, untilMs };
}

/** What holds for a while: overrides of a policy, and what operators decide for all tenants. */
export function operationsSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`operations on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });
    beforeEach(async () => {
      await byHand(fixture.database, { text: 'delete from sekisho.override' });
      await sweptThrough(0);
    });

    async function sweptThrough(seconds: number): Promise<void> {
      await byHand(fixture.database, {
        text: `insert into sekisho.sweep (swept_through) values ($1)
               on conflict (only_one) do update set swept_through = excluded.swept_through`,
        values: [new Date(at(seconds))],
      });
    }

    async function ceiling(seconds: Partial<Policy>, fromS: number, untilS: number): Promise<void> {
      const value = { kind: 'lifetimes', node: null, value: seconds, untilMs: at(untilS) } as const;
      await committed(fixture, { nowMs: at(fromS), change: putOverride(value) });
    }

    const stateOf = async (tid: string, sid: string, seconds: number) =>
      (await fixture.record.sessions.get(tid, sid, at(seconds)))?.state;

    async function put(tid: string, policy: Policy, seconds: number, untilS: number | null) {
      const overrideUntilMs = untilS === null ? null : at(untilS);
      const change = { kind: 'policy_put', tid, policy, overrideUntilMs, ifVersion: null } as const;
      return (await committed(fixture, { nowMs: at(seconds), change })).version;
    }

    const tools = { fixture: () => fixture, put, stateOf, sweptThrough, bareSession };
    pastPolicyTests(tools);
    lifetimesModelTests(tools);

    describe('A8 the override of a policy', () => {
      test('A8 it is in force up to its end, and then what was there before, to the millisecond', async () => {
        const { tenants } = fixture.record;
        const { tid } = await seedTenant(fixture);
        const short = { ...DEFAULT_POLICY, access_ttl: 60, max_sessions_per_user: 1 };
        expect(await put(tid, short, 10, 100)).toBe(2);
        const override = { untilMs: at(100), after: DEFAULT_POLICY };
        const before = await tenants.policy(tid, at(100) - 1);
        expect(before).toMatchObject({ policy: short, version: 2, override });
        const after = await tenants.policy(tid, at(100));
        // The same row, another representation: a version of its own (RFC 9110 section 8.8.3).
        expect(after).toMatchObject({ policy: DEFAULT_POLICY, version: 3, override: null });
      });

      test('A8 a second one keeps what is there for good, and one for good takes the place of both', async () => {
        const { tenants } = fixture.record;
        const { tid } = await seedTenant(fixture);
        const [first, second] = [60, 90].map((access_ttl) => ({ ...DEFAULT_POLICY, access_ttl }));
        if (first === undefined || second === undefined) throw new Error('two policies');
        await put(tid, first, 0, 100);
        await put(tid, second, 1, 50);
        expect(await tenants.policy(tid, at(2))).toMatchObject({
          ...{ policy: second, version: 3 },
          override: { untilMs: at(50), after: DEFAULT_POLICY },
        });
        expect(await tenants.policy(tid, at(60))).toMatchObject({ policy: DEFAULT_POLICY });
        // After its end: that end was a version, too.
        expect(await put(tid, first, 70, null)).toBe(5);
        expect(await tenants.policy(tid, at(99))).toMatchObject({ policy: first, override: null });
      });

      test('A8 If-Match: a version from before the end is not the one after it', async () => {
        const { tid } = await seedTenant(fixture);
        await put(tid, { ...DEFAULT_POLICY, access_ttl: 60 }, 0, 100);
        const change = { kind: 'policy_put', tid, policy: DEFAULT_POLICY } as const;
        const late = { nowMs: at(100), change: { ...change, ifVersion: 2 } };
        expect(await commitOne(fixture, late)).toEqual({ kind: 'precondition_failed' });
        const right = { nowMs: at(100), change: { ...change, ifVersion: 3 } };
        expect(await commitOne(fixture, right)).toMatchObject({ kind: 'committed', version: 4 });
      });

      test('A8 sessions that exist end under a shorter one; those that did not live on as before', async () => {
        const { tid } = await seedTenant(fixture);
        const uid = await seedUser(fixture, tid);
        const old = await openSession(fixture, tid, uid, at(0));
        const young = await openSession(fixture, tid, uid, at(80));
        await put(tid, { ...DEFAULT_POLICY, absolute_timeout: 60, idle_timeout: 50 }, 90, 120);
        expect(await stateOf(tid, old.sid, 90)).toBe('expired');
        expect((await present(fixture, old.token, at(95))).outcome.kind).toBe('expired');
        expect(await stateOf(tid, young.sid, 119)).toBe('active');
        const row = await fixture.record.sessions.get(tid, young.sid, at(95));
        expect(row?.expiresAtMs).toBe(at(80 + DEFAULT_POLICY.absolute_timeout));
        expect(await stateOf(tid, young.sid, 1_000)).toBe('active');
        expect(await stateOf(tid, old.sid, 1_000)).toBe('expired');
      });

      test('A8 ASVS 7.4.1 what a longer one allowed ends with it, tokens too, without another word', async () => {
        const policy = { access_ttl: 60, idle_timeout: 100, absolute_timeout: 200 };
        const { tid } = await seedTenant(fixture, policy);
        const uid = await seedUser(fixture, tid);
        const long = { ...DEFAULT_POLICY, access_ttl: 900, absolute_timeout: 5_000 };
        await put(tid, long, 0, 1_000);
        const { sid, token } = await openSession(fixture, tid, uid, at(10));
        const { outcome, live } = await present(fixture, token, at(500));
        if (outcome.kind !== 'rotated' || live === null) throw new Error(outcome.kind);
        expect(outcome.mint.policy.access_ttl).toBe(500);
        expect(outcome.mint.session.expiresAtMs).toBe(at(1_000));
        const late = await present(fixture, live, at(970));
        if (late.outcome.kind !== 'rotated') throw new Error(late.outcome.kind);
        // As long as the next policy would have it.
        expect(late.outcome.mint.policy.access_ttl).toBe(60);
        expect(await stateOf(tid, sid, 999)).toBe('active');
        expect(await stateOf(tid, sid, 1_000)).toBe('expired');
        const begun = await openSession(fixture, tid, uid, at(990));
        expect(await stateOf(tid, begun.sid, 1_100)).toBe('active');
        expect(await stateOf(tid, begun.sid, 1_190)).toBe('expired');
      });
    });

    describe('A8 lifetimes of all tenants', () => {
      test('A8 a ceiling holds for every tenant and every session, and for whoever logs in meanwhile', async () => {
        const [here, there] = [await seedTenant(fixture), await seedTenant(fixture)];
        const opened = [];
        for (const { tid } of [here, there]) {
          opened.push({
            tid,
            ...(await openSession(fixture, tid, await seedUser(fixture, tid), at(0))),
          });
        }
        await ceiling({ access_ttl: 40, absolute_timeout: 600 }, 700, 10_000);
        for (const { tid, sid, token } of opened) {
          expect(await stateOf(tid, sid, 700)).toBe('expired');
          expect((await present(fixture, token, at(701))).outcome.kind).toBe('expired');
        }
        const { tid } = here;
        const uid = await seedUser(fixture, tid);
        const begun = await openSession(fixture, tid, uid, at(800));
        expect(begun.row.expiresAtMs).toBe(at(1_400));
        const facts = await fixture.record.sessions.subjectFacts(tid, uid, at(800));
        expect(facts.policy).toMatchObject({ access_ttl: 40, absolute_timeout: 600 });
        const refreshed = await present(fixture, begun.token, at(900));
        if (refreshed.outcome.kind !== 'rotated') throw new Error(refreshed.outcome.kind);
        expect(refreshed.outcome.mint.policy.access_ttl).toBe(40);
      });

      test('A8 when it ends nothing dies: what lives has its own life again, what expired stays expired', async () => {
        const { tid } = await seedTenant(fixture);
        const uid = await seedUser(fixture, tid);
        const old = await openSession(fixture, tid, uid, at(0));
        const young = await openSession(fixture, tid, uid, at(900));
        await ceiling({ absolute_timeout: 600 }, 1_000, 1_200);
        expect(await stateOf(tid, old.sid, 1_001)).toBe('expired');
        expect(await stateOf(tid, young.sid, 1_199)).toBe('active');
        expect(await stateOf(tid, young.sid, 50_000)).toBe('active');
        expect(await stateOf(tid, old.sid, 1_300)).toBe('expired');
        const facts = await fixture.record.sessions.subjectFacts(tid, uid, at(1_200));
        expect(facts.policy).toEqual(DEFAULT_POLICY);
      });

      test('A8 idleness: a shorter limit ends who was idle; last-seen moves nobody back to life', async () => {
        const { tid } = await seedTenant(fixture);
        const uid = await seedUser(fixture, tid);
        const idle = await openSession(fixture, tid, uid, at(0));
        const used = await openSession(fixture, tid, uid, at(0));
        const { sessions } = fixture.record;
        await sessions.touch([{ tid, sid: used.sid, atMs: at(290) }], at(300));
        await ceiling({ idle_timeout: 100 }, 310, 350);
        expect(await stateOf(tid, idle.sid, 311)).toBe('expired');
        expect(await stateOf(tid, used.sid, 311)).toBe('active');
        await sessions.touch([{ tid, sid: idle.sid, atMs: at(320) }], at(330));
        expect((await sessions.get(tid, idle.sid, at(330)))?.lastSeenAtMs).toBe(at(0));
        await sweptThrough(1_000);
        // Idle for longer than the ceiling, but not while it was in force.
        expect(await stateOf(tid, used.sid, 1_000)).toBe('active');
        expect(await stateOf(tid, idle.sid, 1_000)).toBe('expired');
      });

      test('A8 the next one takes the place of the one before, and clearing ends it; each counted until then', async () => {
        const { tid } = await seedTenant(fixture);
        const uid = await seedUser(fixture, tid);
        const read = async (seconds: number) =>
          (await fixture.record.sessions.subjectFacts(tid, uid, at(seconds))).policy?.access_ttl;
        const { sid } = await openSession(fixture, tid, uid, at(0));
        await ceiling({ access_ttl: 30, absolute_timeout: 100 }, 150, 10_000);
        await ceiling({ access_ttl: 90 }, 200, 10_000);
        expect(await read(201)).toBe(90);
        expect(await stateOf(tid, sid, 201)).toBe('expired');
        const end = { kind: 'override_end', tid: null, by: 'noor', override: 'lifetimes' } as const;
        const change = { ...end, node: null };
        await committed(fixture, { nowMs: at(300), change });
        expect(await read(300)).toBe(DEFAULT_POLICY.access_ttl);
        expect(await commitOne(fixture, { nowMs: at(301), change })).toEqual({ kind: 'not_found' });
      });

      test('A8 one that replaces another is refused where that one is replaced, cleared or over by then', async () => {
        const put = { kind: 'lifetimes', node: null, value: { access_ttl: 60 } } as const;
        const first = putOverride({ ...put, untilMs: at(100) });
        if (first.kind !== 'override_put') throw new Error(first.kind);
        const next = (seconds: number, replaces: string) =>
          commitOne(fixture, {
            nowMs: at(seconds),
            change: { ...putOverride({ ...put, untilMs: at(200) }), replaces } as OperationChange,
          });
        await committed(fixture, { nowMs: at(0), change: first });
        expect(await next(10, newId())).toEqual({ kind: 'precondition_failed' });
        expect(await next(100, first.id)).toEqual({ kind: 'precondition_failed' });
        expect(await next(50, first.id)).toMatchObject({ kind: 'committed' });
        expect(await next(51, first.id)).toEqual({ kind: 'precondition_failed' });
        expect((await fixture.record.operations.state(at(60))).overrides).toHaveLength(1);
      });

      test('A8 an access token never lives longer than a session may be idle', async () => {
        const { tid } = await seedTenant(fixture);
        const uid = await seedUser(fixture, tid);
        await ceiling({ idle_timeout: 45 }, 0, 100);
        const facts = await fixture.record.sessions.subjectFacts(tid, uid, at(1));
        expect(facts.policy).toMatchObject({ access_ttl: 45, idle_timeout: 45 });
      });
    });

    /** A session by hand: when it was made and seen, and what it was given for its life, in seconds. */
    async function bareSession(
      tid: string,
      created: number,
      seen: number,
      idle: number,
      absolute: number,
    ): Promise<string> {
      const sid = newId();
      await byHand(fixture.database, {
        text: `insert into sekisho.session
            (tid, sid, uid, amr, auth_time, created_at, last_seen_at, idle_timeout_s, absolute_end_at,
             generation, epoch, current_hash, issued_at, successor_hash, successor_key_id)
          values ($1, $2, 'u', '{pwd}', $3, $3, $4, $5, $6, 'g', 1000000, '\\x00', $3, '\\x01', 'k')`,
        values: [
          ...[tid, sid, new Date(at(created)), new Date(at(seen)), idle],
          new Date(at(created + absolute)),
        ],
      });
      return sid;
    }

    test('A8 whatever is put in force when, sessions end as if somebody watched each second (property)', async () => {
      const seconds = (min: number, max: number) => fc.integer({ min, max });
      const lives = fc.record({ idle: seconds(3, 40), absolute: seconds(3, 60) });
      const spell = fc.record({ begun: seconds(0, 60), lasts: seconds(1, 60), lives });
      const scenario = fc.record({
        own: lives,
        override: fc.option(spell, { nil: null }),
        ceilings: fc.array(spell, { maxLength: 3 }),
        sessions: fc.array(
          fc.record({ created: seconds(0, 60), seenAfter: seconds(0, 30), later: seconds(0, 60) }),
          { minLength: 6, maxLength: 6 },
        ),
      });
      await fc.assert(
        fc.asyncProperty(scenario, async ({ own, override, ceilings, sessions }) => {
          const { tid } = await seedTenant(fixture, {
            idle_timeout: own.idle,
            absolute_timeout: own.absolute,
          });
          await byHand(fixture.database, { text: 'delete from sekisho.override' });
          if (override !== null) {
            const { begun, lasts } = override;
            await byHand(fixture.database, {
              text: `update sekisho.tenant set override_policy = policy || $2, override_until = $3 where tid = $1`,
              values: [tid, livesJson(override.lives), new Date(at(begun + lasts))],
            });
          }
          for (const { begun, lasts, lives: value } of ceilings) {
            await byHand(fixture.database, {
              text: `insert into sekisho.override (id, kind, value, set_by, begun_at, until_at)
                     values ($1, 'lifetimes', $2, 'noor', $3, $4)`,
              values: [newId(), livesJson(value), new Date(at(begun)), new Date(at(begun + lasts))],
            });
          }
          // Whoever judges does so when all of it has begun.
          const allBegun = Math.max(0, ...ceilings.map(({ begun }) => begun), override?.begun ?? 0);
          for (const { created, seenAfter, later } of sessions) {
            const now = Math.max(allBegun, created + seenAfter) + later;
            const seen = created + seenAfter;
            // As the policy was at login: the longest of what it may have.
            const during =
              override !== null &&
              created >= override.begun &&
              created < override.begun + override.lasts;
            const stamp = (name: 'idle' | 'absolute') =>
              Math.max(own[name], during ? override.lives[name] : 0);
            const sid = await bareSession(tid, created, seen, stamp('idle'), stamp('absolute'));
            await sweptThrough(now);
            let ended = false;
            const holds = ({ begun, lasts }: { begun: number; lasts: number }, t: number) =>
              t >= begun && t < begun + lasts;
            for (let t = created; t <= now && !ended; t += 0.5) {
              const inForce = [
                { idle: stamp('idle'), absolute: stamp('absolute') },
                override !== null && holds(override, t) ? override.lives : own,
                ...ceilings.filter((one) => holds(one, t)).map((one) => one.lives),
              ];
              ended = inForce.some(
                ({ idle, absolute }) => t >= created + absolute || seen + idle < t,
              );
            }
            expect([created, seen, now, await stateOf(tid, sid, now)]).toEqual([
              ...[created, seen, now, ended ? 'expired' : 'active'],
            ]);
          }
        }),
        { numRuns: 25 },
      );
    });

    describe('A8 login limits of all tenants', () => {
      test('A8 ASVS 6.3.1 they are read with the credentials, of tenants that do not exist, too', async () => {
        const { tid, slug } = await seedTenant(fixture);
        const uid = await seedUser(fixture, tid);
        const limits = { account_attempts: 3, max_wait: 1_800, address_attempts: 5_000 };
        const value = { kind: 'limits', node: null, value: limits, untilMs: at(60) } as const;
        await committed(fixture, { nowMs: at(0), change: putOverride(value) });
        const { sessions, tenants } = fixture.record;
        const expected = { ...DEFAULT_POLICY.login_limit, account_attempts: 3, max_wait: 1_800 };
        const facts = await sessions.subjectFacts(tid, uid, at(1));
        expect(facts.policy?.login_limit).toEqual(expected);
        expect((await tenants.policy(tid, at(1)))?.loginLimit).toEqual(expected);
        expect((await tenants.policy(tid, at(1)))?.policy).toEqual(DEFAULT_POLICY);
        expect((await sessions.loginFacts(slug, 'a@b', at(1))).limits).toEqual(limits);
        expect(await sessions.loginFacts('nowhere', 'a@b', at(1))).toMatchObject({
          ...{ tenant: null, policy: null, limits },
        });
        expect((await sessions.loginFacts('nowhere', 'a@b', at(60))).limits).toBeNull();
        expect((await tenants.policy(tid, at(60)))?.loginLimit).toEqual(DEFAULT_POLICY.login_limit);
      });

      test('A8 the tighter one counts, in the record as here (property)', async () => {
        const part = fc.option(fc.integer({ min: 1, max: 1_000 }), { nil: undefined });
        const limits = fc.record({
          ...{ account_attempts: part, account_window: part, max_wait: part },
          ...{ address_attempts: part, address_window: part },
        });
        await fc.assert(
          fc.asyncProperty(limits, async (given) => {
            const some = JSON.parse(JSON.stringify(given));
            const [row] = await byHand(fixture.database, {
              text: 'select sekisho.tighter_limit($1, $2) as limit',
              values: [JSON.stringify(DEFAULT_POLICY.login_limit), JSON.stringify(some)],
            });
            expect(row?.limit).toEqual(tightened(DEFAULT_POLICY.login_limit, some));
          }),
          { numRuns: 30 },
        );
      });
    });

    test('A8 the state tells what is in force, who decided it, and which members know', async () => {
      const { operations } = fixture.record;
      const { version } = await operations.state(at(0));
      const level = { kind: 'log_level', value: { level: 'debug' } } as const;
      const all = putOverride({ ...level, node: null, untilMs: null });
      await committed(fixture, { nowMs: at(0), change: all });
      await committed(fixture, {
        nowMs: at(1),
        change: putOverride({ ...level, node: 'n1', untilMs: at(5) }),
      });
      await operations.see('n1', version + 1, 'debug');
      expect(await operations.state(at(2))).toMatchObject({
        version: version + 2,
        pause: null,
        overrides: [
          { kind: 'log_level', node: null, by: 'noor', begunAtMs: at(0), untilMs: null },
          { kind: 'log_level', node: 'n1', value: { level: 'debug' }, untilMs: at(5) },
        ],
        seen: { n1: { version: version + 1, logLevel: 'debug' } },
      });
      expect((await operations.state(at(5))).overrides).toHaveLength(1);
      const pause = { kind: 'cleanup_pause', tid: null, by: 'noor', paused: true } as const;
      await committed(fixture, { nowMs: at(6), change: pause });
      expect((await operations.state(at(7))).pause).toEqual({ by: 'noor', atMs: at(6) });
      expect((await fixture.record.sweep.state()).paused).toBe(true);
      expect(await fixture.record.cleanup.claim('n1', 1_000, 0)).toEqual({ kind: 'paused' });
      // A program's own: nobody is named.
      await fixture.record.sweep.pause(false);
      expect((await operations.state(at(8))).pause).toBeNull();
      // What members left that are gone goes when the next one says something.
      await operations.see('n2', version, null);
      expect(Object.keys((await operations.state(at(9))).seen)).toEqual(['n2']);
    });

    test('A3 clean-up is shared: claimed, kept, given up, taken from a node that died', async () => {
      const { cleanup } = fixture.record;
      const first = await cleanup.claim('n1', 60_000, 0);
      if (first.kind !== 'claimed') throw new Error(first.kind);
      expect(await cleanup.claim('n2', 60_000, 0)).toEqual({ kind: 'held', holder: 'n1' });
      const progress = { sessions: { removed: 100, left: 900 } };
      expect(await cleanup.renew(first.run, 60_000, progress)).toBe(true);
      expect(await cleanup.state()).toMatchObject({ run: first.run, holder: 'n1', progress });
      await cleanup.release(first.run, false, progress);
      expect((await cleanup.state()).holder).toBeNull();
      const second = await cleanup.claim('n2', 0, 0);
      if (second.kind !== 'claimed') throw new Error(second.kind);
      expect(await cleanup.renew(first.run, 60_000, progress)).toBe(false);
      // It stopped without a word: its claim is over.
      expect((await cleanup.claim('n3', 60_000, 0)).kind).toBe('claimed');
      await cleanup.release(second.run + 1, true, {});
      expect(await cleanup.claim('n1', 60_000, 3_600_000)).toEqual({ kind: 'early' });
    });

    test('A3 FORGET old entries and operations go; what nodes take in and duplicates need stays', async () => {
      const { cleanup, maintenance, log } = fixture.record;
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const ids = Array.from({ length: 6 }, () => newId());
      for (const [index, operationId] of ids.entries()) {
        const nowMs = at(0) + (index < 4 ? -100 : 0) * DAY_MS;
        await committed(fixture, { operationId, revoke: [ofUser(tid, uid)], nowMs });
      }
      const beforeMs = at(0) - 90 * DAY_MS;
      // Above the horizon nothing goes, however old it is.
      expect(await cleanup.clean('entries', beforeMs, null, 10)).toMatchObject({ removed: 0 });
      await maintenance.forgetLog(at(0) - DAY_MS);
      expect(await cleanup.left('entries', beforeMs)).toBe(4);
      const first = await cleanup.clean('entries', beforeMs, null, 3);
      expect(first.removed).toBe(3);
      expect(await cleanup.clean('entries', beforeMs, first.after, 3)).toMatchObject({
        removed: 1,
      });
      const left = await log.list(tid, { limit: 10, cursor: null });
      expect(left.map(({ operationId }) => operationId)).toEqual([ids[5], ids[4]]);
      // The operation of an entry that is gone is known all the same: it does not happen again.
      const again = { operationId: ids[0] ?? '', revoke: [ofUser(tid, uid)] };
      expect(await commitOne(fixture, again)).toMatchObject({ kind: 'duplicate', row: null });
      expect((await log.operation(tid, ids[0] ?? '')).kind).toBe('committed');
      expect(await cleanup.clean('operations', beforeMs, null, 100)).toMatchObject({ removed: 4 });
      expect((await log.operation(tid, ids[0] ?? '')).kind).toBe('unknown');
      expect((await log.operation(tid, ids[5] ?? '')).kind).toBe('committed');
    });

    test('A3 batches go on where the last one ended; what is locked is left for the next run', async () => {
      const { cleanup } = fixture.record;
      await byHand(fixture.database, {
        text: `insert into sekisho.used_ticket select 't', 'j' || n, $1::timestamptz - n * interval '1 s'
                 from generate_series(1, 2500) n`,
        values: [new Date(START_MS)],
      });
      const counted = await cleanup.left('tickets', START_MS);
      // Counted where they are few; an estimate says at least that they are more.
      expect(counted).toBeGreaterThan(1_000);
      let after: string | null = null;
      let removed = 0;
      const seen: (string | null)[] = [];
      for (let batches = 0; batches < 30; batches += 1) {
        const batch: { removed: number; after: string | null } = await cleanup.clean(
          ...(['tickets', START_MS, after, 100] as const),
        );
        removed += batch.removed;
        if (batch.removed === 0) break;
        expect(
          after === null || batch.after === null || Date.parse(batch.after) > Date.parse(after),
        ).toBe(true);
        after = batch.after;
        seen.push(after);
      }
      expect([removed, seen.length]).toEqual([2_500, 25]);
      expect(await cleanup.left('tickets', START_MS)).toBe(0);
    });

    test('A3 overrides that nobody can depend on any more go, and no others', async () => {
      const { cleanup } = fixture.record;
      await ceiling({ access_ttl: 60 }, 0, 10);
      await ceiling({ access_ttl: 60 }, 20, 1_000);
      expect(await cleanup.left('overrides', at(15))).toBe(1);
      expect(await cleanup.clean('overrides', at(15), null, 10)).toMatchObject({ removed: 1 });
      expect((await fixture.record.operations.state(at(21))).overrides).toHaveLength(1);
    });
  });
}

function livesJson({
  idle,
  absolute,
}: {
  readonly idle: number;
  readonly absolute: number;
}): string {
  return JSON.stringify({ idle_timeout: idle, absolute_timeout: absolute });
}
