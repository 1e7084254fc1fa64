import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { SekishoError } from '../../src/errors.ts';
import { createInProcessHub } from '../../src/hub/in-process/hub.ts';
import { newId } from '../../src/id.ts';
import type { CommitRequest, LogStore } from '../../src/record/contract.ts';
import type { Follower } from '../../src/revocation/contract.ts';
import type { FollowerEvent } from '../../src/revocation/events.ts';
import { createFollower } from '../../src/revocation/follower.ts';
import type { Entry, Subject, TokenFacts } from '../../src/revocation/types.ts';
import { wholeLog } from '../support/log.ts';
import { loseEnd } from '../support/lost-end.ts';
import { committed, ofSession, ofTenant, ofUser, request } from '../support/requests.ts';
import { byHand, openSession, type RecordFixture, seedTenant, seedUser } from '../support/seed.ts';

const SYSTEM = { kind: 'system' } as const;
const LEASE = { leaseMs: 3000, toleranceMs: 1000 };
/** Long enough for a machine that does other things too; nothing here is measured. */
const WAIT = { timeout: 60_000, interval: 20 };

/** HAND IN over a real record: what nodes hold and the record has lost is revoked anew, each once, whatever goes wrong. */
export function describeHandIn(name: string, open: () => Promise<RecordFixture>): void {
  describe(`HAND IN over ${name}`, () => {
    let fixture: RecordFixture;
    let tid: string;
    let uid: string;
    const running: Follower[] = [];

    beforeEach(async () => {
      fixture ??= await open();
      ({ tid } = await seedTenant(fixture));
      uid = await seedUser(fixture, tid);
    });
    afterEach(async () => {
      vi.restoreAllMocks();
      for (const follower of running.splice(0)) await follower.leave();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function node(log: LogStore = fixture.record.log) {
      const events: FollowerEvent[] = [];
      const follower = createFollower({
        ...LEASE,
        log,
        members: fixture.record.members,
        hub: createInProcessHub().connect(),
        clock: systemClock,
        onEvent: (event) => events.push(event),
      });
      running.push(follower);
      await follower.join();
      return { follower, events };
    }

    /** Commits each subject as an entry of its own, and waits until every node has them. */
    async function revoke(...subjects: readonly Subject[]): Promise<Entry[]> {
      const entries: Entry[] = [];
      for (const subject of subjects)
        entries.push(...(await committed(fixture, { actor: SYSTEM, revoke: [subject] })).entries);
      for (const follower of running) await follower.proveNow();
      return entries;
    }

    const head = async () => (await fixture.record.log.head()).head;

    async function token(parts: Partial<TokenFacts> = {}): Promise<TokenFacts> {
      const { generation, position } = await head();
      return {
        tid,
        uid,
        sid: newId(),
        generation,
        epoch: position,
        tokenEpoch: position,
        ...parts,
      };
    }

    const inTheRecord = async (lost: readonly Entry[]) => {
      const ids = new Set(lost.map((entry) => entry.operationId));
      return (await wholeLog(fixture.record.log)).filter((entry) => ids.has(entry.operationId));
    };

    async function handedIn({ follower, events }: Awaited<ReturnType<typeof node>>) {
      await vi.waitFor(() => {
        expect(events.map((event) => event.kind)).toContain('entries_handed_in');
        expect(follower.status()).toMatchObject({ state: 'serving', freshness: 'fresh' });
      }, WAIT);
    }

    const auditOf = async (lost: readonly Entry[]) =>
      (
        await byHand(fixture.database, {
          text: `select detail ->> 'id' as id from sekisho.audit where action = 'revocation_handed_in'`,
        })
      ).filter((row) => lost.some((entry) => entry.operationId === row.id));

    it('B3 B4 two nodes hold the same lost end of every scope: each entry happens once, in order, audited, honoured by both', async () => {
      const a = await node();
      const b = await node();
      const facts = await token();
      const { position } = await head();
      const ended = newId();
      const lost = await revoke(
        ofSession(tid, uid, ended),
        { scope: 'reissue', tid, uid: 'somebody', sid: null, sparedSid: null },
        ofUser(tid, uid),
        ofTenant(tid),
        { scope: 'all', tid: null, uid: null, sid: null, sparedSid: null },
      );
      await loseEnd(fixture, { keep: position });
      await Promise.all([handedIn(a), handedIn(b)]);

      const { generation } = await head();
      const anew = await inTheRecord(lost);
      expect(anew).toEqual(
        lost.map((entry, index) => ({ ...entry, generation, position: position + 1 + index })),
      );
      expect(await auditOf(lost)).toHaveLength(lost.length);
      for (const { follower, events } of [a, b]) {
        expect(follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
        expect(follower.status()).toMatchObject({ generation, applied: (await head()).position });
        expect(events).toContainEqual({
          kind: 'entries_lost',
          generation: facts.generation,
          entries: lost,
        });
        const names = lost.map(({ operationId, ...entry }, index) => ({
          operationId,
          from: { generation: entry.generation, position: entry.position },
          to: { generation, position: position + 1 + index },
        }));
        expect(events).toContainEqual({ kind: 'entries_handed_in', generation, entries: names });
      }
      const late = await node();
      expect(late.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
    });

    it('B3 a call that waits goes on under the new name, and says everywhere only when it is', async () => {
      const a = await node();
      const { position } = await head();
      const lost = await revoke(ofUser(tid, uid), ofSession(tid, uid, newId()));
      const [first, second] = lost;
      if (first === undefined || second === undefined) throw new Error('nothing was revoked');
      vi.spyOn(fixture.record.members, 'listForBarrier').mockRejectedValueOnce(
        new SekishoError('store_unavailable', 'the record fails over'),
      );
      const waiting = a.follower.barrier(first, 60_000);
      await loseEnd(fixture, { keep: position });
      await handedIn(a);
      // FIRST TERM: nothing is everywhere in a generation that is not settled.
      expect(await a.follower.barrier(second, 300)).toMatchObject({ effective: 'pending' });
      await fixture.record.log.settle((await head()).generation);
      expect(await waiting).toMatchObject({ effective: 'everywhere', members: 1 });
      expect(await a.follower.barrier(second, 60_000)).toMatchObject({ effective: 'everywhere' });
    });

    it('UNKNOWN OUTCOME whoever called a lost entry abandoned does not hold it up, be it of another tenant', async () => {
      const a = await node();
      const { position } = await head();
      const lost = await revoke(ofUser(tid, uid), ofSession(tid, uid, newId()));
      const { tid: other } = await seedTenant(fixture);
      await loseEnd(fixture, { keep: position });
      const { log } = fixture.record;
      expect(await log.operationOrAbandon(tid, lost[0]?.operationId ?? '')).toEqual({
        kind: 'abandoned',
      });
      await log.operationOrAbandon(other, lost[1]?.operationId ?? '');
      await handedIn(a);
      expect(await inTheRecord(lost)).toHaveLength(2);
      for (const { operationId } of lost) {
        expect(await log.operation(tid, operationId)).toMatchObject({ kind: 'committed' });
      }
    });

    it('an operation that the record calls committed, at a name that is lost, is revoked anew; once', async () => {
      const a = await node();
      const { position } = await head();
      const lost = await revoke(ofUser(tid, uid), ofSession(tid, uid, newId()));
      await loseEnd(fixture, { keep: position, operations: false });
      await handedIn(a);
      expect(await inTheRecord(lost)).toHaveLength(2);
      const again: CommitRequest = request({
        operationId: lost[0]?.operationId ?? '',
        actor: SYSTEM,
        revoke: [ofUser(tid, uid)],
        handIn: true,
      });
      expect(await fixture.record.log.commit([again])).toMatchObject([
        { kind: 'duplicate', row: { generation: (await head()).generation } },
      ]);
    });

    it('AUTHORITY the spared session is judged anew: one that still lives is spared, one that was lost too is nobody', async () => {
      const a = await node();
      const living = await openSession(fixture, tid, uid);
      const { position } = await head();
      const other = await seedUser(fixture, tid);
      const gone = await openSession(fixture, tid, other);
      const lost = await revoke(ofUser(tid, uid, living.sid), ofUser(tid, other, gone.sid));
      expect(lost.map((entry) => entry.sparedSid)).toEqual([living.sid, gone.sid]);
      await byHand(fixture.database, {
        text: 'delete from sekisho.session where tid = $1 and sid = $2',
        values: [tid, gone.sid],
      });
      await loseEnd(fixture, { keep: position });
      await handedIn(a);
      expect((await inTheRecord(lost)).map((entry) => entry.sparedSid)).toEqual([living.sid, null]);
      const epoch = living.row.epoch;
      const spared = await token({ sid: living.sid, epoch, tokenEpoch: position });
      expect(a.follower.judgeNow(spared)).toMatchObject({ kind: 'pass' });
      expect(a.follower.judgeNow({ ...spared, sid: newId() })).toEqual({ kind: 'revoked' });
    });

    it('B8 the record goes away in the middle, and answers are lost: nothing is forgotten, each happens once', async () => {
      const { log } = fixture.record;
      let calls = 0;
      const shaky: LogStore = {
        ...log,
        async commit(requests) {
          calls += 1;
          if (calls % 3 === 1) throw new SekishoError('store_unavailable', 'out of reach');
          const outcomes = await log.commit(requests);
          if (calls % 3 === 2) throw new SekishoError('outcome_unknown', 'the answer was lost');
          return outcomes;
        },
        async snapshot() {
          if (calls === 3) {
            calls = 4;
            throw new SekishoError('store_unavailable', 'out of reach');
          }
          return log.snapshot();
        },
      };
      const a = await node(shaky);
      const facts = await token();
      const { position } = await head();
      const lost = await revoke(ofUser(tid, uid), ofSession(tid, uid, newId()));
      await loseEnd(fixture, { keep: position });
      let answered = 0;
      while (!a.events.some((event) => event.kind === 'entries_handed_in')) {
        const lostSeen = a.events.some((event) => event.kind === 'entries_lost');
        if (lostSeen && a.follower.freshnessNow() !== 'unavailable') answered += 1;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await handedIn(a);
      expect(answered).toBe(0);
      expect(calls).toBeGreaterThan(3);
      expect(a.events.filter((event) => event.kind === 'entries_lost')).toHaveLength(1);
      expect(await inTheRecord(lost)).toHaveLength(2);
      expect(await auditOf(lost)).toHaveLength(2);
      expect(a.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
    });

    it('LINEAGE a second failover in the middle: what was handed in and lost again is handed in again', async () => {
      const { log } = fixture.record;
      let failovers = 0;
      let keep = 0;
      const unlucky: LogStore = {
        ...log,
        async commit(requests) {
          const outcomes = await log.commit(requests);
          if (requests.some((one) => one.handIn) && failovers < 2) {
            failovers += 1;
            await loseEnd(fixture, { keep });
          }
          return outcomes;
        },
      };
      const a = await node(unlucky);
      const facts = await token();
      keep = (await head()).position;
      const lost = await revoke(ofUser(tid, uid), ofSession(tid, uid, newId()));
      await loseEnd(fixture, { keep });
      await handedIn(a);
      expect(failovers).toBe(2);
      const { generation } = await head();
      expect(await inTheRecord(lost)).toEqual(
        lost.map((entry, index) => ({ ...entry, generation, position: keep + 1 + index })),
      );
      expect(a.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
    });

    it('entries of several generations are handed in, in order, more than one transaction of them', async () => {
      const a = await node();
      const { position } = await head();
      const lost: Entry[] = [];
      for (let round = 0; round < 3; round += 1) {
        const many = await fixture.record.log.commit(
          Array.from({ length: 100 }, () =>
            request({ actor: SYSTEM, revoke: [ofSession(tid, uid, newId())] }),
          ),
        );
        for (const outcome of many) if (outcome.kind === 'committed') lost.push(...outcome.entries);
        await fixture.record.log.beginGeneration((await head()).generation, newId(), true);
        await a.follower.proveNow();
      }
      await vi.waitFor(() => {
        expect(a.follower.status()).toMatchObject({ applied: position + 300 });
      }, WAIT);
      expect(new Set(lost.map((entry) => entry.generation)).size).toBe(3);
      // The standby had heard of none of these generations either.
      const first = lost[0]?.generation;
      await byHand(
        fixture.database,
        { text: 'delete from sekisho.member' },
        { text: 'update sekisho.head set generation = $1', values: [first] },
        {
          text: `with recursive later as (
              select id from sekisho.generation where parent = $1
              union all select g.id from sekisho.generation g join later on g.parent = later.id)
            delete from sekisho.generation where id in (select id from later)`,
          values: [first],
        },
      );
      await loseEnd(fixture, { keep: position });
      await handedIn(a);
      expect((await inTheRecord(lost)).map((entry) => entry.operationId)).toEqual(
        lost.map((entry) => entry.operationId),
      );
    });

    it('MEMBERS a node that was removed keeps its view, and hands in before it joins again', async () => {
      const a = await node();
      const facts = await token();
      const { position } = await head();
      const lost = await revoke(ofUser(tid, uid));
      const { memberId } = a.follower;
      await fixture.record.members.leave(memberId);
      await loseEnd(fixture, { keep: position });
      await handedIn(a);
      expect(a.events.map((event) => event.kind)).toContain('removed');
      expect(a.follower.memberId).not.toBe(memberId);
      expect(await inTheRecord(lost)).toHaveLength(1);
      expect(a.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
    });
  });
}
