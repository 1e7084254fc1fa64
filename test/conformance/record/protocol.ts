import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import { loadFunctions } from '../../../src/record/assets.ts';
import type { NewMember, StoredKey } from '../../../src/record/contract.ts';
import { digestOf } from '../../../src/revocation/digest.ts';
import type { Subject } from '../../../src/revocation/types.ts';
import { publishedKeysAt, signingKeyAt } from '../../../src/token/key-set.ts';
import { wholeLog } from '../../support/log.ts';
import { commitOne, committed, ofUser, request } from '../../support/requests.ts';
import {
  auditEvent,
  byHand,
  openSession,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

const SYSTEM = { kind: 'system' } as const;

/** The log as nodes follow it, generations, and the members. */
export function protocolSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`the protocol on ${kind}`, () => {
    let fixture: RecordFixture;
    let tid: string;
    let uid: string;
    beforeAll(async () => {
      fixture = await open();
      ({ tid } = await seedTenant(fixture));
      uid = await seedUser(fixture, tid);
    });
    afterAll(async () => {
      await fixture?.close();
    });

    const revoke = () => committed(fixture, { revoke: [ofUser(tid, uid)] });
    const head = async () => (await fixture.record.log.head()).head;

    function member(parts: Partial<NewMember> = {}): NewMember {
      return {
        id: newId(),
        leaseMs: 750,
        toleranceMs: 10_000,
        version: 1,
        address: null,
        ...parts,
      };
    }

    /** As after a restart or a failover: the server is not the one that the head knows. */
    const foreign = () =>
      byHand(fixture.database, { text: "update sekisho.head set identity = 'another server'" });

    describe('the log', () => {
      test('FOLLOW B9 entries come in order from where a node is, in pages, with the head of that moment', async () => {
        const { position: before } = await head();
        for (let count = 0; count < 5; count += 1) await revoke();
        const { log } = fixture.record;
        const page = await log.fetch(before + 1, 3);
        expect(page.entries.map((entry) => entry.position)).toEqual([
          ...[before + 2, before + 3, before + 4],
        ]);
        expect(page).toMatchObject({
          horizon: 0,
          identityAgrees: true,
          head: { position: before + 5 },
        });
        expect((await log.fetch(before + 5, 100)).entries).toEqual([]);
        const snapshot = await log.snapshot();
        expect((await wholeLog(log)).map((entry) => entry.position)).toEqual(
          Array.from({ length: before + 5 }, (_, index) => index + 1),
        );
        expect(snapshot).toMatchObject({ horizon: 0, identityAgrees: true });
        expect(snapshot.lineage[0]?.id).toBe(snapshot.head.generation);
      });

      test('RECONCILE B9 the digest is the one that nodes make of the same entries', async () => {
        await revoke();
        await committed(fixture, {
          revoke: [{ scope: 'reissue', tid, uid: null, sid: null, sparedSid: null }],
        });
        const { log } = fixture.record;
        const entries = await wholeLog(log);
        const last = entries.length;
        expect((await log.digest(1, last)).digest).toBe(digestOf(entries));
        expect((await log.digest(2, last - 1)).digest).toBe(digestOf(entries.slice(1, -1)));
        expect((await log.digest(last + 1, last + 9)).digest).toBe(digestOf([]));
      });

      test('a tenant’s log is listed newest first, in pages', async () => {
        const { log } = fixture.record;
        for (let count = 0; count < 3; count += 1) await revoke();
        const all = await log.list(tid, { limit: 200, cursor: null });
        const positions = all.map((row) => row.position);
        expect(positions).toEqual([...positions].sort((a, b) => b - a));
        const [first, second] = all;
        const cursor = { atMs: first?.committedAtMs ?? 0, id: String(first?.position) };
        expect(await log.list(tid, { limit: 1, cursor })).toEqual([second]);
      });
    });

    describe('generations', () => {
      test('GENERATION on a changed server nothing is written; a new generation is begun once, with its lineage', async () => {
        const { log } = fixture.record;
        const old = await head();
        await foreign();
        expect(await log.head()).toMatchObject({ identityAgrees: false });
        expect(await log.fetch(0, 10)).toMatchObject({ identityAgrees: false });
        const batch = [
          request({ revoke: [ofUser(tid, uid)] }),
          request({ change: { kind: 'user_patch', tid, uid, ifVersion: null, name: 'lost' } }),
        ];
        const changed = { kind: 'identity_changed', head: old };
        expect(await log.commit(batch)).toEqual([changed, changed]);
        expect((await fixture.record.users.get(tid, uid))?.name).not.toBe('lost');
        expect(await log.operation(tid, batch[0]?.operationId ?? '')).toEqual({ kind: 'unknown' });

        const begun = await Promise.all(
          Array.from({ length: 4 }, () => log.beginGeneration(old.generation, newId(), false)),
        );
        expect(new Set(begun.map((one) => one.generation)).size).toBe(1);
        const [now] = begun;
        expect(now).toMatchObject({ position: old.position });
        expect(now?.generation).not.toBe(old.generation);
        const { lineage, identityAgrees } = await log.lineage();
        expect(identityAgrees).toBe(true);
        expect(lineage.slice(0, 2)).toMatchObject([
          { id: now?.generation, parent: old.generation, parentEnd: old.position, settled: false },
          { id: old.generation },
        ]);
        expect((await revoke()).entries).toMatchObject([
          { generation: now?.generation, position: old.position + 1 },
        ]);
      });

      test('GENERATION without a reason none is begun; by force one is, once', async () => {
        const { log } = fixture.record;
        const old = await head();
        expect(await log.beginGeneration(old.generation, newId(), false)).toEqual(old);
        const forced = await log.beginGeneration(old.generation, newId(), true);
        expect(forced.generation).not.toBe(old.generation);
        expect(await log.beginGeneration(old.generation, newId(), true)).toEqual(forced);
      });

      test('RESTORE generation and floor come in one transaction, once, on whatever server; open resets are void', async () => {
        const { log } = fixture.record;
        const { sid } = await openSession(fixture, tid, uid);
        await committed(fixture, {
          change: {
            ...{ kind: 'password_reset', tid, uid },
            reset: { tokenHash: new Uint8Array(32), expiresAtMs: START_MS + 3_600_000 },
          },
        });
        const key = (kid: string, activeFromMs: number): StoredKey => ({
          ...{ kid, purpose: 'access', alg: 'ES256', publicJwk: {}, retiredAtMs: null },
          ...{ privateSealed: Uint8Array.of(1, 2, 255), activeFromMs },
        });
        const [signing, coming] = [key(newId(), START_MS), key(newId(), START_MS + 3_600_000)];
        for (const one of [signing, coming])
          expect(await fixture.record.keys.add(one, one.activeFromMs)).toBe(true);
        const restoredKeys = { withdrawnAtMs: START_MS - 7000, key: key(newId(), START_MS - 60) };
        const old = await head();
        await foreign();
        const generation = newId();
        const declaration = request({
          restoredKeys,
          revoke: [{ scope: 'all', tid: null, uid: null, sid: null, sparedSid: null }],
          restored: generation,
          audit: [auditEvent(null, 'record_restored')],
        });
        const before = fixture.record.statementCount();
        const [outcome] = await log.commit([declaration]);
        expect(fixture.record.statementCount()).toBe(before + 1);
        expect(outcome).toMatchObject({
          kind: 'committed',
          head: { generation, position: old.position + 1 },
          entries: [{ scope: 'all', generation, position: old.position + 1, tid: null }],
        });
        expect((await log.lineage()).lineage[0]).toMatchObject({
          ...{ id: generation, parent: old.generation, parentEnd: old.position, settled: false },
        });
        expect(await fixture.record.sessions.get(tid, sid, START_MS)).toMatchObject({
          state: 'revoked',
        });
        expect(
          await byHand(fixture.database, { text: 'select from sekisho.password_reset' }),
        ).toEqual([]);
        const audited = await byHand(fixture.database, {
          text: "select tid from sekisho.audit where action = 'record_restored'",
        });
        expect(audited).toEqual([{ tid: '' }]);
        // Those that were there were never good for anything; the new one is the last that became active.
        const kept = await fixture.record.keys.list();
        // The clock that declared it is years ahead of the record's, by which all of it holds nevertheless.
        const { privateSealed, activeFromMs: _, ...made } = restoredKeys.key;
        for (const nowMs of [Date.now() - 30_000, Date.now()]) {
          expect(publishedKeysAt(kept, nowMs).map(({ kid }) => kid)).toEqual([made.kid]);
          expect(signingKeyAt(kept, nowMs)?.kid).toBe(made.kid);
        }
        for (const { kid } of [signing, coming]) {
          const { activeFromMs, retiredAtMs } = kept.find((one) => one.kid === kid) ?? {};
          expect(activeFromMs).toBe(retiredAtMs);
        }
        expect(kept.at(-1)).toMatchObject(made);
        expect([...(kept.at(-1)?.privateSealed ?? [])]).toEqual([...privateSealed]);
        // Declared again, it begins nothing: the id is known.
        const again = await log.commit([{ ...declaration, restored: newId() }]);
        expect(await fixture.record.keys.list()).toEqual(kept);
        expect(again).toMatchObject([{ kind: 'duplicate', row: { generation } }]);
        expect(await head()).toEqual({ generation, position: old.position + 1 });
        // One whose clock has not come so far is believed.
        const pastMs = Date.UTC(2020, 0, 1);
        const behind = { withdrawnAtMs: pastMs - 7000, key: key(newId(), pastMs) };
        await log.commit([
          {
            ...{ ...declaration, operationId: newId(), restored: newId(), audit: [] },
            restoredKeys: behind,
          },
        ]);
        const held = await fixture.record.keys.list();
        expect(held.find(({ kid }) => kid === behind.key.kid)?.activeFromMs).toBe(pastMs);
        const withdrawn = { activeFromMs: pastMs - 7000, retiredAtMs: pastMs - 7000 };
        expect(held.find(({ kid }) => kid === made.kid)).toMatchObject(withdrawn);
        const stranger = { ...declaration, operationId: newId(), actor: SYSTEM };
        await expect(log.commit([stranger])).rejects.toMatchObject({ code: 'internal' });
      });

      test('UPGRADE an entry of a newer scope waits until every member knows it; a hand-in does not', async () => {
        const { database, record } = fixture;
        const original = loadFunctions().find((one) => one.name === 'scope_version')?.text ?? '';
        const newer = original.replace('then 1 end', "then 1 when p_scope = 'region' then 2 end");
        await database.script(newer);
        try {
          const [old, upgraded] = [member(), member({ version: 2 })];
          const subject = { scope: 'region', tid, uid: null, sid: null, sparedSid: null };
          const revoke = [subject as unknown as Subject];
          await record.members.removeAllBut('nobody');
          await record.members.join(upgraded);
          await record.members.join(old);
          expect(await commitOne(fixture, { revoke })).toEqual({ kind: 'members_behind' });
          expect(await commitOne(fixture, { revoke: [ofUser(tid, uid)] })).toMatchObject({
            kind: 'committed',
          });
          expect(await commitOne(fixture, { revoke, actor: SYSTEM, handIn: true })).toMatchObject({
            kind: 'committed',
          });
          await record.members.leave(old.id);
          expect(await commitOne(fixture, { revoke })).toMatchObject({
            ...{ kind: 'committed', entries: [{ scope: 'region' }] },
          });
          // No release knows this one.
          const unheard = [{ ...subject, scope: 'galaxy' } as unknown as Subject];
          expect(await commitOne(fixture, { revoke: unheard })).toEqual({ kind: 'members_behind' });
        } finally {
          await database.script(original);
        }
      });

      test('FIRST TERM a generation is settled by whoever waited', async () => {
        const { log } = fixture.record;
        const { generation } = await head();
        await log.settle(generation);
        expect((await log.lineage()).lineage[0]).toMatchObject({ id: generation, settled: true });
      });
    });

    describe('members', () => {
      beforeEach(async () => {
        await fixture.record.members.removeAllBut('nobody');
      });

      test('B10 HEARTBEAT proves, renews and acknowledges in one write', async () => {
        const { members } = fixture.record;
        const own = member({ address: 'http://127.0.0.1:4001' });
        const joined = await members.join(own);
        expect(joined).toMatchObject({ head: await head(), identityAgrees: true });
        expect(Math.abs(joined.recordTimeMs - Date.now())).toBeLessThan(60_000);
        const { head: seen } = await revoke();
        const statements = fixture.record.statementCount();
        const beat = await members.heartbeat(own.id, seen.generation, seen.position);
        expect(fixture.record.statementCount()).toBe(statements + 1);
        expect(beat).toMatchObject({ kind: 'beat', head: seen, identityAgrees: true });
        expect(await members.list()).toMatchObject([
          { ...own, beat: 1, generation: seen.generation, applied: seen.position },
        ]);
        await foreign();
        expect(await members.heartbeat(own.id, 'g', 0)).toMatchObject({ identityAgrees: false });
        await fixture.record.log.beginGeneration(seen.generation, newId(), false);
      });

      test('MEMBERS a removed node is told so by heartbeat and barrier', async () => {
        const { members } = fixture.record;
        const own = member();
        await members.join(own);
        await members.leave(own.id);
        expect(await members.heartbeat(own.id, 'g', 0)).toEqual({ kind: 'removed' });
        expect(await members.listForBarrier(own.id)).toEqual({ kind: 'removed' });
      });

      test('MEMBERS a member is removed only at the beat that was watched', async () => {
        const { members } = fixture.record;
        const own = member();
        await members.join(own);
        await members.heartbeat(own.id, 'g', 0);
        expect(await members.remove(own.id, 0)).toBe(false);
        expect(await members.remove(own.id, 1)).toBe(true);
        expect(await members.remove(own.id, 1)).toBe(false);
      });

      test('BARRIER lists all members by a write of the caller’s own row', async () => {
        const { members } = fixture.record;
        const [own, other] = [member(), member({ leaseMs: 500, toleranceMs: 0 })];
        await members.join(own);
        await members.join(other);
        await members.heartbeat(other.id, 'g', 7);
        const listed = await members.listForBarrier(own.id);
        if (listed.kind !== 'members') throw new Error('removed');
        expect(listed).toMatchObject({ head: await head(), identityAgrees: true });
        const rows = new Map(listed.members.map((row) => [row.id, row]));
        expect([...rows.keys()].sort()).toEqual([own.id, other.id].sort());
        expect(rows.get(other.id)).toMatchObject({ leaseMs: 500, toleranceMs: 0, applied: 7 });
        await committed(fixture, {});
        expect(await members.list()).toHaveLength(2);
        await members.removeAllBut(own.id);
        expect((await members.list()).map((row) => row.id)).toEqual([own.id]);
      });

      test('BARRIER says whether the generation is settled', async () => {
        const { log, members } = fixture.record;
        const own = member();
        await members.join(own);
        await log.beginGeneration((await head()).generation, newId(), true);
        expect(await members.listForBarrier(own.id)).toMatchObject({ settled: false });
        await log.settle((await head()).generation);
        expect(await members.listForBarrier(own.id)).toMatchObject({ settled: true });
      });
    });

    test('ASVS 8.4.1 the tenant role can neither write the log nor see a member or a key, asked by hand', async () => {
      const other = await seedTenant(fixture);
      await commitOne(fixture, {
        revoke: [{ scope: 'tenant', tid: other.tid, uid: null, sid: null, sparedSid: null }],
      });
      const enter = {
        text: "select set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', $1, true)",
        values: [tid],
      };
      const asked = async (text: string) =>
        (await fixture.database.transaction([enter, { text }]))[1];
      expect(await asked('select distinct tid from sekisho.revocation')).toEqual([{ tid }]);
      expect(await asked("select distinct tid from sekisho.floor where tid <> '*'")).toEqual([
        { tid },
      ]);
      expect(await asked('select tid from sekisho.tenant')).toEqual([{ tid }]);
      expect(await asked('select distinct tid from sekisho.operation')).toEqual([{ tid }]);
      for (const refused of [
        'select * from sekisho.member',
        'select * from sekisho.signing_key',
        'select * from sekisho.setting',
        'update sekisho.head set position = 0',
        'delete from sekisho.revocation',
        "update sekisho.audit set outcome = 'success'",
        'delete from sekisho.audit',
      ]) {
        await expect(asked(refused)).rejects.toMatchObject({ sqlState: '42501' });
      }
      await expect(
        asked(`insert into sekisho.floor (tid, uid, epoch) values ('${other.tid}', '', 1000000)`),
      ).rejects.toMatchObject({ sqlState: '42501' });
    });
  });
}
