import { call, json } from './call.ts';
import type { CleanupClaim, CleanupState, CleanupStore } from './cleanup-contract.ts';
import type { Database } from './database.ts';

/** Clean-up in batches. */
export function createCleanupStore(database: Database): CleanupStore {
  return {
    claim: (holder, claimMs, everyMs) =>
      call<CleanupClaim>(database, 'claim_cleanup', [holder, claimMs, everyMs]),
    renew: (run, claimMs, progress) =>
      call<boolean>(database, 'renew_cleanup', [run, claimMs, false, json(progress)]),
    async release(run, whole, progress) {
      await call<boolean>(database, 'renew_cleanup', [run, 0, whole, json(progress)]);
    },
    state: () => call<CleanupState>(database, 'cleanup_state', []),
    left: (kind, beforeMs) => call<number>(database, 'cleanup_left', [kind, Math.floor(beforeMs)]),
    clean: (kind, beforeMs, after, batch) =>
      call(database, 'clean', [kind, Math.floor(beforeMs), after, batch]),
  };
}
