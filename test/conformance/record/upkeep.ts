import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { StoredKey } from '../../../src/record/contract.ts';
import { wholeLog } from '../../support/log.ts';
import { committed, ofUser } from '../../support/requests.ts';
import {
  auditEvent,
  byHand,
  openSession,
  present,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const ALL = { limit: 200, cursor: null };

/** Audit trail, keys, settings and clean-up. */
export function upkeepSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`audit, keys and clean-up on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    test('B14 ASVS 16.2.1 audit rows come back as they were written, of one tenant only', async () => {
      const [here, there] = [await seedTenant(fixture), await seedTenant(fixture)];
      const event = auditEvent(here.tid, 'authz_fail', {
        outcome: 'failure',
        actor: { kind: 'user', uid: 'u', sid: 's' },
        subject: { kind: 'user', id: 'v' },
        detail: { needed: 'admin', times: 3, again: true, more: null },
      });
      const bare = auditEvent(here.tid, 'authn_login_fail', {
        atMs: START_MS - 1,
        actor: { kind: 'anonymous', uid: null, sid: null },
        ip: null,
        userAgent: null,
        requestId: null,
      });
      const { audit } = fixture.record;
      const before = fixture.record.statementCount();
      await audit.append([
        event,
        bare,
        auditEvent(there.tid, 'authz_fail'),
        auditEvent(null, 'tenant_created'),
      ]);
      expect(fixture.record.statementCount() - before).toBe(1);
      await audit.append([]);
      expect(fixture.record.statementCount() - before).toBe(1);
      expect(await audit.list(here.tid, {}, ALL)).toEqual([event, bare]);
      expect(await audit.list(there.tid, {}, ALL)).toHaveLength(1);
    });

    test('A6 B14 the trail is searched by actor, action and time, in pages', async () => {
      const { tid } = await seedTenant(fixture);
      const { audit } = fixture.record;
      const actor = (uid: string) => ({ kind: 'user' as const, uid, sid: null });
      const events = Array.from({ length: 12 }, (_, index) =>
        auditEvent(tid, index % 2 === 0 ? 'authz_fail' : 'authn_logout', {
          atMs: START_MS + Math.floor(index / 3) * 1000,
          actor: actor(index % 3 === 0 ? 'ann' : 'bob'),
        }),
      );
      await audit.append(events);
      const all = await audit.list(tid, {}, ALL);
      expect(all.map((event) => event.id).toSorted()).toEqual(events.map((e) => e.id).toSorted());
      const times = all.map((event) => event.atMs);
      expect(times).toEqual(times.toSorted((a, b) => b - a));
      const by = (filter: Parameters<typeof audit.list>[1]) => audit.list(tid, filter, ALL);
      expect(await by({ actor: 'ann' })).toEqual(all.filter((event) => event.actor.uid === 'ann'));
      expect(await by({ action: 'authz_fail', actor: 'bob' })).toEqual(
        all.filter((event) => event.actor.uid === 'bob' && event.action === 'authz_fail'),
      );
      const within = { fromMs: START_MS + 1000, toMs: START_MS + 3000 };
      expect(await by(within)).toEqual(
        all.filter((event) => event.atMs >= within.fromMs && event.atMs < within.toMs),
      );
      expect(await by({ action: "x' or 'a' = 'a" })).toEqual([]);
      const fifth = all[4];
      const cursor = { atMs: fifth?.atMs ?? 0, id: fifth?.id ?? '' };
      expect(await audit.list(tid, {}, { limit: 4, cursor })).toEqual(all.slice(5, 9));
      const cost = async (limit: number) => {
        const before = fixture.record.statementCount();
        await audit.list(tid, {}, { limit, cursor: null });
        return fixture.record.statementCount() - before;
      };
      expect(await cost(12)).toBe(await cost(1));
    });

    test('B14 ASVS 16.4.2 no role changes or deletes a row of the trail', async () => {
      const { tid } = await seedTenant(fixture);
      await fixture.record.audit.append([auditEvent(tid, 'authz_fail')]);
      for (const role of ['sekisho_tenant', 'sekisho_system']) {
        const enter = {
          text: "select set_config('role', $1, true), set_config('sekisho.tid', $2, true)",
          values: [role, tid],
        };
        for (const text of [
          "update sekisho.audit set action = 'x'",
          'delete from sekisho.audit',
          'truncate sekisho.audit',
        ]) {
          const tried = fixture.database.transaction([enter, { text }]);
          await expect(tried).rejects.toMatchObject({ sqlState: '42501' });
        }
      }
      expect(await fixture.record.audit.list(tid, {}, ALL)).toHaveLength(1);
    });

    test('of several nodes that make a key at once, one does', async () => {
      const { keys } = fixture.record;
      const key = (activeFromMs: number): StoredKey => ({
        kid: newId(),
        purpose: 'access',
        alg: 'ES256',
        publicJwk: { kty: 'EC', x: 'x' },
        privateSealed: new Uint8Array([0, 1, 254, 255]),
        activeFromMs,
        retiredAtMs: null,
      });
      const first = Array.from({ length: 8 }, () => key(START_MS));
      const added = await Promise.all(first.map((one) => keys.add(one, 0)));
      expect(added.filter((one) => one)).toHaveLength(1);
      const winner = first[added.indexOf(true)];
      const [stored] = await keys.list();
      expect(stored).toMatchObject({ ...winner, privateSealed: expect.anything() });
      expect([...(stored?.privateSealed ?? [])]).toEqual([0, 1, 254, 255]);
      expect(await keys.add(key(START_MS + 5), START_MS)).toBe(false);
      const next = key(START_MS + 5);
      expect(await keys.add(next, START_MS + 1)).toBe(true);
      await keys.retire(winner?.kid ?? '', START_MS + 7);
      await keys.retire(winner?.kid ?? '', START_MS + 9);
      expect((await keys.list()).map((one) => [one.kid, one.retiredAtMs])).toEqual([
        [winner?.kid, START_MS + 7],
        [next.kid, null],
      ]);
    });

    test('B14 ASVS 16.2.1 a signing key and the audit rows of it come together, or neither does', async () => {
      const { keys, audit } = fixture.record;
      const key = (activeFromMs: number): StoredKey => ({
        ...{ kid: newId(), purpose: 'access', alg: 'ES256', publicJwk: { kty: 'EC', x: 'x' } },
        ...{ privateSealed: new Uint8Array([1]), activeFromMs, retiredAtMs: null },
      });
      const told = async () => (await audit.list('', {}, ALL)).map(({ id }) => id);
      const laterMs = START_MS + 1_000;
      const first = key(laterMs);
      const made = auditEvent(null, 'signing_key_made');
      expect(await keys.add(first, laterMs, [made])).toBe(true);
      expect(await told()).toContain(made.id);
      // Refused, it leaves no row; and without its row it is not there.
      const refused = auditEvent(null, 'signing_key_made');
      expect(await keys.add(key(laterMs), laterMs, [refused])).toBe(false);
      expect(await told()).not.toContain(refused.id);
      const unwritten = key(laterMs + 1);
      await expect(keys.add(unwritten, laterMs + 1, [made])).rejects.toThrow();
      await expect(keys.retire(first.kid, laterMs + 2, [made])).rejects.toThrow();
      const there = await keys.list();
      expect(there.find(({ kid }) => kid === unwritten.kid)).toBeUndefined();
      expect(there.find(({ kid }) => kid === first.kid)?.retiredAtMs).toBeNull();
      const retired = auditEvent(null, 'signing_key_retired');
      await keys.retire(first.kid, laterMs + 2, [retired]);
      await keys.retire('no such key', laterMs + 2, [refused]);
      expect(await told()).toContain(retired.id);
      expect(await told()).not.toContain(refused.id);
    });

    test('a setting keeps its first value', async () => {
      const { keys } = fixture.record;
      const kept = await Promise.all(['a', 'b', 'c'].map((value) => keys.setting('issuer', value)));
      expect(new Set(kept).size).toBe(1);
      expect(await keys.setting('issuer', 'd')).toBe(kept[0]);
      expect(await keys.setting('another', 'd')).toBe('d');
    });

    test('A3 clean-up removes what ended long ago, in batches, and nothing else', async () => {
      const { tid } = await seedTenant(fixture, {
        max_sessions_per_user: 100,
        absolute_timeout: 3600,
      });
      const uid = await seedUser(fixture, tid);
      const { sessions, cleanup } = fixture.record;
      const beforeMs = START_MS + 4_000_000;
      const old = [];
      for (let index = 0; index < 5; index += 1) old.push(await openSession(fixture, tid, uid));
      await present(fixture, old[0]?.token ?? '', START_MS);
      const loggedOut = await openSession(fixture, tid, uid, beforeMs);
      await byHand(fixture.database, {
        text: `update sekisho.session set ended_at = $3, ended_how = 'logout' where tid = $1 and sid = $2`,
        values: [tid, loggedOut.sid, new Date(START_MS)],
      });
      const kept = await openSession(fixture, tid, uid, beforeMs);
      const lately = await openSession(fixture, tid, uid, beforeMs);
      await byHand(fixture.database, {
        text: `update sekisho.session set ended_at = $3, ended_how = 'logout' where tid = $1 and sid = $2`,
        values: [tid, lately.sid, new Date(beforeMs)],
      });
      const batches = [];
      for (let n = 0; n < 4; n += 1)
        batches.push((await cleanup.clean('sessions', beforeMs, null, 4)).removed);
      expect(batches).toEqual([4, 2, 0, 0]);
      const left = await sessions.list(tid, uid, 'all', ALL, beforeMs);
      expect(left.map((row) => row.sid).toSorted()).toEqual([kept.sid, lately.sid].toSorted());
      const used = 'select count(*) as n from sekisho.refresh_used where tid = $1';
      expect(await byHand(fixture.database, { text: used, values: [tid] })).toEqual([{ n: 0 }]);
    });

    test('A3 parallel clean-up on several nodes removes each row once', async () => {
      const { tid } = await seedTenant(fixture);
      const { sessions, attempts, cleanup } = fixture.record;
      for (let index = 0; index < 20; index += 1) {
        await sessions.useTicket(tid, newId(), START_MS + (index < 15 ? 0 : 10_000));
        const rule = { attempts: 9, windowMs: 1000, maxWaitMs: 1000 };
        const nowMs = START_MS + (index < 15 ? 0 : 10_000);
        await attempts.reserve(
          tid,
          [{ kind: 'account', key: `a${index}`, ...rule }],
          newId(),
          nowMs,
        );
      }
      await byHand(fixture.database, {
        text: `insert into sekisho.idempotency_key (tid, uid, key, body_hash, operation_id, created_at)
          select $1, 'u', 'k' || n, '\\x00', 'o' || n, $2::timestamptz + (n / 15) * interval '10 s'
            from generate_series(0, 19) n`,
        values: [tid, new Date(START_MS)],
      });
      await byHand(fixture.database, {
        text: `insert into sekisho.password_reset (tid, token_hash, uid, expires_at)
          select $1, decode(lpad(to_hex(n), 64, '0'), 'hex'), 'u', $2::timestamptz + (n / 15) * interval '10 s'
            from generate_series(0, 19) n`,
        values: [tid, new Date(START_MS)],
      });
      for (const kind of ['tickets', 'attempts', 'idempotencyKeys', 'resets'] as const) {
        const remove = async (beforeMs: number, batch: number): Promise<number> =>
          (await cleanup.clean(kind, beforeMs, null, batch)).removed;
        const removed = await Promise.all(Array.from({ length: 4 }, () => remove(START_MS + 1, 4)));
        let total = removed.reduce((sum, n) => sum + n, 0);
        expect(Math.max(...removed)).toBeLessThanOrEqual(4);
        for (let n = 0; n < 5; n += 1) total += await remove(START_MS + 1, 4);
        expect(total).toBe(15);
        expect(await remove(START_MS + 1, 4)).toBe(0);
      }
    });

    test('FORGET B10 a node that joins takes in what lies above the horizon; the rows stay readable', async () => {
      const { log, maintenance } = fixture.record;
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const at = async (nowMs: number) => {
        const { entries } = await committed(fixture, { revoke: [ofUser(tid, uid)], nowMs });
        return entries[0]?.position ?? 0;
      };
      const old = await at(START_MS - 2);
      const older = await at(START_MS - 1);
      const young = await at(START_MS + 10_000);
      // Committed by a node whose clock is behind: it is above a young one, so it stays.
      await at(START_MS - 1);
      expect(await maintenance.forgetLog(START_MS + 1)).toBe(older);
      expect((await log.snapshot()).horizon).toBe(older);
      expect((await wholeLog(log)).map(({ position }) => position)).toEqual([young, young + 1]);
      expect((await log.fetch(older, 10)).horizon).toBe(older);
      expect(await maintenance.forgetLog(START_MS - 2)).toBe(older);
      expect((await log.list(tid, ALL)).map(({ position }) => position)).toContain(old);
      expect(await maintenance.forgetLog(START_MS + 20_000)).toBe(young + 1);
      expect(await wholeLog(log)).toEqual([]);
      expect(await at(START_MS)).toBe(young + 2);
    });

    test('a checkpoint changes nothing that can be read', async () => {
      const { tid } = await seedTenant(fixture);
      const { sid } = await openSession(fixture, tid, await seedUser(fixture, tid));
      const before = await fixture.record.sessions.get(tid, sid, START_MS);
      await fixture.record.maintenance.checkpoint();
      expect(await fixture.record.sessions.get(tid, sid, START_MS)).toEqual(before);
    });
  });
}
