import { call } from './call.ts';
import type { AttemptBucket, AttemptStore, LimitedAccount, ReserveOutcome } from './contract.ts';
import type { Database } from './database.ts';
import { storable, storableJson } from './text.ts';

/** Login attempts in the record: exact under parallel guesses, kept over restarts (A4). */
export function createAttemptStore(database: Database): AttemptStore {
  return {
    async reserve(tenantKey, buckets, attemptId, nowMs) {
      const args = [tenantKey, bucketsOf(buckets), attemptId, Math.floor(nowMs)];
      return await call<ReserveOutcome>(database, 'reserve_attempt', args);
    },

    async giveBack(tenantKey, buckets, attemptId, clear) {
      const args = [tenantKey, bucketsOf(buckets), attemptId, clear];
      await call<void>(database, 'give_back_attempt', args);
    },

    async listLimited(tid, nowMs, page, limit) {
      return await call<LimitedAccount[]>(database, 'list_limited', [
        tid,
        limit,
        Math.floor(nowMs),
        page.cursor?.atMs ?? null,
        page.cursor?.id ?? null,
        page.limit,
      ]);
    },

    async lift(tid, account, audit) {
      const args = [tid, storable(account), storableJson(audit)];
      return await call<boolean>(database, 'lift_limit', args);
    },
  };
}

function bucketsOf(buckets: readonly AttemptBucket[]): string {
  return storableJson(buckets);
}
