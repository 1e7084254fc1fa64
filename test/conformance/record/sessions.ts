import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { SessionRow } from '../../../src/record/contract.ts';
import type { Database, SqlCall } from '../../../src/record/database.ts';
import { createSessionStore } from '../../../src/record/sessions.ts';
import { hashRefreshToken, makeRefreshToken } from '../../../src/token/refresh-token.ts';
import {
  byHand,
  newSession,
  openSession,
  present,
  type RecordFixture,
  raiseFloor,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const ALL = { limit: 200, cursor: null };

/** How many floors the transaction has read so far, whichever way. */
const FLOORS_READ = `
  select (pg_stat_get_xact_tuples_returned(c.oid) + pg_stat_get_xact_tuples_fetched(c.oid))::integer as rows
    from pg_class c where c.oid = 'sekisho.floor'::regclass`;

/** A database that tells after each statement how many floors it has read. */
function countingFloors(database: Database, note: (rows: number) => void): Database {
  return {
    ...database,
    async query<Row extends object>(call: SqlCall) {
      const [rows = [], [told] = []] = await database.transaction([call, { text: FLOORS_READ }]);
      note(Number(told?.rows));
      return rows as Row[];
    },
  };
}

/** Reading sessions, last-seen, tickets, and what another tenant can do to any of it. */
export function sessionSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`sessions on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    /** One session of each state, newest first. */
    async function oneOfEach(tid: string, uid: string) {
      const revoked = await openSession(fixture, tid, uid, START_MS);
      const active = await openSession(fixture, tid, uid, START_MS + 1000);
      await raiseFloor(fixture, { tid, uid, sparedSid: active.sid });
      const expired = await openSession(fixture, tid, uid, START_MS + 2000);
      await byHand(fixture.database, {
        text: 'update sekisho.session set absolute_end_at = $3 where tid = $1 and sid = $2',
        values: [tid, expired.sid, new Date(START_MS + 3000)],
      });
      return { expired, active, revoked };
    }

    test('A3 a login and a refresh read the floors that concern them, however many the tenant has', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      // What the planner believes is that there are few.
      await raiseFloor(fixture, { tid, uid });
      await fixture.database.query({ text: 'analyze sekisho.floor' });
      await byHand(fixture.database, {
        text: `insert into sekisho.floor (tid, uid, epoch) select $1, 'u' || n, 1 from generate_series(1, 10000) n`,
        values: [tid],
      });
      let read = 0;
      const counted = countingFloors(fixture.database, (rows) => {
        read += rows;
      });
      const record = { ...fixture.record, sessions: createSessionStore(counted) };
      for (let n = 0; n < 3; n += 1) {
        const { token } = await openSession({ ...fixture, record }, tid, uid);
        const { outcome } = await present({ ...fixture, record }, token, START_MS);
        expect(outcome.kind).toBe('rotated');
      }
      // Three look-ups whenever a session is judged, and their rows are not there.
      expect(read).toBeLessThan(100);
      const all = { text: 'select count(*) from sekisho.floor where epoch > 0' };
      const [counting] = await byHand(fixture.database, all, { text: FLOORS_READ });
      expect(counting?.rows).toBeGreaterThan(10_000);
    });

    test('B2 ASVS 7.5.2 the list says of each session what refresh would say', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const { expired, active, revoked } = await oneOfEach(tid, uid);
      const nowMs = START_MS + 3000;
      const { sessions } = fixture.record;
      const listed = await sessions.list(tid, uid, 'all', ALL, nowMs);
      expect(listed.map((row) => [row.sid, row.state])).toEqual([
        [expired.sid, 'expired'],
        [active.sid, 'active'],
        [revoked.sid, 'revoked'],
      ]);
      for (const state of ['expired', 'active', 'revoked'] as const) {
        const only = await sessions.list(tid, uid, state, ALL, nowMs);
        expect(only).toEqual(listed.filter((row) => row.state === state));
        expect(await sessions.get(tid, only[0]?.sid ?? '', nowMs)).toEqual(only[0]);
      }
      const judged = { expired: 'expired', active: 'rotated', revoked: 'revoked' };
      for (const [state, token] of [
        ['expired', expired.token],
        ['active', active.token],
        ['revoked', revoked.token],
      ] as const) {
        expect((await present(fixture, token, nowMs)).outcome.kind).toBe(judged[state]);
      }
    });

    test('A6 B2 lists go on after a cursor, newest first, in as many statements for any rows', async () => {
      const { tid } = await seedTenant(fixture, { max_sessions_per_user: 100 });
      const [ann, bob] = [await seedUser(fixture, tid), await seedUser(fixture, tid)];
      const { sessions } = fixture.record;
      const { head } = await sessions.subjectFacts(tid, ann, START_MS);
      const opened: string[] = [];
      // Several at the same time, so that the id has to break ties.
      for (let index = 0; index < 24; index += 1) {
        const uid = index % 3 === 0 ? bob : ann;
        const { session } = newSession(tid, uid, head, START_MS + Math.floor(index / 4));
        await sessions.open(tid, session);
        opened.push(session.sid);
      }
      const page = async (uid: string | null, limit: number) => {
        const rows: SessionRow[] = [];
        for (let cursor: { atMs: number; id: string } | null = null; ; ) {
          const part = await sessions.list(tid, uid, 'active', { limit, cursor }, START_MS + 10);
          rows.push(...part);
          const last = part.at(-1);
          if (last === undefined || part.length < limit) return rows;
          cursor = { atMs: last.createdAtMs, id: last.sid };
        }
      };
      const all = await page(null, 5);
      expect(all.map((row) => row.sid).toSorted()).toEqual(opened.toSorted());
      const times = all.map((row) => row.createdAtMs);
      expect(times).toEqual(times.toSorted((a, b) => b - a));
      expect(await page(bob, 3)).toEqual(all.filter((row) => row.uid === bob));

      const cost = async (limit: number) => {
        const before = fixture.record.statementCount();
        await sessions.list(tid, null, 'all', { limit, cursor: null }, START_MS);
        return fixture.record.statementCount() - before;
      };
      expect(await cost(20)).toBe(await cost(1));
    });

    test('everything that GET /v1/session shows comes with one read', async () => {
      const { tid, slug } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { externalId: 'E-1', roles: ['clerk'] });
      const { sid, row } = await openSession(fixture, tid, uid);
      const { sessions } = fixture.record;
      const before = fixture.record.statementCount();
      const details = await sessions.details(tid, sid, START_MS);
      const cost = fixture.record.statementCount() - before;
      expect(details).toMatchObject({
        tenant: { tid, slug },
        user: { uid, externalId: 'E-1', roles: ['clerk'] },
        session: row,
      });
      await sessions.get(tid, sid, START_MS);
      expect(fixture.record.statementCount() - before).toBe(2 * cost);
      expect(await sessions.details(tid, newId(), START_MS)).toBeNull();
    });

    test('ASVS 7.4.1 logout knows a session by any token of its chain, alive or not', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const { sid, token } = await openSession(fixture, tid, uid);
      const { live } = await present(fixture, token, START_MS);
      const { sessions } = fixture.record;
      const whose = (presented: string, nowMs = START_MS) =>
        sessions.ofRefreshToken(tid, sid, hashRefreshToken(presented), nowMs);
      const row = await sessions.get(tid, sid, START_MS);
      expect(row).toMatchObject({ uid, state: 'active' });
      expect(await whose(token)).toEqual(row);
      expect(await whose(live ?? '')).toEqual(row);
      expect(await whose(makeRefreshToken(tid, sid))).toBeNull();
      expect(await whose(token, START_MS + 86_400_000)).toEqual({ ...row, state: 'expired' });
      await raiseFloor(fixture, { tid, uid });
      expect(await whose(token)).toEqual({ ...row, state: 'revoked' });
    });

    test('B1 ASVS 8.4.1 with the ids of another tenant there is nothing, and nothing changes', async () => {
      const home = await seedTenant(fixture);
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { email: 'ann@example.test', externalId: 'E-1' });
      const { sid, token, row } = await openSession(fixture, tid, uid);
      const { sessions, users, attempts } = fixture.record;
      const { head } = await sessions.subjectFacts(tid, uid, START_MS);
      expect(await sessions.get(home.tid, sid, START_MS)).toBeNull();
      expect(await sessions.details(home.tid, sid, START_MS)).toBeNull();
      expect(await sessions.list(home.tid, uid, 'all', ALL, START_MS)).toEqual([]);
      const hash = hashRefreshToken(token);
      expect(await sessions.ofRefreshToken(home.tid, sid, hash, START_MS)).toBeNull();
      expect((await present(fixture, token.replace(tid, home.tid), START_MS)).outcome).toEqual({
        kind: 'unknown',
      });
      const foreign = newSession(home.tid, uid, head, START_MS);
      expect(await sessions.open(home.tid, foreign.session)).toEqual({ kind: 'superseded' });
      expect(await sessions.subjectFacts(home.tid, uid, START_MS)).toMatchObject({ user: null });
      expect(await sessions.loginFacts(home.slug, 'ann@example.test', START_MS)).toMatchObject({
        user: null,
      });
      await sessions.touch([{ tid: home.tid, sid, atMs: START_MS + 1000 }], 0);
      expect(await users.get(home.tid, uid)).toBeNull();
      expect(await users.byEmail(home.tid, 'ann@example.test')).toBeNull();
      expect(await users.byExternalId(home.tid, 'E-1')).toBeNull();
      expect(await users.list(home.tid, ALL)).toEqual([]);
      expect(await attempts.lift(home.tid, 'ann@example.test', [])).toBe(false);
      expect(await sessions.list(tid, uid, 'all', ALL, START_MS)).toEqual([row]);
    });

    test('ASVS 8.4.1 row-level security hides other tenants from a statement that forgets its tenant', async () => {
      const home = await seedTenant(fixture);
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const { sid } = await openSession(fixture, tid, uid);
      const enter = (inside: string) => ({
        text: "select set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', $1, true)",
        values: [inside],
      });
      const all = { text: 'select tid from sekisho.judged_session(now())' };
      const [, seen] = await fixture.database.transaction([enter(home.tid), all]);
      expect(seen).toEqual([]);
      const [, own] = await fixture.database.transaction([enter(tid), all]);
      expect(own).toEqual([{ tid }]);
      const end = { text: "update sekisho.session set device_name = 'changed' where sid = $1" };
      await fixture.database.transaction([enter(home.tid), { ...end, values: [sid] }]);
      const intrude = {
        text: "insert into sekisho.used_ticket (tid, jti, expires_at) values ($1, 'x', now())",
        values: [tid],
      };
      await expect(fixture.database.transaction([enter(home.tid), intrude])).rejects.toMatchObject({
        sqlState: '42501',
      });
      expect(await fixture.record.sessions.get(tid, sid, START_MS)).toMatchObject({
        deviceName: 'Phone',
      });
    });

    test('last-seen moves on in batches of many tenants, never back', async () => {
      const seen: { tid: string; sid: string; atMs: number }[] = [];
      for (let index = 0; index < 4; index += 1) {
        const { tid } = await seedTenant(fixture);
        const { sid } = await openSession(fixture, tid, await seedUser(fixture, tid));
        seen.push({ tid, sid, atMs: START_MS + 1000 * (index + 1) });
      }
      const { sessions } = fixture.record;
      const lastSeen = () =>
        Promise.all(
          seen.map(async ({ tid, sid }) => (await sessions.get(tid, sid, START_MS))?.lastSeenAtMs),
        );
      const earlier = seen.map((one) => ({ ...one, atMs: one.atMs - 500 }));
      const before = fixture.record.statementCount();
      await sessions.touch(
        [...seen, { tid: 'nowhere', sid: 'none', atMs: START_MS }, ...earlier],
        0,
      );
      expect(fixture.record.statementCount() - before).toBe(1);
      expect(await lastSeen()).toEqual(seen.map((one) => one.atMs));
      await sessions.touch(earlier, 0);
      expect(await lastSeen()).toEqual(seen.map((one) => one.atMs));
      // In any order at once: batches never wait for each other in a circle.
      await Promise.all(
        Array.from({ length: 10 }, (_, index) => {
          const later = seen.map((one) => ({ ...one, atMs: one.atMs + 100 * index }));
          return sessions.touch(index % 2 === 0 ? later : later.toReversed(), 0);
        }),
      );
      expect(await lastSeen()).toEqual(seen.map((one) => one.atMs + 900));
    });

    test('B12 ASVS 4.4.3 a ticket is used once, by whoever comes first', async () => {
      const { tid } = await seedTenant(fixture);
      const other = await seedTenant(fixture);
      const { sessions } = fixture.record;
      const jti = newId();
      const uses = await Promise.all(
        Array.from({ length: 10 }, () => sessions.useTicket(tid, jti, START_MS)),
      );
      expect(uses.filter((first) => first)).toHaveLength(1);
      expect(await sessions.useTicket(other.tid, jti, START_MS)).toBe(true);
    });

    // Last: idleness is judged by one time for the whole record.
    test('ASVS 7.3.1 last-seen never revives a session, and the swept time never goes back', async () => {
      const { tid } = await seedTenant(fixture, { idle_timeout: 60 });
      const uid = await seedUser(fixture, tid);
      const idle = await openSession(fixture, tid, uid);
      const revoked = await openSession(fixture, tid, uid);
      const { sessions } = fixture.record;
      await sessions.touch([{ tid, sid: revoked.sid, atMs: START_MS + 60_000 }], START_MS + 60_001);
      await byHand(fixture.database, {
        text: `update sekisho.session set ended_at = $3, ended_how = 'logout' where tid = $1 and sid = $2`,
        values: [tid, revoked.sid, new Date(START_MS)],
      });
      const both = [idle, revoked].map(({ sid }) => ({ tid, sid, atMs: START_MS + 90_000 }));
      await sessions.touch(both, START_MS + 5000);
      const rows = await sessions.list(tid, uid, 'all', ALL, START_MS);
      const states = new Map(
        rows.map((row) => [row.sid, [row.state, row.lastSeenAtMs - START_MS]]),
      );
      expect(states.get(idle.sid)).toEqual(['expired', 0]);
      expect(states.get(revoked.sid)).toEqual(['revoked', 60_000]);
      const swept = await byHand(fixture.database, { text: 'select * from sekisho.sweep' });
      expect(swept).toMatchObject([{ swept_through: new Date(START_MS + 60_001) }]);
    });
  });
}
