import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { newId } from '../../src/id.ts';
import type { CommitRequest, RecordStore } from '../../src/record/contract.ts';
import { openPostgresRecord } from '../../src/record/postgres/open.ts';
import { createCommitter } from '../../src/revocation/committer.ts';
import { PROTOCOL_VERSION } from '../../src/revocation/constants.ts';
import { withClient } from '../../tools/services/postgres-clients.mjs';
import { type PostgresPair, startPostgresPair } from '../../tools/services/postgres-pair.mjs';
import { request } from '../support/requests.ts';

/** Several servers are started one after the other. */
const timeout = 300_000;
const WITHIN = { timeout: 60_000, interval: 20 };
const UNKNOWN = { code: 'outcome_unknown' };
/** What ends a wait for the standby, and what the server says of it. */
const ENDINGS = [
  ['due to user request', 'pg_cancel_backend'],
  ['due to administrator command', 'pg_terminate_backend'],
] as const;

let pair: PostgresPair;
let record: RecordStore;
const memberId = newId();

beforeAll(async () => {
  pair = await startPostgresPair({ synchronous: true });
  record = await openPostgresRecord({ url: pair.url, max: 4 });
  const member = { id: memberId, leaseMs: 750, toleranceMs: 10_000, version: PROTOCOL_VERSION };
  await record.members.join({ ...member, address: null });
}, timeout);
afterEach(() => {
  pair?.resumeReplication();
});
afterAll(async () => {
  await record?.close();
  await pair?.stop();
}, timeout);

function revocation(): CommitRequest {
  return request({ revoke: [{ scope: 'all', tid: null, uid: null, sid: null, sparedSid: null }] });
}

/** How many statements wait for the standby; each wait is ended when `ending` is given. */
async function waits(ending?: string): Promise<number> {
  const what = ending === undefined ? 'pid' : `${ending}(pid)`;
  return withClient(pair.superuserUrl, async (client) => {
    const { rows } = await client.query(
      `select ${what} from pg_stat_activity where wait_event = 'SyncRep'`,
    );
    return rows.length;
  });
}

/** What `call` comes to when its wait for the standby is ended. */
async function endedIn<Result>(call: Promise<Result>, ending: string): Promise<unknown> {
  const settled = call.catch((error: unknown) => error);
  await expect.poll(() => waits(ending), WITHIN).toBeGreaterThan(0);
  return settled;
}

test.each(ENDINGS)(
  'DURABLE "canceling wait for synchronous replication %s": committed here, and nowhere said so',
  async (_, ending) => {
    const { log } = record;
    const before = (await log.head()).head.position;
    pair.pauseReplication();
    const asked = revocation();
    expect(await endedIn(log.commit([asked]), ending)).toMatchObject(UNKNOWN);
    // It is visible, although the standby has nothing of it: what is read proves nothing.
    expect((await log.head()).head.position).toBe(before + 1);
    // UNKNOWN OUTCOME: neither asking for it nor repeating it says that it happened.
    const { operationId } = asked;
    expect(await endedIn(log.operation(null, operationId), ending)).toMatchObject(UNKNOWN);
    expect(await endedIn(log.operationOrAbandon(null, operationId), ending)).toMatchObject(UNKNOWN);
    expect(await endedIn(log.commit([asked]), ending)).toMatchObject(UNKNOWN);
    pair.resumeReplication();
    expect(await log.operation(null, operationId)).toMatchObject({ kind: 'committed' });
    expect(await log.commit([asked])).toMatchObject([{ kind: 'duplicate' }]);
  },
  timeout,
);

test(
  'DURABLE HEARTBEAT BARRIER a heartbeat or a list of members whose wait was ended proves nothing',
  async () => {
    const { members, log } = record;
    const { head } = await log.head();
    pair.pauseReplication();
    for (const [, ending] of ENDINGS) {
      const beat = members.heartbeat(memberId, head.generation, head.position);
      expect(await endedIn(beat, ending)).toMatchObject(UNKNOWN);
      expect(await endedIn(members.listForBarrier(memberId), ending)).toMatchObject(UNKNOWN);
    }
  },
  timeout,
);

test(
  'DURABLE a caller is told nothing while the standby has nothing, also after asking the record',
  async () => {
    const committer = createCommitter({
      log: record.log,
      follower: { committed: () => {}, identityChanged: async () => {} },
      clock: systemClock,
      unknownOutcomeWaitMs: 60_000,
    });
    pair.pauseReplication();
    let told = false;
    const answer = committer.commit(revocation()).finally(() => {
      told = true;
    });
    await expect.poll(() => waits('pg_cancel_backend'), WITHIN).toBeGreaterThan(0);
    // Now it asks, and what it asked waits, too.
    await expect.poll(() => waits(), WITHIN).toBeGreaterThan(0);
    expect(told).toBe(false);
    pair.resumeReplication();
    expect(await answer).toMatchObject({ kind: 'duplicate' });
  },
  timeout,
);
