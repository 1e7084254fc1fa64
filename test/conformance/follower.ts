import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Hub } from '../../src/hub/contract.ts';
import { createInProcessHub } from '../../src/hub/in-process/hub.ts';
import { newId } from '../../src/id.ts';
import { createCommitter } from '../../src/revocation/committer.ts';
import type { Follower } from '../../src/revocation/contract.ts';
import { digestOf } from '../../src/revocation/digest.ts';
import type { FollowerEvent } from '../../src/revocation/events.ts';
import { createFollower } from '../../src/revocation/follower.ts';
import type { FollowerOptions } from '../../src/revocation/options.ts';
import type { TokenFacts } from '../../src/revocation/types.ts';
import { wholeLog } from '../support/log.ts';
import { ofUser, request } from '../support/requests.ts';
import { byHand, type RecordFixture, seedTenant, seedUser } from '../support/seed.ts';

/** Long enough for a machine that does other things too; nothing here is measured. */
const WAIT_MS = 8000;
/** Leases that a loaded machine can keep. */
const LEASE = { leaseMs: 3000, toleranceMs: 1000 };

/** What the nodes of one test share: each takes a hub of its own from it. */
export interface HubSource {
  connect(): Hub;
}

/**
 * Followers, committers and barriers over a real record: that the protocol's two halves fit.
 *
 * @param between makes what connects the nodes of one test; in-process by default.
 */
