import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { SekishoError } from '../../src/errors.ts';
import type { CommitOutcome, CommitRequest, LogStore } from '../../src/record/contract.ts';
import { SqlError } from '../../src/record/database.ts';
import { createCommitter } from '../../src/revocation/committer.ts';
import type { Entry, Head } from '../../src/revocation/types.ts';
import { SimulatedRecord } from '../support/simulated-record.ts';

const requestOf = (operationId: string): CommitRequest => ({
  operationId,
  actor: { kind: 'operator', name: 'test' },
  revoke: [{ scope: 'user', tid: 't', uid: 'u', sid: null, sparedSid: null }],
  change: null,
  reason: null,
  nowMs: 0,
  audit: [],
  idempotency: null,
});

/** A committer over a record whose `commit` is given; `sizes` are those of the batches that it sent. */
function harness(
  wrap: (commit: LogStore['commit'], record: SimulatedRecord) => LogStore['commit'] = (commit) =>
    commit,
) {
  const record = new SimulatedRecord(() => 0);
  const log = record.log(async (_verb, run) => run());
  const applied: Entry[] = [];
  const begun: Head[] = [];
  const sizes: number[] = [];
  const commit = wrap(log.commit, record);
  const store: LogStore = {
    ...log,
    commit: async (requests) => {
      sizes.push(requests.length);
      await new Promise((resolve) => setImmediate(resolve));
      return commit(requests);
    },
  };
  const committer = createCommitter({
    log: store,
    clock: systemClock,
    unknownOutcomeWaitMs: 250,
    follower: {
      committed: (entries) => applied.push(...entries),
      identityChanged: async (head) => {
        begun.push(head);
        await store.beginGeneration(head.generation, `g${begun.length}`, false);
      },
    },
  });
  return { record, committer, applied, begun, sizes };
}

describe('BATCH', () => {
  it('B7 what arrives during a transaction shares the next one, in order, and is applied before it is answered', async () => {
    const { committer, applied, sizes, record } = harness();
    const appliedAtAnswer: boolean[] = [];
    const outcomes = await Promise.all(
      Array.from({ length: 600 }, async (_, index) => {
        const outcome = await committer.commit(requestOf(`op${index}`));
        appliedAtAnswer.push(applied.some((entry) => entry.operationId === `op${index}`));
        return outcome;
      }),
    );
    expect(sizes).toEqual([1, 256, 256, 87]);
    expect(outcomes.every((outcome) => outcome.kind === 'committed')).toBe(true);
    expect(appliedAtAnswer.every(Boolean)).toBe(true);
    expect(applied).toEqual(record.entries);
    expect(applied.map((entry) => entry.operationId)).toEqual(
      Array.from({ length: 600 }, (_, index) => `op${index}`),
    );
  });

  it('a batch that fails is retried singly: one bad request spoils none but itself', async () => {
    const { committer, sizes } = harness((commit) => async (requests) => {
      if (requests.some((request) => request.operationId === 'bad'))
        throw new SqlError('no', '23514');
      return commit(requests);
    });
    const outcomes = await Promise.allSettled(
      ['first', 'a', 'bad', 'b'].map((operationId) => committer.commit(requestOf(operationId))),
    );
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect((outcomes[2] as PromiseRejectedResult).reason).toBeInstanceOf(SqlError);
    expect(sizes).toEqual([1, 3, 1, 1, 1]);
  });

  it('an outage fails all at once and the next call starts anew', async () => {
    let down = true;
    const { committer } = harness((commit) => async (requests) => {
      if (down) throw new SekishoError('store_unavailable', 'down');
      return commit(requests);
    });
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((id) => committer.commit(requestOf(id))),
    );
    for (const outcome of outcomes) {
      expect((outcome as PromiseRejectedResult).reason).toMatchObject({
        code: 'store_unavailable',
      });
    }
    down = false;
    await expect(committer.commit(requestOf('a'))).resolves.toMatchObject({ kind: 'committed' });
  });
});

describe('GENERATION', () => {
  it('a commit that meets another history begins a generation and is repeated in it', async () => {
    const { committer, record, begun } = harness();
    record.restart();
    const outcome = await committer.commit(requestOf('a'));
    expect(begun).toEqual([{ generation: 'g0', position: 0 }]);
    expect(outcome).toMatchObject({ kind: 'committed', head: { generation: 'g1', position: 1 } });
  });

  it('a history that keeps changing is an outage, not a loop', async () => {
    const head = { generation: 'g0', position: 0 };
    const { committer, sizes } = harness(
      () => async (requests) =>
        requests.map((): CommitOutcome => ({ kind: 'identity_changed', head })),
    );
    await expect(committer.commit(requestOf('a'))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    expect(sizes.length).toBeLessThan(10);
  });
});

describe('UNKNOWN OUTCOME', () => {
  it('is resolved by asking for the operation', async () => {
    const { committer } = harness((commit) => async (requests) => {
      await commit(requests);
      throw new SekishoError('outcome_unknown', 'the answer was lost');
    });
    await expect(committer.commit(requestOf('a'))).resolves.toMatchObject({
      kind: 'duplicate',
      operationId: 'a',
      row: { generation: 'g0', position: 1 },
    });
  });

  it('is passed on with the id when the record does not know it: it may still happen', async () => {
    const { committer } = harness(() => async () => {
      throw new SekishoError('outcome_unknown', 'the answer was lost');
    });
    await expect(committer.commit(requestOf('a'))).rejects.toMatchObject({
      code: 'outcome_unknown',
      operationId: 'a',
    });
  });

  it('does not hold up those who come after', async () => {
    let first = true;
    const { committer } = harness((commit) => async (requests) => {
      if (first) {
        first = false;
        throw new SekishoError('outcome_unknown', 'the answer was lost');
      }
      return commit(requests);
    });
    const order: string[] = [];
    await Promise.allSettled([
      committer.commit(requestOf('a')).catch(() => order.push('a')),
      committer.commit(requestOf('b')).then(() => order.push('b')),
    ]);
    expect(order).toEqual(['b', 'a']);
  });
});
