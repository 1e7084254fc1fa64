import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { Change } from '../../../src/record/contract.ts';
import { DEFAULT_POLICY } from '../../../src/tenant/policy.ts';
import {
  hashRefreshToken,
  issueSlots,
  makeRefreshToken,
} from '../../../src/token/refresh-token.ts';
import { actingSession, commitOne, committed, ofUser } from '../../support/requests.ts';
import {
  openSession,
  present,
  type RecordFixture,
  ring,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const ALL = { limit: 200, cursor: null };

/** What an administrative write changes beside what it revokes. */
export function changeSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`changes on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    function creation(
      tid: string,
      parts: Partial<Extract<Change, { kind: 'user_create' }>>,
    ): Change {
      return {
        ...{ kind: 'user_create', tid, uid: newId(), email: `${newId()}@example.test`, name: 'N' },
        ...{ roles: ['member'], externalId: null, passwordHash: null, reset: null },
        ...parts,
      };
    }

    function tenant(slug: string, onlyFirst = false): Change {
      return {
        ...{ kind: 'tenant_create', tid: newId(), slug, name: 'T', policy: DEFAULT_POLICY },
        admin: { uid: newId(), email: 'admin@example.test', name: '', passwordHash: 'h' },
        onlyFirst,
      };
    }

    test('ASVS 15.4.2 of many first starts at once exactly one makes the first tenant', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, (_, index) =>
          commitOne(fixture, { change: tenant(`first-${index}`, true) }),
        ),
      );
      expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual([
        'committed',
        ...Array.from({ length: 4 }, () => 'not_first'),
      ]);
      expect(await fixture.record.tenants.list(ALL)).toHaveLength(1);
    });

    test('a tenant comes with its administrator; a slug is given once', async () => {
      const { user } = await committed(fixture, { change: tenant('acme') });
      expect(user).toMatchObject({ email: 'admin@example.test', roles: ['admin'], version: 1 });
      expect(await commitOne(fixture, { change: tenant('acme') })).toEqual({ kind: 'slug_taken' });
      expect(await fixture.record.tenants.bySlug('acme')).toMatchObject({ status: 'active' });
    });

    test('B1 a user is made once by address and by external id, in each tenant', async () => {
      const { tid } = await seedTenant(fixture);
      const other = await seedTenant(fixture);
      const parts = { email: 'one@example.test', externalId: 'e-1' };
      const { user } = await committed(fixture, { change: creation(tid, parts) });
      expect(user).toMatchObject({ ...parts, status: 'active', createdAtMs: START_MS });
      expect(await commitOne(fixture, { change: creation(tid, { email: parts.email }) })).toEqual({
        kind: 'email_taken',
      });
      expect(
        await commitOne(fixture, { change: creation(tid, { externalId: parts.externalId }) }),
      ).toEqual({ kind: 'external_id_taken' });
      expect(await commitOne(fixture, { change: creation(other.tid, parts) })).toMatchObject({
        kind: 'committed',
      });
      expect(await commitOne(fixture, { change: creation(newId(), {}) })).toEqual({
        kind: 'not_found',
      });
    });

    test('ASVS 7.4.2 a user is changed under If-Match; disabling and deleting end the sessions', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const other = await seedUser(fixture, tid);
      const { sid } = await openSession(fixture, tid, uid);
      const patch = { kind: 'user_patch', tid, uid, ifVersion: 1, name: 'New' } as const;
      expect((await committed(fixture, { change: patch })).user).toMatchObject({
        name: 'New',
        version: 2,
      });
      expect(await commitOne(fixture, { change: patch })).toEqual({ kind: 'precondition_failed' });
      const taken = (await fixture.record.users.get(tid, other))?.email ?? '';
      expect(
        await commitOne(fixture, { change: { ...patch, ifVersion: null, email: taken } }),
      ).toEqual({ kind: 'email_taken' });
      await committed(fixture, {
        revoke: [ofUser(tid, uid)],
        change: { ...patch, ifVersion: null, status: 'disabled' },
      });
      expect(await fixture.record.sessions.get(tid, sid, START_MS)).toMatchObject({
        state: 'revoked',
      });
      expect(
        await commitOne(fixture, { change: { kind: 'user_delete', tid, uid, ifVersion: 1 } }),
      ).toEqual({ kind: 'precondition_failed' });
      await committed(fixture, {
        revoke: [ofUser(tid, uid)],
        change: { kind: 'user_delete', tid, uid },
      });
      expect(await fixture.record.users.get(tid, uid)).toBeNull();
    });

    test('ASVS 7.2.4 7.4.3 a new password gives the session a new chain; the old one is theft', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { passwordHash: 'old' });
      const session = await openSession(fixture, tid, uid);
      const { sid, token } = session;
      const used = (await present(fixture, token, START_MS)).live ?? '';
      const next = makeRefreshToken(tid, sid);
      const atMs = START_MS + 5000;
      const { user, session: row } = await committed(fixture, {
        actor: actingSession(tid, uid, sid, null),
        nowMs: atMs,
        revoke: [ofUser(tid, uid, sid)],
        change: {
          ...{ kind: 'password_set', tid, uid, passwordHash: 'new' },
          regenerate: {
            ...{ sid, refresh: issueSlots(ring, next), authTimeMs: atMs },
            amr: ['pwd'],
            seenRot: 0,
          },
        },
      });
      expect(user).toMatchObject({ uid });
      expect(row).toMatchObject({ sid, state: 'active', rot: 2, authTimeMs: atMs });
      expect(await fixture.record.sessions.subjectFacts(tid, uid, START_MS)).toMatchObject({
        passwordHash: 'new',
      });
      // Neither the token that was live nor one within its window of grace goes on.
      for (const old of [token, used]) {
        const { outcome } = await present(fixture, old, atMs);
        expect(outcome).toMatchObject({ kind: 'superseded', withinWindow: true });
      }
      expect((await present(fixture, next, atMs)).outcome).toMatchObject({ kind: 'rotated' });
    });

    test('ASVS 6.4.3 a reset token is used once, ends every session, and dies with any new password', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { passwordHash: 'old' });
      const { sid } = await openSession(fixture, tid, uid);
      const reset = (byte: number) => ({
        tokenHash: new Uint8Array(32).fill(byte),
        expiresAtMs: START_MS + 1000,
      });
      const use = (byte: number, nowMs = START_MS) =>
        commitOne(fixture, {
          actor: { kind: 'reset', tid, tokenHash: reset(byte).tokenHash },
          nowMs,
          revoke: [{ scope: 'user', tid, uid: null, sid: null, sparedSid: null }],
          change: { kind: 'password_set', tid, uid: null, passwordHash: 'new', regenerate: null },
        });
      const ask = (byte: number) =>
        committed(fixture, { change: { kind: 'password_reset', tid, uid, reset: reset(byte) } });
      await ask(1);
      expect(await fixture.record.sessions.subjectFacts(tid, uid, START_MS)).toMatchObject({
        passwordHash: null,
      });
      await ask(2);
      expect(await use(1)).toEqual({ kind: 'reset_unknown' });
      expect(await use(2, START_MS + 1000)).toEqual({ kind: 'reset_unknown' });
      const outcomes = await Promise.all([use(2), use(2), use(2)]);
      expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual([
        ...['committed', 'reset_unknown', 'reset_unknown'],
      ]);
      expect(outcomes.find((outcome) => outcome.kind === 'committed')).toMatchObject({
        entries: [{ scope: 'user', tid, uid }],
        user: { uid },
      });
      expect(await fixture.record.sessions.get(tid, sid, START_MS)).toMatchObject({
        state: 'revoked',
      });
    });

    test('B13 a policy is put under its version', async () => {
      const { tid } = await seedTenant(fixture);
      const policy = { ...DEFAULT_POLICY, idle_timeout: 600 };
      const change = { kind: 'policy_put', tid, policy, ifVersion: 1 } as const;
      expect((await committed(fixture, { change })).version).toBe(2);
      expect(await commitOne(fixture, { change })).toEqual({ kind: 'precondition_failed' });
      expect(await fixture.record.tenants.policy(tid, START_MS)).toMatchObject({
        policy,
        version: 2,
      });
    });

    test('ASVS 7.4.1 logout and theft are told apart in the row', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const ended = async (reason: string, how: 'logout' | 'revoked') => {
        const { sid, token } = await openSession(fixture, tid, uid);
        await committed(fixture, {
          actor: { kind: 'token', tid, uid, sid },
          reason,
          revoke: [{ scope: 'session', tid, uid, sid, sparedSid: null }],
          change: { kind: 'session_end', tid, uid: null, sid, sparedSid: null, how },
        });
        const hash = hashRefreshToken(token);
        expect(
          await fixture.record.sessions.ofRefreshToken(tid, sid, hash, START_MS),
        ).toMatchObject({
          state: 'revoked',
        });
        const [row] = await fixture.database
          .transaction([
            { text: "select set_config('role', 'sekisho_system', true)" },
            { text: 'select ended_how from sekisho.session where sid = $1', values: [sid] },
          ])
          .then(([, rows]) => rows ?? []);
        return row?.ended_how;
      };
      expect(await ended('logout', 'logout')).toBe('logout');
      expect(await ended('token_reuse', 'revoked')).toBe('token_reuse');
    });
  });
}
