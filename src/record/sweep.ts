import { call, json } from './call.ts';
import type { Database } from './database.ts';
import type { SweepClaim, SweepState, SweepStore } from './sweep-contract.ts';

/** How last-seen times reach the record: one row that all nodes share. */
export function createSweepStore(database: Database): SweepStore {
  return {
    claim: (holder, claimMs, everyMs) =>
      call<SweepClaim>(database, 'claim_sweep', [holder, claimMs, everyMs]),

    renew: (holder, number, claimMs, progress) =>
      call<boolean>(database, 'renew_sweep', [holder, number, claimMs, json(progress)]),

    finish: (number, throughMs, servers, progress) =>
      call<boolean>(database, 'finish_sweep', [
        number,
        Math.floor(throughMs),
        json(servers),
        json(progress),
      ]),

    mark: (memberId, throughMs) =>
      call<void>(database, 'mark_seen', [memberId, Math.floor(throughMs)]),

    pause: (paused) => call<void>(database, 'pause_sweep', [paused]),
    lost: (nowMs) => call<void>(database, 'lose_last_seen', [Math.ceil(nowMs)]),
    state: () => call<SweepState>(database, 'sweep_state', []),

    async idleTimeouts(tids) {
      if (tids.length === 0) return new Map();
      const found = await call<Record<string, number>>(database, 'idle_timeouts', [tids]);
      return new Map(Object.entries(found));
    },
  };
}
