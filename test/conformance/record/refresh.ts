import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import { follow, hashRefreshToken, makeRefreshToken } from '../../../src/token/refresh-token.ts';
import { createKeyRing } from '../../../src/token/secrets.ts';
import {
  behindLock,
  byHand,
  openSession,
  present,
  type RecordFixture,
  raiseFloor,
  revokeUser,
  ring,
  START_MS,
  seedTenant,
  seedUser,
  setPolicy,
  sight,
} from '../../support/seed.ts';

const GRACE_MS = 10_000;
const SECRET_A = 'the first secret of a ring of thirty-two bytes and more';
const SECRET_B = 'the second secret of a ring of thirty-two bytes and more';

/** Refresh: the rotation chain, its grace window, and everything that ends it. */
export function refreshSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`refresh on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function loggedIn(policy: Parameters<typeof seedTenant>[1] = {}) {
      const { tid } = await seedTenant(fixture, policy);
      const uid = await seedUser(fixture, tid, { roles: ['clerk'] });
      const session = await openSession(fixture, tid, uid);
      return { tid, uid, ...session };
    }

    async function hashesOf(tid: string, sid: string): Promise<Record<string, unknown>> {
      const [row] = await byHand(fixture.database, {
        text: 'select rot, current_hash, successor_hash from sekisho.session where tid = $1 and sid = $2',
        values: [tid, sid],
      });
      return row ?? {};
    }

    test('B6 ASVS 10.4.5 each refresh gives the next token, from what one statement read', async () => {
      const { tid, uid, sid, token } = await loggedIn();
      const head = await raiseFloor(fixture, { tid: (await seedTenant(fixture)).tid });
      await setPolicy(fixture, tid, { access_ttl: 60 });
      const first = await present(fixture, token, START_MS + 1000);
      expect(first.outcome).toMatchObject({
        kind: 'rotated',
        mint: {
          head,
          policy: { access_ttl: 60 },
          user: { uid, roles: ['clerk'] },
          session: { sid, rot: 1, state: 'active', lastSeenAtMs: START_MS },
        },
      });
      const second = await present(fixture, first.live ?? '', START_MS + 2000);
      expect(second.outcome).toMatchObject({ kind: 'rotated', mint: { session: { rot: 2 } } });
      expect(new Set([token, first.live, second.live]).size).toBe(3);
      const row = await hashesOf(tid, sid);
      expect(Buffer.from(row.current_hash as Uint8Array)).toEqual(
        hashRefreshToken(second.live ?? ''),
      );
      const events = await fixture.record.audit.list(
        tid,
        { action: 'authn_token_refreshed' },
        { limit: 9, cursor: null },
      );
      expect(events).toHaveLength(2);
      expect(events[0]).toMatchObject({
        actor: { kind: 'user', uid, sid },
        subject: { kind: 'session', id: sid },
      });
    });

    test('ASVS 7.1.1 a refresh is no activity', async () => {
      const { tid, sid, token } = await loggedIn();
      await present(fixture, token, START_MS + 5000);
      const row = await fixture.record.sessions.get(tid, sid, START_MS + 5000);
      expect(row).toMatchObject({ lastSeenAtMs: START_MS, createdAtMs: START_MS });
    });

    test('ASVS 10.4.5 a repeat within the window gets the live token, writes nothing and does not slide', async () => {
      const { tid, sid, token } = await loggedIn();
      const first = await present(fixture, token, START_MS);
      const second = await present(fixture, first.live ?? '', START_MS + 4000);
      const before = await hashesOf(tid, sid);
      for (const laterMs of [4000, 6000, 9999]) {
        const repeat = await present(fixture, token, START_MS + laterMs);
        expect(repeat.outcome).toMatchObject({ kind: 'replayed', mint: { session: { rot: 2 } } });
        expect(repeat.live).toBe(second.live);
      }
      await sight(fixture, { tid, sid }, 2);
      // Each used token has the window of its own first use.
      expect((await present(fixture, token, START_MS + GRACE_MS)).outcome.kind).toBe('reused');
      expect((await present(fixture, first.live ?? '', START_MS + GRACE_MS)).live).toBe(
        second.live,
      );
      const late = await present(fixture, first.live ?? '', START_MS + 4000 + GRACE_MS);
      expect(late.outcome.kind).toBe('reused');
      expect(await hashesOf(tid, sid)).toEqual(before);
      const page = { limit: 9, cursor: null };
      const events = await fixture.record.audit.list(
        tid,
        { action: 'authn_token_refreshed' },
        page,
      );
      expect(events).toHaveLength(2);
    });

    test('the window is that of the present policy, and none at 0', async () => {
      const { tid, sid, token } = await loggedIn({ refresh_grace: 0 });
      await present(fixture, token, START_MS);
      await sight(fixture, { tid, sid }, 1);
      expect((await present(fixture, token, START_MS)).outcome.kind).toBe('reused');
      await setPolicy(fixture, tid, { refresh_grace: 60 });
      expect((await present(fixture, token, START_MS + 59_999)).outcome.kind).toBe('replayed');
    });

    test('ASVS 15.4.2 fifty parallel refreshes of one token leave one live successor, held by all', async () => {
      const { tid, sid, token } = await loggedIn();
      const row = {
        text: 'select 1 from sekisho.session where tid = $1 and sid = $2 for update',
        values: [tid, sid],
      };
      const answers = await behindLock(fixture, row, () =>
        Promise.all(
          Array.from({ length: 50 }, (_, index) => present(fixture, token, START_MS + index)),
        ),
      );
      const kinds = answers.map((answer) => answer.outcome.kind).sort();
      expect(kinds).toEqual([...Array.from({ length: 49 }, () => 'replayed'), 'rotated']);
      const live = new Set(answers.map((answer) => answer.live));
      expect(live.size).toBe(1);
      const after = await hashesOf(tid, sid);
      expect(after.rot).toBe(1);
      const [held] = live;
      expect(Buffer.from(after.current_hash as Uint8Array)).toEqual(hashRefreshToken(held ?? ''));
    });

    test('ASVS 10.4.5 a secret that was never issued, a foreign session: unknown, and nothing happens', async () => {
      const { tid, sid, token } = await loggedIn();
      const other = await loggedIn();
      const before = await hashesOf(tid, sid);
      const unknown = { kind: 'unknown' };
      for (const made of [
        makeRefreshToken(tid, sid),
        makeRefreshToken(tid, newId()),
        makeRefreshToken(newId(), sid),
        makeRefreshToken(other.tid, sid),
        token.replace(tid, other.tid),
        token.replace(sid, other.sid),
      ]) {
        expect((await present(fixture, made, START_MS)).outcome).toEqual(unknown);
      }
      expect(await hashesOf(tid, sid)).toEqual(before);
      // Not even an expired session says anything to a stranger.
      const stranger = await present(fixture, makeRefreshToken(tid, sid), START_MS + 86_400_000);
      expect(stranger.outcome).toEqual(unknown);
    });

    test('a successor whose rotation the record has lost completes that rotation', async () => {
      const { tid, sid, token } = await loggedIn();
      const first = await present(fixture, token, START_MS + 1000);
      const second = await present(fixture, first.live ?? '', START_MS + 2000);
      const successor = follow(ring, second.live ?? '', [ring.newest.keyId]) ?? '';
      const answer = await present(fixture, successor, START_MS + 3000);
      expect(answer.outcome).toMatchObject({ kind: 'rotated', mint: { session: { rot: 4 } } });
      expect(answer.live).toBe(follow(ring, successor, [ring.newest.keyId]));
      await sight(fixture, { tid, sid }, 4);
      // Everything before it is used now, and leads to the live token while it may.
      for (const used of [second.live ?? '', successor]) {
        const repeat = await present(fixture, used, START_MS + 3001);
        expect(repeat.outcome.kind).toBe('replayed');
        expect(repeat.live).toBe(answer.live);
        const late = await present(fixture, used, START_MS + 3000 + GRACE_MS);
        expect(late.outcome.kind).toBe('reused');
      }
      expect((await hashesOf(tid, sid)).rot).toBe(4);
    });

    test('a key that this node lacks is said to be missing; a node that has it goes on', async () => {
      const old = createKeyRing(SECRET_A);
      const both = createKeyRing(`${SECRET_B},${SECRET_A}`);
      const { token } = await loggedIn();
      const missing = { kind: 'key_missing', keyId: ring.newest.keyId };
      expect((await present(fixture, token, START_MS, old)).outcome).toEqual(missing);
      const first = await present(fixture, token, START_MS);
      expect(first.outcome.kind).toBe('rotated');
      // The successor of this one was derived under the key of that ring, and under no other.
      const second = await present(fixture, first.live ?? '', START_MS, both);
      expect(second.outcome).toEqual(missing);
      expect((await present(fixture, token, START_MS, both)).outcome).toEqual(missing);
    });

    test('a new secret goes in front without ending a chain', async () => {
      const old = createKeyRing(SECRET_A);
      const both = createKeyRing(`${SECRET_B},${SECRET_A}`);
      const fresh = createKeyRing(SECRET_B);
      const { tid, sid, token } = await loggedIn();
      // The chain is put under the old key, as if it had begun there.
      const first = follow(old, token, [old.newest.keyId]) ?? '';
      await byHand(fixture.database, {
        text: 'update sekisho.session set successor_hash = $3, successor_key_id = $4 where tid = $1 and sid = $2',
        values: [tid, sid, hashRefreshToken(first), old.newest.keyId],
      });
      const one = await present(fixture, token, START_MS, both);
      expect(one.outcome).toMatchObject({ kind: 'rotated', keyIds: [old.newest.keyId] });
      expect(one.live).toBe(first);
      const two = await present(fixture, first, START_MS + 1, both);
      expect(two.outcome).toMatchObject({ kind: 'rotated', keyIds: [fresh.newest.keyId] });
      const repeat = await present(fixture, token, START_MS + 2, both);
      expect(repeat.outcome).toMatchObject({
        kind: 'replayed',
        keyIds: [old.newest.keyId, fresh.newest.keyId],
      });
      expect(repeat.live).toBe(two.live);
      const three = await present(fixture, two.live ?? '', START_MS + 3, fresh);
      expect(three.outcome.kind).toBe('rotated');
    });

    test('B7 G3 ASVS 7.4.1 a floor ends what is older than it, spares the one session, leaves the newer', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const spared = await openSession(fixture, tid, uid);
      const older = await openSession(fixture, tid, uid);
      const colleague = await openSession(fixture, tid, await seedUser(fixture, tid));
      const live = (await present(fixture, older.token, START_MS)).live ?? '';
      await raiseFloor(fixture, { tid, uid, sparedSid: spared.sid });
      const newer = await openSession(fixture, tid, uid);
      const revoked = { kind: 'revoked', uid };
      // The live token, and a repeat of a used one within its window.
      expect((await present(fixture, live, START_MS)).outcome).toEqual(revoked);
      expect((await present(fixture, older.token, START_MS)).outcome).toEqual(revoked);
      for (const passing of [spared, newer, colleague]) {
        expect((await present(fixture, passing.token, START_MS)).outcome.kind).toBe('rotated');
      }
      await raiseFloor(fixture, { tid });
      const again = await openSession(fixture, tid, uid);
      for (const ended of [spared, newer, colleague]) {
        expect((await present(fixture, ended.token, START_MS)).outcome).toMatchObject({
          kind: 'revoked',
        });
      }
      expect((await present(fixture, again.token, START_MS)).outcome.kind).toBe('rotated');
      const elsewhere = await loggedIn();
      await raiseFloor(fixture, { tid: null, sparedSid: elsewhere.sid });
      expect((await present(fixture, elsewhere.token, START_MS)).outcome.kind).toBe('rotated');
      const live2 = follow(ring, again.token, [ring.newest.keyId]) ?? '';
      expect((await present(fixture, live2, START_MS)).outcome).toEqual(revoked);
    });

    test('ASVS 7.4.1 a refresh in flight never writes a revoked session back', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { tid, uid, sid, token } = await loggedIn();
        const refreshes = Array.from({ length: 6 }, () => present(fixture, token, START_MS));
        const [answers] = await Promise.all([
          Promise.all(refreshes),
          revokeUser(fixture, tid, uid),
        ]);
        expect(await fixture.record.sessions.get(tid, sid, START_MS)).toMatchObject({
          state: 'revoked',
        });
        for (const { live } of answers) {
          const again = await present(fixture, live ?? token, START_MS);
          expect(again.outcome).toMatchObject({ kind: 'revoked' });
        }
      }
    });

    test('ASVS 7.4.2 nobody refreshes who was disabled or deleted, or whose tenant is suspended', async () => {
      const { tid, uid, token } = await loggedIn();
      const values = [tid, uid];
      const other = await loggedIn();
      const suspend = "update sekisho.tenant set status = 'suspended' where tid = $1";
      await byHand(fixture.database, { text: suspend, values: [other.tid] });
      expect((await present(fixture, other.token, START_MS)).outcome).toMatchObject({
        kind: 'revoked',
      });
      const disable = `update sekisho.tenant_user set status = 'disabled' where tid = $1 and uid = $2`;
      await byHand(fixture.database, { text: disable, values });
      expect((await present(fixture, token, START_MS)).outcome).toMatchObject({ kind: 'revoked' });
      const remove = 'delete from sekisho.tenant_user where tid = $1 and uid = $2';
      await byHand(fixture.database, { text: remove, values });
      expect((await present(fixture, token, START_MS)).outcome).toMatchObject({ kind: 'revoked' });
    });

    test('ASVS 7.3.2 10.4.8 the absolute end comes whatever was refreshed, and is audited once', async () => {
      const { tid, uid, sid, token } = await loggedIn({ absolute_timeout: 600, idle_timeout: 600 });
      const { live } = await present(fixture, token, START_MS + 599_999);
      const expired = { kind: 'expired', uid, why: 'absolute' };
      const outcomeAt = async (which: string, laterMs: number) =>
        (await present(fixture, which, START_MS + laterMs)).outcome;
      expect(await outcomeAt(live ?? '', 600_000)).toEqual({ ...expired, first: true });
      expect(await outcomeAt(live ?? '', 600_001)).toEqual({ ...expired, first: false });
      expect(await outcomeAt(token, 600_002)).toEqual({ ...expired, first: false });
      const events = await fixture.record.audit.list(
        tid,
        { action: 'session_expired' },
        { limit: 9, cursor: null },
      );
      expect(events).toHaveLength(1);
      expect(events[0]).toMatchObject({
        actor: { kind: 'system' },
        subject: { kind: 'session', id: sid },
        detail: { uid, why: 'absolute' },
      });
    });

    test('B13 a policy made shorter ends existing sessions sooner, a longer one none later', async () => {
      const { tid, sid, token } = await loggedIn({ absolute_timeout: 3600 });
      await setPolicy(fixture, tid, { absolute_timeout: 86_400 });
      const get = () => fixture.record.sessions.get(tid, sid, START_MS);
      expect(await get()).toMatchObject({ expiresAtMs: START_MS + 3_600_000 });
      await setPolicy(fixture, tid, { absolute_timeout: 600 });
      expect(await get()).toMatchObject({ expiresAtMs: START_MS + 600_000 });
      expect((await present(fixture, token, START_MS + 600_000)).outcome.kind).toBe('expired');
    });

    // Last: idleness is judged by one time for the whole record.
    test('ASVS 7.3.1 idle means not seen up to what was swept, whatever time it is', async () => {
      const { tid, uid, sid, token } = await loggedIn({ idle_timeout: 600 });
      const seen = await openSession(fixture, tid, uid);
      const late = START_MS + 5_000_000;
      const first = await present(fixture, token, late);
      expect(first.outcome.kind).toBe('rotated');
      const { sessions } = fixture.record;
      await sessions.touch([{ tid, sid: seen.sid, atMs: START_MS + 600_000 }], START_MS + 600_000);
      const second = await present(fixture, first.live ?? '', late);
      expect(second.outcome.kind).toBe('rotated');
      await sessions.touch([], START_MS + 600_001);
      const idle = await present(fixture, second.live ?? '', late + 1);
      expect(idle.outcome).toEqual({ kind: 'expired', uid, why: 'idle', first: true });
      expect(await sessions.get(tid, sid, late)).toMatchObject({ state: 'expired' });
      expect((await present(fixture, seen.token, late)).outcome.kind).toBe('rotated');
      // The present policy counts where it is shorter.
      await setPolicy(fixture, tid, { idle_timeout: 30 });
      await sessions.touch([], START_MS + 630_001);
      const shorter = await present(
        fixture,
        follow(ring, seen.token, [ring.newest.keyId]) ?? '',
        late,
      );
      expect(shorter.outcome).toEqual({ kind: 'expired', uid, why: 'idle', first: true });
    });
  });
}
