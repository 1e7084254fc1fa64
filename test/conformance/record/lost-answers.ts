import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import {
  follow,
  hashRefreshToken,
  issueSlots,
  makeRefreshToken,
} from '../../../src/token/refresh-token.ts';
import { createKeyRing } from '../../../src/token/secrets.ts';
import { actingSession, committed } from '../../support/requests.ts';
import {
  behindLock,
  byHand,
  openSession,
  present,
  type RecordFixture,
  revokeUser,
  ring,
  START_MS,
  seedTenant,
  seedUser,
  setPolicy,
  sight,
} from '../../support/seed.ts';

const GRACE_MS = 10_000;
const ALL = { limit: 50, cursor: null };
/** How many tokens in a row may have lost their answers. */
const LOST_IN_A_ROW = 10;

/** Refresh after its window: what tells a lost answer from a stolen token (docs/refresh.md). */
export function lostAnswerSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`lost answers on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function loggedIn(policy: Parameters<typeof seedTenant>[1] = {}) {
      const { tid } = await seedTenant(fixture, policy);
      const uid = await seedUser(fixture, tid);
      const { sid, token } = await openSession(fixture, tid, uid);
      return { tid, uid, sid, token };
    }

    /** What comes of `token` at a time after the start, with the number and the token of the answer, if it is one. */
    async function answerAt(token: string, laterMs: number, keys = ring) {
      const { outcome, live } = await present(fixture, token, START_MS + laterMs, keys);
      const rot = 'mint' in outcome ? outcome.mint.session.rot : null;
      return { kind: outcome.kind, rot, live };
    }

    async function rowOf(tid: string, sid: string): Promise<Record<string, unknown>> {
      const [row] = await byHand(fixture.database, {
        text: 'select s.*, s.xmin::text as version from sekisho.session s where tid = $1 and sid = $2',
        values: [tid, sid],
      });
      return row ?? {};
    }

    const next = (token: string | null) => follow(ring, token ?? '', [ring.newest.keyId]) ?? '';

    test('B6 ASVS 10.4.5 the last used token after its window gets the same successor and the next number', async () => {
      const { tid, uid, sid, token } = await loggedIn();
      const first = await answerAt(token, 0);
      const again = await answerAt(token, GRACE_MS);
      expect(again).toEqual({ kind: 'answer_lost', rot: 2, live: first.live });
      expect(await answerAt(first.live ?? '', GRACE_MS + 1)).toMatchObject({
        kind: 'rotated',
        rot: 3,
        live: next(first.live),
      });
      // Its successor was used: whoever still has it did not lose an answer.
      expect((await answerAt(token, 3 * GRACE_MS)).kind).toBe('reused');
      const rows = await fixture.record.audit.list(tid, {}, ALL);
      const lost = rows.filter(({ action }) => action === 'authn_token_answer_lost');
      expect(lost).toMatchObject([
        {
          outcome: 'success',
          actor: { kind: 'user', uid, sid },
          subject: { kind: 'session', id: sid },
          detail: { rot: 2, replaced: 1, in_a_row: 1 },
        },
      ]);
      expect(rows.filter(({ action }) => action === 'authn_token_refreshed')).toHaveLength(2);
    });

    test('ASVS 10.4.5 an access token that was seen shows that the answer was delivered', async () => {
      const reported = await loggedIn();
      await answerAt(reported.token, 0);
      expect(await sight(fixture, reported, 1)).toEqual([]);
      expect((await answerAt(reported.token, GRACE_MS - 1)).kind).toBe('replayed');
      expect(await answerAt(reported.token, 10 * GRACE_MS)).toMatchObject({ kind: 'reused' });

      // Seen by the node that is asked, and not yet reported.
      const { tid, sid, token, uid } = await loggedIn();
      await answerAt(token, 0);
      const { outcome } = await present(fixture, token, START_MS + GRACE_MS, ring, 1);
      expect(outcome).toEqual({ kind: 'reused', uid });
      expect(await rowOf(tid, sid)).toMatchObject({ rot: 1, seen_rot: 0 });
    });

    test('the sight of an older answer shows nothing of the newest', async () => {
      const session = await loggedIn();
      const first = await answerAt(session.token, 0);
      const second = await answerAt(first.live ?? '', 1000);
      expect(await sight(fixture, session, 1)).toEqual([]);
      expect(await answerAt(first.live ?? '', 1000 + GRACE_MS)).toEqual({
        kind: 'answer_lost',
        rot: 3,
        live: second.live,
      });
    });

    test('the window of an answer that was given again is its own; later repeats are answers of their own', async () => {
      const { token } = await loggedIn();
      const { live } = await answerAt(token, 0);
      expect(await answerAt(token, 60_000)).toMatchObject({ kind: 'answer_lost', rot: 2 });
      for (const laterMs of [60_000, 65_000, 66_000]) {
        expect(await answerAt(token, laterMs)).toEqual({ kind: 'replayed', rot: 2, live });
      }
      expect(await answerAt(token, 60_000 + GRACE_MS)).toEqual({
        kind: 'answer_lost',
        rot: 3,
        live,
      });
      // However often that happens to one token, it is one lost answer.
      for (let round = 0; round < 2 * LOST_IN_A_ROW; round += 1) {
        const later = await answerAt(token, (10 + round) * 60_000);
        expect(later).toMatchObject({ kind: 'answer_lost', rot: 4 + round });
      }
    });

    test('an answer on its way is not replaced: what races past the end of the window gets the same number', async () => {
      const { token } = await loggedIn();
      const { live } = await answerAt(token, 0);
      for (const laterMs of [7000, 9500, 10_500, 12_400, 14_300]) {
        expect(await answerAt(token, laterMs)).toEqual({ kind: 'replayed', rot: 1, live });
      }
      expect(await answerAt(token, 16_300)).toMatchObject({ kind: 'answer_lost', rot: 2 });
      // The same where an older token of the chain got the answer.
      const other = await loggedIn();
      const one = await answerAt(other.token, 0);
      const two = await answerAt(one.live ?? '', 100);
      expect(await answerAt(other.token, GRACE_MS - 1)).toMatchObject({ kind: 'replayed' });
      expect(await answerAt(one.live ?? '', GRACE_MS + 1900)).toEqual({
        kind: 'replayed',
        rot: 2,
        live: two.live,
      });
      // Once it is known to have arrived, the window is over when it is over.
      await sight(fixture, other, 2);
      expect((await answerAt(one.live ?? '', GRACE_MS + 2000)).kind).toBe('reused');
    });

    test('without a window a repeat is an answer of its own as soon as it may be, and of a delivered one a theft', async () => {
      const session = await loggedIn({ refresh_grace: 0 });
      const { live } = await answerAt(session.token, 0);
      expect(await answerAt(session.token, 999)).toEqual({ kind: 'replayed', rot: 1, live });
      expect(await answerAt(session.token, 1999)).toEqual({ kind: 'answer_lost', rot: 2, live });
      expect(await answerAt(session.token, 2999)).toEqual({ kind: 'answer_lost', rot: 3, live });
      expect(await sight(fixture, session, 3)).toEqual([]);
      expect((await answerAt(session.token, 3000)).kind).toBe('reused');
      // As long as it may be on its way, and no longer, an answer is delivered.
      const other = await loggedIn({ refresh_grace: 0 });
      for (const laterMs of [0, 500, 1500, 3000]) {
        const { outcome } = await present(fixture, other.token, START_MS + laterMs);
        expect(outcome).toMatchObject({ deliverWithinMs: 1000 });
      }
    });

    test('A7 three hundred rotations in a minute, and no more; whoever waits goes on', async () => {
      const { tid, uid, sid, token } = await loggedIn();
      let live = token;
      for (let round = 0; round < 300; round += 1) {
        const answer = await answerAt(live, 100 * round);
        expect(answer.kind).toBe('rotated');
        live = answer.live ?? '';
      }
      const before = await rowOf(tid, sid);
      const limit = { kind: 'limited', uid, attempts: 300, windowMs: 60_000 };
      const { outcome } = await present(fixture, live, START_MS + 30_000);
      expect(outcome).toEqual({ ...limit, retryAfterMs: 30_000 });
      expect(await rowOf(tid, sid)).toEqual(before);
      expect((await present(fixture, live, START_MS + 59_999)).outcome).toMatchObject({
        retryAfterMs: 1,
      });
      expect((await answerAt(live, 60_000)).kind).toBe('rotated');
      expect((await present(fixture, next(live), START_MS + 60_000)).outcome).toMatchObject(limit);
    });

    test('ASVS 10.4.5 the sight of a replaced answer is that of a thief, until the session has ended', async () => {
      const session = await loggedIn();
      const { tid, uid, sid } = session;
      const elsewhere = await loggedIn();
      await answerAt(session.token, 0);
      await answerAt(session.token, GRACE_MS);
      await answerAt(session.token, 2 * GRACE_MS);
      const stolen = { tid, uid, sid };
      for (const rot of [1, 2, 1]) {
        expect(await sight(fixture, session, rot)).toEqual([{ ...stolen, rot }]);
      }
      // What belongs to nobody's lost answer, in one batch with what does.
      const sights = [
        { tid, sid, rot: 0 },
        { tid, sid, rot: 2 },
        { tid, sid, rot: 3 },
        { tid, sid, rot: 2 },
        { tid: elsewhere.tid, sid, rot: 1 },
        { tid, sid: newId(), rot: 1 },
        { tid: elsewhere.tid, sid: elsewhere.sid, rot: 0 },
      ];
      const told = await fixture.record.sessions.sighted(sights, START_MS);
      expect(told).toEqual([{ ...stolen, rot: 2 }]);
      expect(await rowOf(tid, sid)).toMatchObject({ seen_rot: 3, ended_at: null });
      await revokeUser(fixture, tid, uid);
      expect(await fixture.record.sessions.sighted(sights, START_MS)).toEqual([]);
      expect(await fixture.record.sessions.sighted([], START_MS)).toEqual([]);
    });

    test('a number that was only passed on is no theft: every answer that was used up', async () => {
      const session = await loggedIn();
      let token = session.token;
      for (let round = 0; round < 5; round += 1) {
        await answerAt(token, round * 60_000);
        if (round % 2 === 1) await answerAt(token, round * 60_000 + 30_000);
        token = next(token);
      }
      // 0 to 7; of these the first answers of the second and the fourth token were replaced.
      const told = [];
      for (let rot = 0; rot <= 9; rot += 1) told.push(...(await sight(fixture, session, rot)));
      expect(told.map(({ rot }) => rot)).toEqual([2, 5]);
    });

    test('a sight writes only where it tells something new', async () => {
      const session = await loggedIn();
      const { tid, sid, token } = session;
      const { live } = await answerAt(token, 0);
      await sight(fixture, session, 0);
      const { version } = await rowOf(tid, sid);
      await sight(fixture, session, 0);
      expect(await rowOf(tid, sid)).toMatchObject({ version, seen_rot: 0 });
      await sight(fixture, session, 1);
      const after = await rowOf(tid, sid);
      expect(after.seen_rot).toBe(1);
      expect(after.version).not.toBe(version);
      await Promise.all([sight(fixture, session, 1), sight(fixture, session, 0)]);
      expect((await rowOf(tid, sid)).version).toBe(after.version);
      await answerAt(live ?? '', 1);
      const rotated = await rowOf(tid, sid);
      await sight(fixture, session, 1);
      expect((await rowOf(tid, sid)).version).toBe(rotated.version);
    });

    test('ASVS 15.4.2 of fifty parallel repeats one replaces the lost answer, and all hold the same', async () => {
      const { tid, sid, token } = await loggedIn();
      const { live } = await answerAt(token, 0);
      const row = {
        text: 'select 1 from sekisho.session where tid = $1 and sid = $2 for update',
        values: [tid, sid],
      };
      const answers = await behindLock(fixture, row, () =>
        Promise.all(Array.from({ length: 50 }, (_, index) => answerAt(token, 60_000 + index))),
      );
      const kinds = answers.map((answer) => answer.kind).sort();
      expect(kinds).toEqual(['answer_lost', ...Array.from({ length: 49 }, () => 'replayed')]);
      for (const answer of answers) expect(answer).toMatchObject({ rot: 2, live });
    });

    test('ASVS 15.4.2 a sight and a repeat at once: the token is stolen, or the sight is a thief’s', async () => {
      for (let round = 0; round < 10; round += 1) {
        const session = await loggedIn();
        const { tid, sid, token } = session;
        await answerAt(token, 0);
        const row = {
          text: 'select 1 from sekisho.session where tid = $1 and sid = $2 for update',
          values: [tid, sid],
        };
        const [answer, told] = await behindLock(fixture, row, () =>
          Promise.all([answerAt(token, 60_000), sight(fixture, session, 1)]),
        );
        if (answer.kind === 'reused') expect(told).toEqual([]);
        else {
          expect(answer).toMatchObject({ kind: 'answer_lost', rot: 2 });
          expect(told.map(({ rot }) => rot)).toEqual([1]);
        }
      }
    });

    test('ASVS 10.4.5 who follows the owner at a distance is noticed, even if nothing of theirs is ever seen', async () => {
      const { tid, uid, sid, token } = await loggedIn();
      let shared = token;
      let laterMs = 0;
      for (let round = 1; round <= LOST_IN_A_ROW; round += 1) {
        await answerAt(shared, laterMs);
        const again = await answerAt(shared, laterMs + 60_000);
        expect(again).toMatchObject({ kind: 'answer_lost', live: next(shared) });
        shared = next(shared);
        laterMs += 120_000;
      }
      const rows = await fixture.record.audit.list(tid, { action: 'authn_token_answer_lost' }, ALL);
      expect(rows[0]?.detail).toMatchObject({ in_a_row: LOST_IN_A_ROW });
      await answerAt(shared, laterMs);
      const { outcome } = await present(fixture, shared, START_MS + laterMs + 60_000);
      expect(outcome).toEqual({ kind: 'reused', uid });

      // One answer that was not lost, and the count begins anew.
      const other = await loggedIn();
      let mine = other.token;
      for (let round = 1; round <= 2 * LOST_IN_A_ROW; round += 1) {
        await answerAt(mine, round * 120_000);
        if (round !== LOST_IN_A_ROW) {
          const again = await answerAt(mine, round * 120_000 + 60_000);
          expect(again.kind).toBe('answer_lost');
        }
        mine = next(mine);
      }
      expect(sid).not.toBe(other.sid);
    });

    test('a node that lacks the key changes nothing; one that has it gives the answer', async () => {
      const { tid, sid, token } = await loggedIn();
      const { live } = await answerAt(token, 0);
      const before = await rowOf(tid, sid);
      const foreign = createKeyRing('a secret that belongs to another ring of keys entirely');
      const { outcome } = await present(fixture, token, START_MS + 60_000, foreign);
      expect(outcome).toEqual({ kind: 'key_missing', keyId: ring.newest.keyId });
      expect(await rowOf(tid, sid)).toEqual(before);
      expect(await answerAt(token, 60_000)).toEqual({ kind: 'answer_lost', rot: 2, live });
    });

    test('B7 ASVS 7.4.1 10.4.8 a lost answer is judged like any other: ended, expired, disabled', async () => {
      const revoked = await loggedIn();
      await answerAt(revoked.token, 0);
      await revokeUser(fixture, revoked.tid, revoked.uid);
      expect((await answerAt(revoked.token, GRACE_MS)).kind).toBe('revoked');
      const expired = await loggedIn({ absolute_timeout: 600, idle_timeout: 600 });
      await answerAt(expired.token, 0);
      expect((await answerAt(expired.token, 599_999)).kind).toBe('answer_lost');
      expect((await answerAt(expired.token, 600_000)).kind).toBe('expired');
      const disabled = await loggedIn();
      await answerAt(disabled.token, 0);
      await byHand(fixture.database, {
        text: `update sekisho.tenant_user set status = 'disabled' where tid = $1 and uid = $2`,
        values: [disabled.tid, disabled.uid],
      });
      expect((await answerAt(disabled.token, GRACE_MS)).kind).toBe('revoked');
    });

    test('a record that lost the newest of it goes on with what the client holds', async () => {
      const tables = ['session', 'refresh_used'] as const;
      const of = ({ tid, sid }: { tid: string; sid: string }) => [tid, sid];
      for (const lost of ['rotation', 'answer_lost'] as const) {
        const session = await loggedIn();
        const { token } = session;
        if (lost === 'answer_lost') await answerAt(token, 0);
        const rows = await Promise.all(
          tables.map((table) =>
            byHand(fixture.database, {
              text: `select to_jsonb(t) as row from sekisho.${table} t where tid = $1 and sid = $2`,
              values: of(session),
            }),
          ),
        );
        const answer = await answerAt(token, 60_000);
        expect(answer.kind).toBe(lost === 'rotation' ? 'rotated' : 'answer_lost');
        // An asynchronous failover: the rows are again what they were.
        await byHand(
          fixture.database,
          {
            text: 'delete from sekisho.session where tid = $1 and sid = $2',
            values: of(session),
          },
          ...rows.flatMap((ofTable, index) =>
            ofTable.map(({ row }) => ({
              text: `insert into sekisho.${tables[index]} select * from jsonb_populate_record(null::sekisho.${tables[index]}, $1)`,
              values: [JSON.stringify(row)],
            })),
          ),
        );
        // Its access token is seen, and its refresh token used: nobody is taken for a thief.
        expect(await sight(fixture, session, answer.rot ?? 0)).toEqual([]);
        const further = await answerAt(answer.live ?? '', 70_000);
        expect(further).toMatchObject({ kind: 'rotated', live: next(answer.live) });
        // A number that was seen is not given to another answer, which would seem to have arrived.
        expect(further.rot).toBeGreaterThan(answer.rot ?? 0);
        expect(await answerAt(answer.live ?? '', 140_000)).toMatchObject({
          kind: 'answer_lost',
          live: further.live,
        });
        for (const rot of [0, answer.rot ?? 0, (further.rot ?? 0) + 1]) {
          expect(await sight(fixture, session, rot)).toEqual([]);
        }
      }
    });

    describe('a chain that re-authentication has ended', () => {
      async function regenerated(laterMs: number, { reported = 0, seenRot = 0 } = {}) {
        const { tid, uid, sid, token } = await loggedIn();
        const older = await answerAt(token, 0);
        const old = (await answerAt(older.live ?? '', 4000)).live ?? '';
        if (reported > 0) await sight(fixture, { tid, sid }, reported);
        const fresh = makeRefreshToken(tid, sid);
        const atMs = START_MS + laterMs;
        await committed(fixture, {
          actor: actingSession(tid, uid, sid, null),
          nowMs: atMs,
          revoke: [{ scope: 'reissue', tid, uid, sid, sparedSid: null }],
          change: {
            ...{ kind: 'session_regenerate', tid, uid },
            regenerate: {
              ...{ sid, refresh: issueSlots(ring, fresh), authTimeMs: atMs, amr: ['pwd'], seenRot },
            },
          },
        });
        return { tid, sid, used: older.live ?? '', first: token, old, fresh };
      }

      test('ASVS 7.2.4 its tokens get nothing any more, and its successors were never any', async () => {
        const { tid, sid, used, first, old, fresh } = await regenerated(6000);
        for (const token of [old, used, first]) {
          const { outcome } = await present(fixture, token, START_MS + 6000);
          expect(outcome).toMatchObject({ kind: 'superseded', withinWindow: true });
        }
        expect((await answerAt(next(old), 6000)).kind).toBe('unknown');
        const row = await rowOf(tid, sid);
        expect(row).toMatchObject({ rot: 3, chain_rot: 3, ended_at: null });
        expect(Buffer.from(row.current_hash as Uint8Array)).toEqual(hashRefreshToken(fresh));
        expect(await answerAt(fresh, 7000)).toMatchObject({ kind: 'rotated', rot: 4 });
      });

      test('ASVS 10.4.5 it was lost with the answer, as long as nobody used the new pair', async () => {
        const session = await regenerated(6000);
        const late = START_MS + 600_000;
        const lost = await present(fixture, session.old, late);
        expect(lost.outcome).toMatchObject({ kind: 'superseded', withinWindow: false });
        // A token from before was stolen then, whatever came after.
        expect((await present(fixture, session.used, late)).outcome.kind).toBe('reused');
        await sight(fixture, session, 3);
        expect((await present(fixture, session.old, late)).outcome.kind).toBe('reused');

        const used = await regenerated(6000);
        await answerAt(used.fresh, 7000);
        expect((await answerAt(used.old, 15_999)).kind).toBe('superseded');
        expect((await answerAt(used.old, 16_000)).kind).toBe('reused');
      });

      test('the new chain goes on from what was seen, although the record has lost it', async () => {
        // Two numbers that an asynchronous failover has lost; seen by the calling node, or reported.
        for (const seen of [{ seenRot: 4 }, { reported: 4 }]) {
          const session = await regenerated(6000, seen);
          expect(await rowOf(session.tid, session.sid)).toMatchObject({ rot: 5, chain_rot: 5 });
          for (const rot of [2, 3, 4]) expect(await sight(fixture, session, rot)).toEqual([]);
          const late = START_MS + 600_000;
          const lost = await present(fixture, session.old, late);
          expect(lost.outcome).toMatchObject({ kind: 'superseded', withinWindow: false });
          await sight(fixture, session, 5);
          expect((await present(fixture, session.old, late)).outcome.kind).toBe('reused');
        }
      });

      test('a lost answer of the new chain is one as of any other', async () => {
        const session = await regenerated(6000);
        const { live } = await answerAt(session.fresh, 7000);
        expect(await sight(fixture, session, 3)).toEqual([]);
        expect(await answerAt(session.fresh, 600_000)).toEqual({
          kind: 'answer_lost',
          rot: 5,
          live,
        });
        // Numbers of the old chain are nobody's replaced answers.
        for (const rot of [0, 1, 2, 3]) expect(await sight(fixture, session, rot)).toEqual([]);
      });
    });

    test('the window is that of the present policy for lost answers, too', async () => {
      const { tid, token } = await loggedIn({ refresh_grace: 60 });
      await answerAt(token, 0);
      expect((await answerAt(token, 30_000)).kind).toBe('replayed');
      await setPolicy(fixture, tid, { refresh_grace: 5 });
      expect(await answerAt(token, 40_000)).toMatchObject({ kind: 'answer_lost', rot: 2 });
    });
  });
}