export function describeFollower<Fixture extends RecordFixture>(
  name: string,
  open: () => Promise<Fixture>,
  between: (fixture: Fixture) => HubSource = createInProcessHub,
): void {
  describe(`the follower over ${name}`, () => {
    let fixture: Fixture;
    let tid: string;
    let uid: string;
    const running: Follower[] = [];
    const hubs: Hub[] = [];

    beforeAll(async () => {
      fixture = await open();
      ({ tid } = await seedTenant(fixture));
      uid = await seedUser(fixture, tid);
    });
    afterEach(async () => {
      for (const follower of running.splice(0)) await follower.leave();
      for (const hub of hubs.splice(0)) await hub.close();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function node(source = between(fixture), options: Partial<FollowerOptions> = {}) {
      const { log, members } = fixture.record;
      const hub = source.connect();
      hubs.push(hub);
      const events: FollowerEvent[] = [];
      const follower = createFollower({
        ...LEASE,
        log,
        members,
        hub,
        clock: systemClock,
        onEvent: (event) => events.push(event),
        ...options,
      });
      running.push(follower);
      await follower.join();
      const committer = createCommitter({ log, follower, clock: systemClock });
      await expect.poll(() => hub.working(), { timeout: WAIT_MS }).toBe(true);
      return { follower, committer, events };
    }

    async function token(): Promise<TokenFacts> {
      const { generation, position } = (await fixture.record.log.head()).head;
      return { tid, uid, sid: newId(), generation, epoch: position, tokenEpoch: position };
    }

    it('B3 B7 B8 a revocation is everywhere, on all three nodes, before the call says so', async () => {
      const hub = between(fixture);
      const a = await node(hub);
      const b = await node(hub);
      const c = await node(hub);
      const facts = await token();
      expect(a.follower.judgeNow(facts)).toEqual({ kind: 'pass', freshness: 'fresh' });
      expect(b.follower.judgeNow(facts)).toEqual({ kind: 'pass', freshness: 'fresh' });
      const outcome = await a.committer.commit(request({ revoke: [ofUser(tid, uid)] }));
      if (outcome.kind !== 'committed') throw new Error(outcome.kind);
      expect(a.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
      const [entry] = outcome.entries;
      if (entry === undefined) throw new Error('nothing was appended');
      const result = await a.follower.barrier(entry, WAIT_MS);
      expect(result).toMatchObject({ effective: 'everywhere', members: 3, acknowledged: 3 });
      expect(b.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
      expect(c.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
    });

    it('B3 B9 without a hub between them it is everywhere by the rows', async () => {
      const a = await node(createInProcessHub());
      const b = await node(createInProcessHub());
      const facts = await token();
      const outcome = await b.committer.commit(request({ revoke: [ofUser(tid, uid)] }));
      if (outcome.kind !== 'committed' || outcome.entries[0] === undefined)
        throw new Error(outcome.kind);
      const result = await b.follower.barrier(outcome.entries[0], WAIT_MS);
      expect(result).toMatchObject({ effective: 'everywhere', members: 2 });
      expect(a.follower.judgeNow(facts)).toEqual({ kind: 'revoked' });
    });

    it('B7 two hundred at once share transactions, and every one is applied when it is answered', async () => {
      const { follower, committer } = await node();
      const before = fixture.record.statementCount();
      const outcomes = await Promise.all(
        Array.from({ length: 200 }, () =>
          committer.commit(request({ revoke: [ofUser(tid, uid)] })),
        ),
      );
      expect(fixture.record.statementCount() - before).toBeLessThan(50);
      expect(outcomes.every((outcome) => outcome.kind === 'committed')).toBe(true);
      expect(follower.status().applied).toBe((await fixture.record.log.head()).head.position);
    });

    it("B9 RECONCILE: the record's digest is the node's", async () => {
      const { head, horizon } = await fixture.record.log.snapshot();
      const entries = await wholeLog(fixture.record.log);
      const { digest } = await fixture.record.log.digest(horizon + 1, head.position);
      expect(entries.length).toBeGreaterThan(100);
      expect(digest).toBe(digestOf(entries));
    });

    it('B4 GENERATION: another server under the same head begins one, and the tokens stay good', async () => {
      const { follower, committer } = await node();
      const facts = { ...(await token()), uid: newId() };
      await byHand(fixture.database, {
        text: "update sekisho.head set identity = 'another server'",
      });
      const outcome = await committer.commit(request({ revoke: [ofUser(tid, uid)] }));
      expect(outcome).toMatchObject({ kind: 'committed' });
      await follower.proveNow();
      const { head, identityAgrees } = await fixture.record.log.head();
      expect(identityAgrees).toBe(true);
      expect(head.generation).not.toBe(facts.generation);
      expect(follower.status()).toMatchObject({
        generation: head.generation,
        applied: head.position,
      });
      expect(follower.judgeNow(facts)).toEqual({ kind: 'pass', freshness: 'fresh' });
    });

    it('B3 FIRST TERM: in a generation that is not settled nothing is everywhere yet', async () => {
      const { follower, committer } = await node();
      const outcome = await committer.commit(request({ revoke: [ofUser(tid, uid)] }));
      if (outcome.kind !== 'committed' || outcome.entries[0] === undefined)
        throw new Error(outcome.kind);
      const result = await follower.barrier(outcome.entries[0], 500);
      expect(result).toMatchObject({ effective: 'pending', members: 1, acknowledged: 1 });
      expect(result.deadlineMs).toBeGreaterThan(systemClock.wallMs() + 10_000);
    });

    it('B3 B4 the embedded shape: others go, a generation begins, and everywhere is at once', async () => {
      await fixture.record.members.join({ id: newId(), ...LEASE, version: 1, address: null });
      const facts = await token();
      const { follower, committer } = await node(createInProcessHub(), { exclusive: true });
      expect((await fixture.record.members.list()).map((member) => member.id)).toEqual([
        follower.memberId,
      ]);
      expect((await fixture.record.log.lineage()).lineage[0]).toMatchObject({
        parent: facts.generation,
        settled: true,
      });
      expect(follower.judgeNow(facts)).toEqual({ kind: 'pass', freshness: 'fresh' });
      const outcome = await committer.commit(request({ revoke: [ofUser(tid, uid)] }));
      if (outcome.kind !== 'committed' || outcome.entries[0] === undefined)
        throw new Error(outcome.kind);
      const result = await follower.barrier(outcome.entries[0], WAIT_MS);
      expect(result).toMatchObject({ effective: 'everywhere', members: 1 });
    });

    it('B4 MEMBERS: a row that was taken away makes the node join again under a new id', async () => {
      const { follower, events } = await node();
      const before = follower.memberId;
      await fixture.record.members.leave(before);
      await follower.proveNow().catch(() => {});
      for (let look = 0; look < 1_500 && follower.status().state !== 'serving'; look += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(follower.status()).toMatchObject({ state: 'serving', freshness: 'fresh' });
      expect(follower.memberId).not.toBe(before);
      expect(events).toContainEqual({ kind: 'removed', memberId: before });
    });
  });
}
