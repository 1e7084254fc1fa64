import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenOutcome } from '../../../src/record/contract.ts';
import {
  behindLock,
  byHand,
  newSession,
  openSession,
  present,
  type RecordFixture,
  raiseFloor,
  START_MS,
  seedTenant,
  seedUser,
  setPolicy,
} from '../../support/seed.ts';
import { isAliveBy } from '../../support/session-life.ts';

const ALL = { limit: 200, cursor: null };
const MINUTE_MS = 60_000;

/** How sessions begin: EPOCH and MINT of a login, and the device cap. */
export function deviceCapSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`opening sessions on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function alive(tid: string, uid: string, nowMs: number = START_MS): Promise<string[]> {
      const rows = await fixture.record.sessions.list(tid, uid, 'active', ALL, nowMs);
      return rows.map((row) => row.sid).sort();
    }

    async function logIn(
      tid: string,
      uid: string,
      nowMs: number,
      endSids: readonly string[] = [],
    ): Promise<OpenOutcome> {
      const { head } = await fixture.record.sessions.subjectFacts(tid, uid, START_MS);
      const { session } = newSession(tid, uid, head, nowMs);
      return fixture.record.sessions.open(tid, { ...session, endSids });
    }

    test('B1 B13 ASVS 7.2.4 a login reads tenant, policy, user, hash and head together', async () => {
      const tenant = await seedTenant(fixture, { max_sessions_per_user: 7 });
      const uid = await seedUser(fixture, tenant.tid, {
        email: 'ann@example.test',
        roles: ['admin', 'clerk'],
        passwordHash: 'hash',
      });
      const { sessions } = fixture.record;
      const head = await raiseFloor(fixture, { tid: tenant.tid, uid });
      const facts = await sessions.loginFacts(tenant.slug, 'ann@example.test', START_MS);
      expect(facts).toMatchObject({
        head,
        identityAgrees: true,
        tenant: { tid: tenant.tid, slug: tenant.slug, status: 'active' },
        policy: { max_sessions_per_user: 7 },
        user: { uid, email: 'ann@example.test', roles: ['admin', 'clerk'], status: 'active' },
        passwordHash: 'hash',
      });
      expect(await sessions.subjectFacts(tenant.tid, uid, START_MS)).toEqual(facts);
      expect(await sessions.loginFacts(tenant.slug, 'bob@example.test', START_MS)).toMatchObject({
        head,
        tenant: { tid: tenant.tid },
        user: null,
        passwordHash: null,
      });
      const nobody = { head, identityAgrees: true, tenant: null, policy: null, user: null };
      expect(await sessions.loginFacts('nowhere', 'ann@example.test', START_MS)).toMatchObject(
        nobody,
      );
      expect(await sessions.subjectFacts('nowhere', uid, START_MS)).toMatchObject(nobody);
    });

    test('B2 a session is opened with the epoch of its credentials and can be minted from', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { roles: ['clerk'] });
      const { sessions, audit } = fixture.record;
      const { head: epoch } = await sessions.subjectFacts(tid, uid, START_MS);
      const head = await raiseFloor(fixture, { tid: (await seedTenant(fixture)).tid });
      const { session } = newSession(tid, uid, epoch, START_MS);
      const outcome = await sessions.open(tid, session);
      expect(outcome).toMatchObject({
        kind: 'opened',
        evicted: [],
        mint: {
          head,
          user: { uid, roles: ['clerk'], lastLoginAtMs: START_MS },
          session: {
            sid: session.sid,
            uid,
            deviceName: 'Phone',
            generation: epoch.generation,
            epoch: epoch.position,
            rot: 0,
            state: 'active',
            amr: ['pwd'],
            createdAtMs: START_MS,
            lastSeenAtMs: START_MS,
            authTimeMs: START_MS,
            expiresAtMs: START_MS + 86_400_000,
          },
        },
      });
      expect(await audit.list(tid, {}, ALL)).toEqual([{ ...session.audit[0] }]);
    });

    test('a text that no database keeps (NUL, half a surrogate pair) never fails a login', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const { head } = await fixture.record.sessions.subjectFacts(tid, uid, START_MS);
      const { session } = newSession(tid, uid, head, START_MS);
      const odd = 'a\0b\uD800';
      const outcome = await fixture.record.sessions.open(tid, {
        ...session,
        deviceName: odd,
        userAgent: odd,
        audit: session.audit.map((event) => ({ ...event, userAgent: odd, detail: { odd } })),
      });
      expect(outcome).toMatchObject({ mint: { session: { userAgent: 'a\uFFFDb\uFFFD' } } });
      const [event] = await fixture.record.audit.list(tid, {}, ALL);
      expect(event?.detail).toEqual({ odd: 'a\uFFFDb\uFFFD' });
    });

    test.each([
      ['user', (tid: string, uid: string) => ({ tid, uid })],
      ['tenant', (tid: string) => ({ tid })],
      ['all', () => ({ tid: null })],
    ])(
      'EPOCH ASVS 7.4.1 a floor of scope %s that came after the credentials were read wins',
      async (_, floor) => {
        const { tid } = await seedTenant(fixture);
        const uid = await seedUser(fixture, tid);
        const { sessions } = fixture.record;
        const { head } = await sessions.subjectFacts(tid, uid, START_MS);
        await raiseFloor(fixture, floor(tid, uid));
        const late = newSession(tid, uid, head, START_MS);
        expect(await sessions.open(tid, late.session)).toEqual({ kind: 'superseded' });
        expect(await sessions.get(tid, late.session.sid, START_MS)).toBeNull();
        expect((await logIn(tid, uid, START_MS)).kind).toBe('opened');
      },
    );

    test('ASVS 7.4.2 MINT nobody logs in who was disabled or deleted, or whose tenant is suspended', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const values = [tid, uid];
      const set = (status: string) =>
        byHand(fixture.database, {
          text: `update sekisho.tenant_user set status = '${status}' where tid = $1 and uid = $2`,
          values,
        });
      await set('disabled');
      expect(await logIn(tid, uid, START_MS)).toEqual({ kind: 'superseded' });
      await set('active');
      expect((await logIn(tid, uid, START_MS)).kind).toBe('opened');
      const suspend = "update sekisho.tenant set status = 'suspended' where tid = $1";
      await byHand(fixture.database, { text: suspend, values: [tid] });
      expect(await logIn(tid, uid, START_MS)).toEqual({ kind: 'superseded' });
      const remove = 'delete from sekisho.tenant_user where tid = $1 and uid = $2';
      await byHand(fixture.database, { text: remove, values });
      expect(await logIn(tid, uid, START_MS)).toEqual({ kind: 'superseded' });
      expect(await logIn('nowhere', uid, START_MS)).toEqual({ kind: 'superseded' });
    });

    test('MINT GENERATION a login starts over when its generation is over, or the server is another', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const { sessions } = fixture.record;
      const { head } = await sessions.subjectFacts(tid, uid, START_MS);
      const { session, token } = newSession(tid, uid, { ...head, generation: 'before' }, START_MS);
      expect(await sessions.open(tid, session)).toEqual({ kind: 'generation_changed' });
      const known = await openSession(fixture, tid, uid);
      const [{ identity }] = (await byHand(fixture.database, {
        text: 'select identity from sekisho.head',
      })) as [{ identity: string }];
      const setIdentity = { text: 'update sekisho.head set identity = $1' };
      await byHand(fixture.database, { ...setIdentity, values: ['another server'] });
      try {
        expect(await sessions.subjectFacts(tid, uid, START_MS)).toMatchObject({
          identityAgrees: false,
          head,
        });
        const changed = { kind: 'identity_changed', head };
        expect(await sessions.open(tid, { ...session, epoch: head })).toEqual(changed);
        expect((await present(fixture, known.token, START_MS)).outcome).toEqual(changed);
        expect((await present(fixture, token, START_MS)).live).toBeNull();
      } finally {
        await byHand(fixture.database, { ...setIdentity, values: [identity] });
      }
      expect(await alive(tid, uid)).toEqual([known.sid]);
      expect((await present(fixture, known.token, START_MS)).outcome.kind).toBe('rotated');
    });

    test('B13 ASVS 7.1.2 reject: the login above the cap is told which sessions there are', async () => {
      const { tid } = await seedTenant(fixture, {
        max_sessions_per_user: 2,
        on_session_limit: 'reject',
      });
      const uid = await seedUser(fixture, tid);
      const first = await openSession(fixture, tid, uid);
      const second = await openSession(fixture, tid, uid, START_MS + 1);
      const outcome = await logIn(tid, uid, START_MS + 2);
      expect(outcome).toMatchObject({
        kind: 'session_limit_reached',
        sessions: [{ sid: first.sid }, { sid: second.sid }],
        surplus: 1,
      });
      await raiseFloor(fixture, { tid, uid, sparedSid: second.sid });
      expect((await logIn(tid, uid, START_MS + 3)).kind).toBe('opened');
      const other = await seedUser(fixture, tid);
      expect((await logIn(tid, other, START_MS + 3)).kind).toBe('opened');
    });

    test('B13 ASVS 7.1.2 reject: the session that was chosen ends with the login that takes its place', async () => {
      const { tid } = await seedTenant(fixture, {
        max_sessions_per_user: 2,
        on_session_limit: 'reject',
      });
      const uid = await seedUser(fixture, tid);
      const stays = await openSession(fixture, tid, uid);
      const goes = await openSession(fixture, tid, uid, START_MS + 1);
      const outcome = await logIn(tid, uid, START_MS + 2, [goes.sid]);
      if (outcome.kind !== 'opened') throw new Error(outcome.kind);
      expect(outcome.evicted).toMatchObject([{ scope: 'session', tid, uid, sid: goes.sid }]);
      expect(await alive(tid, uid)).toEqual([stays.sid, outcome.mint.session.sid].sort());
      expect((await present(fixture, goes.token, START_MS + 3)).outcome.kind).toBe('revoked');
      const [event, ...others] = await fixture.record.audit.list(
        tid,
        { action: 'excess_sessions_exceeded' },
        ALL,
      );
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        outcome: 'success',
        actor: { kind: 'user', uid },
        subject: { id: goes.sid },
        detail: { chosen: true, opened: outcome.mint.session.sid },
      });
    });

    test('B1 B13 ASVS 7.1.2 reject: a foreign, dead or made-up session changes nothing', async () => {
      const policy = { max_sessions_per_user: 1, on_session_limit: 'reject' } as const;
      const { tid } = await seedTenant(fixture, policy);
      const uid = await seedUser(fixture, tid);
      const dead = await openSession(fixture, tid, uid);
      await raiseFloor(fixture, { tid, uid });
      const mine = await openSession(fixture, tid, uid, START_MS + 1);
      const neighbour = await seedUser(fixture, tid);
      const beside = await openSession(fixture, tid, neighbour);
      const elsewhere = await seedTenant(fixture, policy);
      const stranger = await seedUser(fixture, elsewhere.tid);
      const foreign = await openSession(fixture, elsewhere.tid, stranger);
      const { head } = await fixture.record.sessions.subjectFacts(tid, uid, START_MS);
      for (const sid of [dead.sid, beside.sid, foreign.sid, 'nothing', 'nothing\0']) {
        const outcome = await logIn(tid, uid, START_MS + 2, [sid]);
        expect(outcome).toMatchObject({
          kind: 'session_limit_reached',
          sessions: [{ sid: mine.sid }],
        });
      }
      expect((await fixture.record.sessions.subjectFacts(tid, uid, START_MS)).head).toEqual(head);
      expect(await alive(tid, uid)).toEqual([mine.sid]);
      expect(await alive(tid, neighbour)).toEqual([beside.sid]);
      expect(await alive(elsewhere.tid, stranger)).toEqual([foreign.sid]);
    });

    test('B13 ASVS 7.1.2 as many chosen sessions end as it takes, and none while there is room', async () => {
      const { tid } = await seedTenant(fixture, {
        max_sessions_per_user: 4,
        on_session_limit: 'reject',
      });
      const uid = await seedUser(fixture, tid);
      const [a, b, c] = await Promise.all([1, 2, 3].map(() => openSession(fixture, tid, uid)));
      if (a === undefined || b === undefined || c === undefined) throw new Error('three');
      const roomy = await logIn(tid, uid, START_MS + 1, [a.sid]);
      expect(roomy).toMatchObject({ kind: 'opened', evicted: [] });
      // The policy was lowered: one is not enough, and then not even that one ends.
      await setPolicy(fixture, tid, { max_sessions_per_user: 3 });
      expect(await logIn(tid, uid, START_MS + 2, [a.sid])).toMatchObject({
        kind: 'session_limit_reached',
        surplus: 2,
      });
      expect(await alive(tid, uid)).toHaveLength(4);
      const enough = await logIn(tid, uid, START_MS + 3, [c.sid, 'nothing', a.sid, b.sid]);
      expect(enough).toMatchObject({ kind: 'opened', evicted: [{ sid: c.sid }, { sid: a.sid }] });
      expect(await alive(tid, uid)).toContain(b.sid);
      // Where the oldest would go, the chosen one goes in its place.
      await setPolicy(fixture, tid, { on_session_limit: 'revoke_oldest' });
      const newest = enough.kind === 'opened' ? enough.mint.session.sid : '';
      expect(await logIn(tid, uid, START_MS + 4, [newest])).toMatchObject({
        kind: 'opened',
        evicted: [{ sid: newest }],
      });
    });

    test('A7 B13 ASVS 7.1.2 of many parallel logins that choose the same session one takes its place', async () => {
      const { tid } = await seedTenant(fixture, {
        max_sessions_per_user: 1,
        on_session_limit: 'reject',
      });
      const uid = await seedUser(fixture, tid);
      const { sid } = await openSession(fixture, tid, uid);
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () => logIn(tid, uid, START_MS + 1, [sid])),
      );
      expect(outcomes.filter(({ kind }) => kind === 'opened')).toHaveLength(1);
      expect(await alive(tid, uid, START_MS + 1)).toHaveLength(1);
    });

    test('B13 ASVS 7.1.2 revoke_oldest: the ones seen longest ago end, each with an entry of the log', async () => {
      const { tid } = await seedTenant(fixture, { max_sessions_per_user: 3 });
      const uid = await seedUser(fixture, tid);
      const one = await openSession(fixture, tid, uid, START_MS);
      const two = await openSession(fixture, tid, uid, START_MS + 1);
      const three = await openSession(fixture, tid, uid, START_MS + 2);
      const { sessions, audit } = fixture.record;
      // Seen again, so it is not the oldest any more.
      await sessions.touch([{ tid, sid: one.sid, atMs: START_MS + 10 }], 0);
      await setPolicy(fixture, tid, { max_sessions_per_user: 2 });
      const { head: before } = await sessions.subjectFacts(tid, uid, START_MS);
      const outcome = await logIn(tid, uid, START_MS + 20);
      if (outcome.kind !== 'opened') throw new Error(outcome.kind);
      expect(outcome.evicted).toMatchObject(
        [two, three].map((evicted, index) => ({
          generation: before.generation,
          position: before.position + 1 + index,
          scope: 'session',
          tid,
          uid,
          sid: evicted.sid,
          sparedSid: null,
        })),
      );
      expect(outcome.mint.head).toEqual({ ...before, position: before.position + 2 });
      expect(outcome.mint.session.epoch).toBe(before.position);
      expect(await alive(tid, uid)).toEqual([one.sid, outcome.mint.session.sid].sort());
      for (const evicted of [two, three]) {
        expect((await present(fixture, evicted.token, START_MS + 21)).outcome.kind).toBe('revoked');
      }
      const events = await audit.list(tid, { action: 'excess_sessions_exceeded' }, ALL);
      expect(events.map((event) => event.subject?.id).sort()).toEqual([two.sid, three.sid].sort());
      const rows = await byHand(fixture.database, {
        text: `select r.position, r.reason, o.outcome from sekisho.revocation r join sekisho.operation o
          on o.id = r.operation_id where r.tid = $1 order by r.position`,
        values: [tid],
      });
      expect(rows).toMatchObject([
        { position: before.position + 1, reason: 'session_limit', outcome: 'committed' },
        { position: before.position + 2, reason: 'session_limit', outcome: 'committed' },
      ]);
    });

    test('A7 B13 ASVS 7.1.2 fifty parallel logins leave exactly as many sessions as the cap', async () => {
      const { tid } = await seedTenant(fixture, { max_sessions_per_user: 3 });
      const uid = await seedUser(fixture, tid);
      const { head } = await fixture.record.sessions.subjectFacts(tid, uid, START_MS);
      const user = {
        text: 'select 1 from sekisho.tenant_user where tid = $1 and uid = $2 for share',
        values: [tid, uid],
      };
      const outcomes = await behindLock(fixture, user, () =>
        Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            fixture.record.sessions.open(tid, newSession(tid, uid, head, START_MS + index).session),
          ),
        ),
      );
      expect(new Set(outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['opened']));
      expect(await alive(tid, uid, START_MS + 50)).toHaveLength(3);
      const evicted = outcomes.flatMap((outcome) =>
        outcome.kind === 'opened' ? outcome.evicted.map((entry) => entry.position) : [],
      );
      expect(evicted).toHaveLength(47);
      expect(new Set(evicted).size).toBe(47);
      const { head: after } = await fixture.record.sessions.subjectFacts(tid, uid, START_MS);
      expect(after.position).toBe(head.position + 47);
    });

    test('A7 B13 ASVS 7.1.2 of fifty parallel logins exactly as many pass as reject leaves room for', async () => {
      const { tid } = await seedTenant(fixture, {
        max_sessions_per_user: 4,
        on_session_limit: 'reject',
      });
      const uid = await seedUser(fixture, tid);
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, () => logIn(tid, uid, START_MS)),
      );
      const opened = outcomes.filter((outcome) => outcome.kind === 'opened');
      const refused = outcomes.filter((outcome) => outcome.kind === 'session_limit_reached');
      expect([opened.length, refused.length]).toEqual([4, 46]);
      expect(await alive(tid, uid)).toHaveLength(4);
    });

    test('B13 ASVS 7.1.2 7.3.1 7.3.2 property: the cap holds by the predicate of session life', async () => {
      // A model of one user's sessions, with the pure rule for their lifetimes.
      interface Modelled {
        sid: string;
        createdAtMs: number;
        lastSeenAtMs: number;
        idleTimeoutSeconds: number;
        absoluteEndAtMs: number;
        ended: boolean;
      }
      const step = fc.oneof(
        { weight: 5, arbitrary: fc.record({ do: fc.constant('login' as const) }) },
        fc.record({ do: fc.constant('touch' as const), which: fc.nat(9) }),
        fc.record({ do: fc.constant('revokeOthers' as const), which: fc.nat(9) }),
        fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 1, max: 30 }) }),
        fc.record({ do: fc.constant('sweep' as const) }),
        fc.record({
          do: fc.constant('policy' as const),
          max_sessions_per_user: fc.integer({ min: 1, max: 4 }),
          idle_timeout: fc.constantFrom(600, 1800, 3600),
          absolute_timeout: fc.constantFrom(3600, 7200),
          on_session_limit: fc.constantFrom('reject' as const, 'revoke_oldest' as const),
        }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
          // Idleness is judged by one time for the whole record, which never goes back.
          const [swept] = (await byHand(fixture.database, {
            text: 'select swept_through from sekisho.sweep',
          })) as { swept_through?: Date }[];
          let sweptThroughMs = swept?.swept_through?.getTime() ?? 0;
          let nowMs = Math.max(sweptThroughMs, START_MS) + MINUTE_MS;
          let policy = { max_sessions_per_user: 2, idle_timeout: 3600, absolute_timeout: 7200 };
          let onLimit = 'revoke_oldest';
          const { tid } = await seedTenant(fixture, policy);
          const uid = await seedUser(fixture, tid);
          const model: Modelled[] = [];
          const isAlive = (one: Modelled) =>
            !one.ended && isAliveBy(one, policy, nowMs, sweptThroughMs);

          for (const next of steps) {
            nowMs += 1000;
            const living = model.filter(isAlive);
            const chosen = 'which' in next ? living[next.which % (living.length || 1)] : undefined;
            if (next.do === 'wait') nowMs += next.minutes * MINUTE_MS;
            if (next.do === 'policy') {
              policy = {
                max_sessions_per_user: next.max_sessions_per_user,
                idle_timeout: next.idle_timeout,
                absolute_timeout: next.absolute_timeout,
              };
              onLimit = next.on_session_limit;
              await setPolicy(fixture, tid, { ...policy, on_session_limit: next.on_session_limit });
            }
            if (next.do === 'sweep') {
              sweptThroughMs = nowMs;
              await fixture.record.sessions.touch([], nowMs);
            }
            if (next.do === 'touch' && chosen !== undefined) {
              chosen.lastSeenAtMs = nowMs;
              await fixture.record.sessions.touch([{ tid, sid: chosen.sid, atMs: nowMs }], 0);
            }
            if (next.do === 'revokeOthers' && chosen !== undefined) {
              for (const one of model) if (one !== chosen) one.ended = true;
              await raiseFloor(fixture, { tid, uid, sparedSid: chosen.sid });
            }
            if (next.do === 'login') {
              const surplus = living.length + 1 - policy.max_sessions_per_user;
              const oldest = living
                .toSorted(
                  (a, b) => a.lastSeenAtMs - b.lastSeenAtMs || a.createdAtMs - b.createdAtMs,
                )
                .slice(0, Math.max(0, surplus));
              const outcome = await logIn(tid, uid, nowMs);
              if (surplus > 0 && onLimit === 'reject') {
                expect(outcome.kind).toBe('session_limit_reached');
                continue;
              }
              if (outcome.kind !== 'opened') throw new Error(outcome.kind);
              expect(outcome.evicted.map((entry) => entry.sid)).toEqual(oldest.map((o) => o.sid));
              for (const one of oldest) one.ended = true;
              model.push({
                sid: outcome.mint.session.sid,
                createdAtMs: nowMs,
                lastSeenAtMs: nowMs,
                idleTimeoutSeconds: policy.idle_timeout,
                absoluteEndAtMs: nowMs + policy.absolute_timeout * 1000,
                ended: false,
              });
              expect(model.filter(isAlive).length).toBeLessThanOrEqual(
                policy.max_sessions_per_user,
              );
            }
            const expected = model.filter(isAlive).map((one) => one.sid);
            expect(await alive(tid, uid, nowMs)).toEqual(expected.sort());
          }
        }),
        { numRuns: 25 },
      );
    });
  });
}
