import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { CommitOutcome, CommitRequest } from '../../../src/record/contract.ts';
import {
  actingSession,
  commitOne,
  committed,
  ofSession,
  ofTenant,
  ofUser,
  request,
} from '../../support/requests.ts';
import {
  auditEvent,
  behindLock,
  byHand,
  newSession,
  openSession,
  present,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const ALL = { limit: 200, cursor: null };
const HEAD_LOCK = { text: 'select from sekisho.head for update' };
const HOUR_MS = 3_600_000;

/** COMMIT, AUTHORITY, BATCH and UNKNOWN OUTCOME: what may be written, and that it is written whole or not at all. */
export function commitSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`commits on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function seeded() {
      const { tid, slug } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { roles: ['admin'] });
      const session = await openSession(fixture, tid, uid);
      return { tid, slug, uid, sid: session.sid, session };
    }

    async function position(): Promise<number> {
      return (await fixture.record.log.head()).head.position;
    }

    async function stateOf(tid: string, sid: string): Promise<string | undefined> {
      return (await fixture.record.sessions.get(tid, sid, START_MS))?.state;
    }

    function kinds(outcomes: readonly CommitOutcome[]): string[] {
      return outcomes.map((outcome) => outcome.kind).sort();
    }

    test('B3 B7 B14 ASVS 7.4.1 7.4.5 a floor ends all sessions of a user, with entry, head and audit row', async () => {
      const admin = await seeded();
      const { tid } = admin;
      const uid = await seedUser(fixture, tid);
      const phone = await openSession(fixture, tid, uid);
      const laptop = await openSession(fixture, tid, uid);
      const before = await position();

      const outcome = await committed(fixture, {
        actor: actingSession(tid, admin.uid, admin.sid),
        revoke: [ofUser(tid, uid)],
        reason: 'stolen',
        audit: [auditEvent(tid, 'session_revoked')],
      });

      expect(outcome.entries).toMatchObject([{ scope: 'user', tid, uid, position: before + 1 }]);
      expect(outcome.head).toMatchObject({ position: before + 1 });
      expect(await position()).toBe(before + 1);
      expect(await stateOf(tid, phone.sid)).toBe('revoked');
      expect((await present(fixture, laptop.token, START_MS)).outcome.kind).toBe('revoked');
      expect(await stateOf(tid, admin.sid)).toBe('active');
      const actions = (await fixture.record.audit.list(tid, {}, ALL)).map((row) => row.action);
      expect(actions).toContain('session_revoked');
      expect(await fixture.record.log.list(tid, ALL)).toMatchObject([
        { scope: 'user', uid, reason: 'stolen', committedAtMs: START_MS },
      ]);
    });

    test('B2 ASVS 7.5.2 one device is revoked alone, and the floor of the others spares the acting one', async () => {
      const { tid, uid, sid } = await seeded();
      const phone = await openSession(fixture, tid, uid);
      const laptop = await openSession(fixture, tid, uid);
      const actor = actingSession(tid, uid, sid, null);
      await committed(fixture, { actor, revoke: [ofSession(tid, uid, phone.sid)] });
      expect(await stateOf(tid, phone.sid)).toBe('revoked');
      expect(await stateOf(tid, laptop.sid)).toBe('active');
      await committed(fixture, { actor, revoke: [ofUser(tid, uid, sid)] });
      expect(await stateOf(tid, laptop.sid)).toBe('revoked');
      expect(await stateOf(tid, sid)).toBe('active');
    });

    test('B7 ASVS 7.4.5 a floor of a tenant ends its sessions without touching their rows, and no other tenant’s', async () => {
      const { tid, uid, sid } = await seeded();
      const other = await seeded();
      const more = await openSession(fixture, tid, uid);
      await committed(fixture, {
        actor: actingSession(tid, uid, sid),
        revoke: [ofTenant(tid, sid)],
      });
      expect(await stateOf(tid, more.sid)).toBe('revoked');
      expect(await stateOf(tid, sid)).toBe('active');
      expect(await stateOf(other.tid, other.sid)).toBe('active');
      const rows = await byHand(fixture.database, {
        text: 'select ended_at from sekisho.session where tid = $1 and sid = $2',
        values: [tid, more.sid],
      });
      expect(rows).toEqual([{ ended_at: null }]);
    });

    test('AUTHORITY ASVS 7.4.1 8.3.2 a revoked, expired or demoted actor writes nothing', async () => {
      const { tid, uid, sid } = await seeded();
      const other = await seedUser(fixture, tid, { roles: ['admin'] });
      const theirs = await openSession(fixture, tid, other);
      const actor = actingSession(tid, uid, sid);
      const act = {
        actor,
        revoke: [ofUser(tid, other)],
        audit: [auditEvent(tid, 'session_revoked')],
      };
      const late = { ...act, nowMs: START_MS + 1000 * HOUR_MS };
      expect(await commitOne(fixture, late)).toEqual({ kind: 'actor_expired' });
      await committed(fixture, {
        change: { kind: 'user_patch', tid, uid, ifVersion: null, roles: ['member'] },
      });
      expect(await commitOne(fixture, act)).toEqual({ kind: 'role_lost' });
      await committed(fixture, { revoke: [ofSession(tid, uid, sid)] });
      const before = await position();
      expect(await commitOne(fixture, act)).toEqual({ kind: 'actor_revoked' });
      expect(await position()).toBe(before);
      expect(await stateOf(tid, theirs.sid)).toBe('active');
      expect(await fixture.record.audit.list(tid, { action: 'session_revoked' }, ALL)).toEqual([]);
    });

    test('AUTHORITY ASVS 15.4.2 of two administrators who revoke each other at once exactly one succeeds', async () => {
      const first = await seeded();
      const { tid } = first;
      const uid = await seedUser(fixture, tid, { roles: ['admin'] });
      const { sid } = await openSession(fixture, tid, uid);
      const outcomes = await behindLock(fixture, HEAD_LOCK, () =>
        Promise.all([
          commitOne(fixture, {
            actor: actingSession(tid, first.uid, first.sid),
            revoke: [ofUser(tid, uid)],
          }),
          commitOne(fixture, {
            actor: actingSession(tid, uid, sid),
            revoke: [ofUser(tid, first.uid)],
          }),
        ]),
      );
      expect(kinds(outcomes)).toEqual(['actor_revoked', 'committed']);
    });

    test('AUTHORITY a session that is not alive spares nobody, itself least', async () => {
      const { tid, uid, sid } = await seeded();
      await committed(fixture, { revoke: [ofSession(tid, uid, sid)] });
      const { entries } = await committed(fixture, { revoke: [ofUser(tid, uid, sid)] });
      expect(entries).toMatchObject([{ sparedSid: null }]);
      expect(await stateOf(tid, sid)).toBe('revoked');
    });

    test('AUTHORITY 15.4.2 the last administrator stays, also when two are demoted at once', async () => {
      const { tid, uid } = await seeded();
      const second = await seedUser(fixture, tid, { roles: ['admin', 'member'] });
      const demote = (who: string) =>
        commitOne(fixture, {
          change: { kind: 'user_patch', tid, uid: who, ifVersion: null, roles: ['member'] },
        });
      const outcomes = await behindLock(
        fixture,
        { text: 'select from sekisho.tenant where tid = $1 for update', values: [tid] },
        () => Promise.all([demote(uid), demote(second)]),
      );
      expect(kinds(outcomes)).toEqual(['committed', 'last_administrator']);
      const last = outcomes[0]?.kind === 'committed' ? second : uid;
      const refused = { kind: 'last_administrator' };
      expect(await commitOne(fixture, { change: { kind: 'user_delete', tid, uid: last } })).toEqual(
        refused,
      );
      expect(
        await commitOne(fixture, {
          change: { kind: 'user_patch', tid, uid: last, ifVersion: null, status: 'disabled' },
        }),
      ).toEqual(refused);
    });

    test('BATCH requests share a transaction, are judged one after the other, and spoil nobody', async () => {
      const { tid, uid, sid } = await seeded();
      const other = await seeded();
      const before = await position();
      const outcomes = await fixture.record.log.commit([
        request({ revoke: [ofSession(tid, uid, sid)] }),
        // Its authority went with the request before it.
        request({ actor: actingSession(tid, uid, sid), revoke: [ofTenant(tid)] }),
        request({ change: { kind: 'user_delete', tid, uid: newId() } }),
        request({
          change: {
            ...{ kind: 'user_create', tid: other.tid, uid: newId(), email: 'a@b', name: '' },
            ...{ roles: [], externalId: null, passwordHash: null, reset: null },
          },
        }),
        request({
          change: {
            ...{ kind: 'user_create', tid: other.tid, uid: newId(), email: 'a@b', name: '' },
            ...{ roles: [], externalId: null, passwordHash: null, reset: null },
          },
        }),
        request({ revoke: [ofTenant(other.tid), ofUser(other.tid, other.uid)] }),
      ]);
      expect(outcomes.map((outcome) => outcome.kind)).toEqual([
        ...['committed', 'actor_revoked', 'not_found', 'committed', 'email_taken', 'committed'],
      ]);
      expect(await position()).toBe(before + 3);
      const last = outcomes[5];
      if (last?.kind !== 'committed') throw new Error('not committed');
      expect(last.entries.map((entry) => entry.position)).toEqual([before + 2, before + 3]);
      expect(last.entries[1]?.operationId).toBe(`${last.entries[0]?.operationId}.1`);
    });

    test('COMMIT 15.4.2 parallel commits and logins: positions stay dense, nobody waits in a circle', async () => {
      const tenants = await Promise.all([seeded(), seeded(), seeded()]);
      const before = await position();
      const work = tenants.flatMap(({ tid, uid, sid }) => [
        ...Array.from({ length: 6 }, () => commitOne(fixture, { revoke: [ofUser(tid, uid, sid)] })),
        ...Array.from({ length: 3 }, () => commitOne(fixture, { revoke: [ofTenant(tid, sid)] })),
        ...Array.from({ length: 3 }, () =>
          fixture.record.log.commit(
            [...tenants]
              .reverse()
              .map((one) => request({ revoke: [ofUser(one.tid, one.uid, one.sid)] })),
          ),
        ),
        ...Array.from({ length: 3 }, async () => {
          const { head } = await fixture.record.sessions.subjectFacts(tid, uid, START_MS);
          return fixture.record.sessions.open(tid, newSession(tid, uid, head, START_MS).session);
        }),
      ]);
      await Promise.all(work);
      const { entries } = await fixture.record.log.fetch(before, 1000);
      expect(entries.map((entry) => entry.position)).toEqual(
        Array.from({ length: 3 * (6 + 3 + 9) }, (_, index) => before + 1 + index),
      );
      expect(await position()).toBe(before + entries.length);
      for (const { tid, sid } of tenants) expect(await stateOf(tid, sid)).toBe('active');
    });

    test('UNKNOWN OUTCOME a repeated operation happens once, whoever repeats it, also at the same moment', async () => {
      const { tid, uid } = await seeded();
      const once = request({ revoke: [ofUser(tid, uid)] });
      const before = await position();
      const outcomes = await behindLock(fixture, HEAD_LOCK, () =>
        Promise.all(Array.from({ length: 5 }, () => fixture.record.log.commit([once]))),
      );
      expect(kinds(outcomes.flat())).toEqual([
        'committed',
        ...Array.from({ length: 4 }, () => 'duplicate'),
      ]);
      expect(await position()).toBe(before + 1);
      const [again] = await fixture.record.log.commit([once]);
      expect(again).toMatchObject({
        kind: 'duplicate',
        operationId: once.operationId,
        row: { position: before + 1, uid },
      });
      expect(await fixture.record.log.operation(tid, once.operationId)).toMatchObject({
        kind: 'committed',
        row: { position: before + 1 },
      });
    });

    test('B3 BARRIER an operation is told by its first entry and its last, whatever stands between', async () => {
      const { tid, uid } = await seeded();
      const other = await seedUser(fixture, tid);
      const { log } = fixture.record;
      const one = await committed(fixture, { revoke: [ofUser(tid, uid)] });
      const alone = { position: one.head.position };
      expect(await log.operation(tid, one.entries[0]?.operationId ?? '')).toMatchObject({
        ...{ kind: 'committed', row: alone, last: alone },
      });
      const several = request({ revoke: [ofUser(tid, uid), ofUser(tid, other), ofUser(tid, uid)] });
      const before = await position();
      await log.commit([several]);
      const state = await log.operation(tid, several.operationId);
      expect(state).toMatchObject({
        ...{ kind: 'committed', row: { position: before + 1 } },
        last: { position: before + 3, operationId: `${several.operationId}.2` },
      });
      expect(await log.operationOrAbandon(tid, several.operationId)).toEqual(state);
      // One of the later ones is spoken of by itself; another tenant learns of neither.
      const second = { position: before + 2 };
      expect(await log.operation(tid, `${several.operationId}.1`)).toMatchObject({
        ...{ row: second, last: second },
      });
      const stranger = await seeded();
      expect(await log.operation(stranger.tid, several.operationId)).toEqual({ kind: 'unknown' });
      // The same for a page of the log, in as many statements for any rows (A6); of a name alone it tells nobody else.
      const rows = await log.list(tid, { limit: 3, cursor: { atMs: 0, id: String(before + 3) } });
      expect(rows.map((row) => row.position)).toEqual([before + 2, before + 1, before]);
      const asked = fixture.record.statementCount();
      const lasts = await log.lastEntries(tid, rows);
      const statements = fixture.record.statementCount() - asked;
      expect(lasts.map((row) => row.position)).toEqual([before + 3, before + 3, before]);
      await log.lastEntries(tid, rows.slice(0, 1));
      expect(fixture.record.statementCount() - asked).toBe(2 * statements);
      expect(await log.lastEntries(stranger.tid, rows)).toEqual(rows);
      const nothing = request();
      await log.commit([nothing]);
      expect(await log.operation(tid, nothing.operationId)).toEqual({ kind: 'unknown' });
      expect(await log.operation(null, nothing.operationId)).toEqual({
        ...{ kind: 'committed', row: null, last: null },
      });
    });

    test('UNKNOWN OUTCOME what was asked for and not found cannot happen any more, but for a hand-in', async () => {
      const { tid, uid } = await seeded();
      const { log } = fixture.record;
      const lost = request({ revoke: [ofUser(tid, uid)] });
      expect(await log.operation(tid, lost.operationId)).toEqual({ kind: 'unknown' });
      expect(await log.operationOrAbandon(tid, lost.operationId)).toEqual({ kind: 'abandoned' });
      const before = await position();
      expect(await log.commit([lost])).toEqual([{ kind: 'abandoned' }]);
      expect(await position()).toBe(before);
      const [handed] = await log.commit([{ ...lost, actor: { kind: 'system' }, handIn: true }]);
      expect(handed).toMatchObject({ kind: 'committed' });
      expect(await log.operationOrAbandon(tid, lost.operationId)).toMatchObject({
        kind: 'committed',
        row: { position: before + 1 },
      });
    });

    test('UNKNOWN OUTCOME 15.4.2 abandoning and committing at once: one of them, and both say which', async () => {
      const { tid, uid } = await seeded();
      for (let round = 0; round < 8; round += 1) {
        const racing = request({ revoke: [ofUser(tid, uid)] });
        const [[outcome], state] = await Promise.all([
          fixture.record.log.commit([racing]),
          fixture.record.log.operationOrAbandon(tid, racing.operationId),
        ]);
        expect(outcome?.kind).toBe(state.kind);
      }
    });

    test('an idempotency key names one request of one caller for a day', async () => {
      const { tid, uid, sid } = await seeded();
      const victim = await seedUser(fixture, tid);
      const actor = actingSession(tid, uid, sid);
      const body = (byte: number) => ({ key: 'k-1', bodyHash: new Uint8Array(32).fill(byte) });
      const act = { actor, revoke: [ofUser(tid, victim)], idempotency: body(1) };
      const first = await committed(fixture, act);
      expect(await commitOne(fixture, act)).toMatchObject({
        kind: 'duplicate',
        operationId: first.entries[0]?.operationId,
        row: { position: first.head.position },
      });
      expect(await commitOne(fixture, { ...act, idempotency: body(2) })).toEqual({
        kind: 'idempotency_key_reused',
      });
      const second = await seedUser(fixture, tid, { roles: ['admin'] });
      const theirs = await openSession(fixture, tid, second);
      const other = { ...act, actor: actingSession(tid, second, theirs.sid) };
      expect(await commitOne(fixture, other)).toMatchObject({ kind: 'committed' });
      const keys = {
        text: 'update sekisho.idempotency_key set created_at = $1',
        values: [new Date(START_MS - 25 * HOUR_MS)],
      };
      await byHand(fixture.database, keys);
      expect(await commitOne(fixture, { ...act, idempotency: body(2) })).toMatchObject({
        kind: 'committed',
      });
    });

    test('B1 ASVS 8.4.1 ids of another tenant are like none, and nothing reaches across tenants', async () => {
      const { tid, uid, sid } = await seeded();
      const other = await seeded();
      const actor = actingSession(tid, uid, sid);
      const before = await position();
      const foreign: Partial<CommitRequest>[] = [
        { actor, revoke: [ofUser(tid, other.uid)] },
        { actor, revoke: [ofSession(tid, null, other.sid)] },
        { actor, change: { kind: 'user_delete', tid, uid: other.uid } as const },
        {
          actor,
          change: {
            ...{ kind: 'session_end', tid, uid: null, sid: other.sid },
            ...{ sparedSid: null, how: 'revoked' },
          } as const,
        },
      ];
      for (const act of foreign) {
        expect(await commitOne(fixture, act)).toEqual({ kind: 'not_found' });
      }
      await expect(commitOne(fixture, { actor, revoke: [ofTenant(other.tid)] })).rejects.toThrow(
        'across tenants',
      );
      expect(await position()).toBe(before);
      expect(await stateOf(other.tid, other.sid)).toBe('active');
      const { operationId } = request();
      await committed(fixture, { operationId, revoke: [ofTenant(other.tid)] });
      expect(await fixture.record.log.operation(tid, operationId)).toEqual({ kind: 'unknown' });
      expect(await fixture.record.log.list(tid, ALL)).toEqual([]);
    });

    test('ASVS 7.4.1 a token ends its own session, row or no row, and no other', async () => {
      const { tid, uid } = await seeded();
      const sid = newId();
      const actor = { kind: 'token', tid, uid, sid } as const;
      const { entries } = await committed(fixture, { actor, revoke: [ofSession(tid, uid, sid)] });
      expect(entries).toMatchObject([{ scope: 'session', sid }]);
      await expect(commitOne(fixture, { actor, revoke: [ofTenant(tid)] })).rejects.toThrow(
        'own session',
      );
    });
  });
}
