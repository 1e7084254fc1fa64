import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { Change } from '../../../src/record/contract.ts';
import {
  candidates,
  follow,
  hashRefreshToken,
  makeRefreshToken,
} from '../../../src/token/refresh-token.ts';
import { actingSession, commitOne, committed, ofUser, request } from '../../support/requests.ts';
import {
  auditEvent,
  byHand,
  openSession,
  present,
  type RecordFixture,
  ring,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const ALL = { limit: 200, cursor: null };
const MINUTE_MS = 60_000;

const newHash = () => createHash('sha256').update(randomBytes(32)).digest();

/** Service clients: made, given new secrets and deleted by commits. */
export function clientSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`service clients on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    function creation(
      tid: string,
      parts: Partial<Extract<Change, { kind: 'client_create' }>> = {},
    ) {
      return {
        ...{ kind: 'client_create', tid, cid: newId(), name: 'billing' },
        secret: { hash: newHash(), endsAtMs: null },
        ...parts,
      } as const satisfies Change;
    }

    async function seedClient(tid: string): Promise<{ cid: string; hash: Uint8Array }> {
      const change = creation(tid);
      await committed(fixture, { change });
      return { cid: change.cid, hash: change.secret.hash };
    }

    test('ASVS 8.4.1 a client is made in its tenant, and is nobody’s in another one', async () => {
      const [here, there] = [await seedTenant(fixture), await seedTenant(fixture)];
      const change = creation(here.tid, {
        secret: { hash: newHash(), endsAtMs: START_MS + 5_000 },
      });
      const audit = [auditEvent(here.tid, 'client_created')];
      await committed(fixture, { change, audit });
      const { clients } = fixture.record;
      const client = {
        ...{ cid: change.cid, name: 'billing', createdAtMs: START_MS, lastUsedAtMs: null },
        ...{ secretMadeAtMs: START_MS, secretEndsAtMs: START_MS + 5_000, oldSecretEndsAtMs: null },
      };
      expect(await clients.get(here.tid, change.cid)).toEqual(client);
      expect(await clients.credentials(here.tid, change.cid)).toEqual({
        client,
        tenantStatus: 'active',
        secrets: [{ hash: expect.anything(), endsAtMs: START_MS + 5_000 }],
      });
      expect(await clients.get(there.tid, change.cid)).toBeNull();
      expect(await clients.credentials(there.tid, change.cid)).toBeNull();
      expect(await clients.credentials(newId(), change.cid)).toBeNull();
      expect(await clients.list(there.tid, ALL)).toEqual([]);
      // The row stands in the transaction of what it records.
      expect(await fixture.record.audit.list(here.tid, {}, ALL)).toEqual(audit);
    });

    test('ASVS 8.4.1 another tenant’s id, or one that is gone, is not found and changes nothing', async () => {
      const [here, there] = [await seedTenant(fixture), await seedTenant(fixture)];
      const { cid, hash } = await seedClient(there.tid);
      const audit = [auditEvent(here.tid, 'client_deleted')];
      for (const change of [
        { kind: 'client_delete', tid: here.tid, cid },
        { kind: 'client_delete', tid: here.tid, cid: newId() },
        {
          ...{ kind: 'client_secret', tid: here.tid, cid, oldEndsAtMs: START_MS },
          secret: { hash: newHash(), endsAtMs: null },
        },
      ] as const satisfies readonly Change[]) {
        expect(await commitOne(fixture, { change, audit })).toEqual({ kind: 'not_found' });
      }
      const nowhere = creation(newId());
      expect(await commitOne(fixture, { change: nowhere })).toEqual({ kind: 'not_found' });
      const still = await fixture.record.clients.credentials(there.tid, cid);
      expect(still?.secrets.map((one) => Buffer.from(one.hash))).toEqual([Buffer.from(hash)]);
      expect(await fixture.record.audit.list(here.tid, {}, ALL)).toEqual([]);
    });

    test('a new secret leaves the one before it its overlap, never more than it had, and none older', async () => {
      const { tid } = await seedTenant(fixture);
      const { cid, hash: first } = await seedClient(tid);
      const rotate = async (endsAtMs: number | null, oldEndsAtMs: number) => {
        const secret = { hash: newHash(), endsAtMs };
        await committed(fixture, {
          change: { kind: 'client_secret', tid, cid, secret, oldEndsAtMs },
        });
        return secret.hash;
      };
      const secrets = async () =>
        (await fixture.record.clients.credentials(tid, cid))?.secrets.map(({ hash, endsAtMs }) => [
          Buffer.from(hash).toString('hex'),
          endsAtMs,
        ]);
      const hex = (hash: Uint8Array) => Buffer.from(hash).toString('hex');
      const second = await rotate(START_MS + 2_000, START_MS + 9_000);
      expect(await secrets()).toEqual([
        [hex(second), START_MS + 2_000],
        [hex(first), START_MS + 9_000],
      ]);
      const third = await rotate(null, START_MS + 9_000);
      expect(await secrets()).toEqual([
        [hex(third), null],
        [hex(second), START_MS + 2_000],
      ]);
    });

    test('ASVS 15.4.2 many new secrets at once: one after the other, at most two hold', async () => {
      const { tid } = await seedTenant(fixture);
      const { cid } = await seedClient(tid);
      const hashes = Array.from({ length: 8 }, newHash);
      const outcomes = await Promise.all(
        hashes.map((hash) =>
          commitOne(fixture, {
            change: {
              ...{ kind: 'client_secret', tid, cid, oldEndsAtMs: START_MS + MINUTE_MS },
              secret: { hash, endsAtMs: null },
            },
          }),
        ),
      );
      expect(outcomes.map((outcome) => outcome.kind)).toEqual(hashes.map(() => 'committed'));
      const found = await fixture.record.clients.credentials(tid, cid);
      const made = hashes.map((hash) => hash.toString('hex'));
      const kept = found?.secrets.map(({ hash }) => Buffer.from(hash).toString('hex')) ?? [];
      expect(kept).toHaveLength(2);
      expect(new Set(kept).size).toBe(2);
      for (const one of kept) expect(made).toContain(one);
    });

    test('of many who delete a client at once, one does', async () => {
      const { tid } = await seedTenant(fixture);
      const { cid } = await seedClient(tid);
      const change = { kind: 'client_delete', tid, cid } as const;
      const outcomes = await Promise.all(
        Array.from({ length: 6 }, () => commitOne(fixture, { change })),
      );
      expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual([
        'committed',
        ...Array.from({ length: 5 }, () => 'not_found'),
      ]);
      expect(await fixture.record.clients.get(tid, cid)).toBeNull();
      const both = await fixture.record.log.commit([
        request({ change: creation(tid, { cid }) }),
        request({ change }),
      ]);
      expect(both.map((outcome) => outcome.kind)).toEqual(['committed', 'committed']);
    });

    test('AUTHORITY ASVS 8.3.2 a demoted administrator makes and deletes none, whatever their token says', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { roles: ['admin'] });
      const { sid } = await openSession(fixture, tid, uid);
      const { cid } = await seedClient(tid);
      const actor = actingSession(tid, uid, sid);
      const mine = creation(tid);
      expect(await commitOne(fixture, { actor, change: mine })).toMatchObject({
        kind: 'committed',
      });
      await byHand(fixture.database, {
        text: "update sekisho.tenant_user set roles = '{member}' where tid = $1 and uid = $2",
        values: [tid, uid],
      });
      for (const change of [
        creation(tid),
        { kind: 'client_delete', tid, cid },
        {
          ...{ kind: 'client_secret', tid, cid, oldEndsAtMs: START_MS },
          secret: { hash: newHash(), endsAtMs: null },
        },
      ] as const satisfies readonly Change[]) {
        expect(await commitOne(fixture, { actor, change })).toEqual({ kind: 'role_lost' });
      }
      const left = await fixture.record.clients.list(tid, ALL);
      expect(left.map((one) => one.cid).sort()).toEqual([cid, mine.cid].sort());
    });

    test('A6 they are listed newest first, in pages', async () => {
      const { tid } = await seedTenant(fixture);
      const made: string[] = [];
      for (let index = 0; index < 5; index += 1) {
        const change = creation(tid);
        await committed(fixture, { change, nowMs: START_MS + Math.floor(index / 2) * 1000 });
        made.push(change.cid);
      }
      const { clients } = fixture.record;
      const seen: string[] = [];
      for (let cursor: (typeof ALL)['cursor'] | { atMs: number; id: string } = null; ; ) {
        const page = await clients.list(tid, { limit: 2, cursor });
        seen.push(...page.map((one) => one.cid));
        const last = page.at(-1);
        if (last === undefined) break;
        cursor = { atMs: last.createdAtMs, id: last.cid };
      }
      expect([...seen].sort()).toEqual([...made].sort());
      expect(seen[0]).toBe(made[4]);
      expect(new Set(seen).size).toBe(5);
    });

    test('its last use is written at most once in a time, never moved back, and brings nobody back', async () => {
      const { tid } = await seedTenant(fixture);
      const other = await seedTenant(fixture);
      const { cid } = await seedClient(tid);
      const { clients } = fixture.record;
      const lastUsed = async () => (await clients.get(tid, cid))?.lastUsedAtMs;
      await clients.touch(tid, cid, START_MS + 1_000, MINUTE_MS);
      expect(await lastUsed()).toBe(START_MS + 1_000);
      await clients.touch(tid, cid, START_MS + MINUTE_MS, MINUTE_MS);
      await clients.touch(tid, cid, START_MS, MINUTE_MS);
      await clients.touch(other.tid, cid, START_MS + 9 * MINUTE_MS, MINUTE_MS);
      expect(await lastUsed()).toBe(START_MS + 1_000);
      await clients.touch(tid, cid, START_MS + 1_000 + MINUTE_MS, MINUTE_MS);
      expect(await lastUsed()).toBe(START_MS + 1_000 + MINUTE_MS);
      await clients.touch(tid, newId(), START_MS, MINUTE_MS);
      expect(await clients.list(tid, ALL)).toHaveLength(1);
    });

    test('RFC 7662 a refresh token is live while a refresh would take it, and asking uses nothing up', async () => {
      const { tid } = await seedTenant(fixture);
      const other = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { roles: ['auditor'] });
      const { sid, token, row } = await openSession(fixture, tid, uid);
      const { sessions } = fixture.record;
      const ask = (one: string, at = START_MS, by = { tid, sid }) =>
        sessions.ofLiveRefreshToken(by.tid, by.sid, hashRefreshToken(one), at);
      const found = await ask(token);
      expect(found).toMatchObject({
        ...{ session: { ...row }, user: { uid, roles: ['auditor'] }, issuedAtMs: START_MS },
      });
      expect(await ask(token)).toEqual(found);
      expect(await ask(makeRefreshToken(tid, sid))).toBeNull();
      expect(await ask(token, START_MS, { tid: other.tid, sid })).toBeNull();
      expect(await ask(token, START_MS, { tid, sid: newId() })).toBeNull();
      expect(await ask(token, row.expiresAtMs)).toBeNull();
      const { live } = await present(fixture, token, START_MS + 500);
      // A used one, though a repeat of it would still be answered.
      expect(await ask(token)).toBeNull();
      expect(await ask(live ?? '')).toMatchObject({
        ...{ session: { sid, rot: 1 }, issuedAtMs: START_MS + 500 },
      });
      // The record has lost the rotation that gave it: its successor is what the client holds.
      const [next] = candidates(ring, live ?? '');
      const successor = follow(ring, live ?? '', [next?.keyId ?? '']);
      expect(await ask(successor ?? '')).toMatchObject({ session: { sid }, issuedAtMs: null });
      const byStatus = async (table: string, status: string) =>
        byHand(fixture.database, {
          text: `update sekisho.${table} set status = $2 where tid = $1`,
          values: [tid, status],
        });
      for (const [table, off] of [
        ['tenant', 'suspended'],
        ['tenant_user', 'disabled'],
      ] as const) {
        await byStatus(table, off);
        expect(await ask(live ?? '')).toBeNull();
        await byStatus(table, 'active');
      }
      await committed(fixture, { revoke: [ofUser(tid, uid)] });
      expect(await ask(live ?? '')).toBeNull();
    });

    test('credentials tell of a suspended tenant', async () => {
      const { tid } = await seedTenant(fixture);
      const { cid } = await seedClient(tid);
      await byHand(fixture.database, {
        text: "update sekisho.tenant set status = 'suspended' where tid = $1",
        values: [tid],
      });
      expect(await fixture.record.clients.credentials(tid, cid)).toMatchObject({
        tenantStatus: 'suspended',
      });
    });
  });
}
