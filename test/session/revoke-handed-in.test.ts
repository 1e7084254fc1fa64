import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/observe/log.ts';
import type { CommitOutcome, CommitRequest, LogRow } from '../../src/record/contract.ts';
import type { BarrierResult } from '../../src/revocation/contract.ts';
import type { Entry } from '../../src/revocation/types.ts';
import { perform } from '../../src/session/revoke.ts';
import type { Services } from '../../src/session/services.ts';
import { openTestRecord } from '../support/record.ts';
import { OPERATOR, ofUser, request } from '../support/requests.ts';
import { type RecordFixture, START_MS, seedTenant, seedUser } from '../support/seed.ts';

let fixture: RecordFixture;
beforeAll(async () => {
  fixture = await openTestRecord();
});
afterAll(async () => {
  await fixture?.close();
});

const EVERYWHERE: BarrierResult = {
  ...{ effective: 'everywhere', members: 1, acknowledged: 1 },
  ...{ waitedMs: 0, deadlineMs: null },
};

test('HAND IN BARRIER of an operation whose entries were handed in apart, the last one is waited for', async () => {
  const { log } = fixture.record;
  const { tid } = await seedTenant(fixture);
  const uid = await seedUser(fixture, tid);
  const lost = request({ actor: { kind: 'system' }, revoke: [ofUser(tid, uid)], handIn: true });
  const first = await committed(lost);
  // Another node holds the second one, and in between somebody revokes something else.
  const { waited, services } = atBarrier({ ...first, reason: null, committedAtMs: START_MS });
  const act = {
    ...{ actor: OPERATOR, change: null, reason: null, audit: [] },
    revoke: [ofUser(tid, uid), ofUser(tid, uid)],
  };
  const before = await perform(services, act);
  expect(before.revocation?.barrier.effective).toBe('pending');
  expect(waited).toEqual([]);

  await committed(request({ revoke: [ofUser(tid, uid)] }));
  const second = await committed({ ...lost, operationId: `${lost.operationId}.1` });
  expect(second.position).toBe(first.position + 2);
  const after = await perform(services, act);
  expect(waited).toMatchObject([{ position: second.position, operationId: second.operationId }]);
  expect(after.revocation).toMatchObject({
    position: first.position,
    barrier: { effective: 'everywhere' },
  });

  async function committed(one: CommitRequest): Promise<Entry> {
    const [outcome] = await log.commit([one]);
    const entry = outcome?.kind === 'committed' ? outcome.entries[0] : undefined;
    if (entry === undefined) throw new Error(`it was not committed: ${outcome?.kind}`);
    return entry;
  }

  /** A commit that finds the operation done, of which `row` is the first entry; and what is waited for. */
  function atBarrier(row: LogRow) {
    const entries: Pick<Entry, 'generation' | 'position' | 'operationId'>[] = [];
    const duplicate: CommitOutcome = { kind: 'duplicate', operationId: row.operationId, row };
    const parts = {
      record: fixture.record,
      log: silentLog,
      committer: { commit: async () => duplicate },
      follower: {
        wallNowMs: () => START_MS,
        barrier: async (entry: (typeof entries)[number]) => {
          entries.push(entry);
          return EVERYWHERE;
        },
      },
    };
    // `perform` takes nothing else of them on this way.
    return { waited: entries, services: parts as unknown as Services };
  }
});
