import { call } from './call.ts';
import type { Database } from './database.ts';
import type { OperationsState, OperationsStore } from './operations-contract.ts';

/** What operators have decided, and who has taken it in. */
export function createOperationsStore(database: Database): OperationsStore {
  return {
    state: (nowMs) => call<OperationsState>(database, 'operations_state', [Math.floor(nowMs)]),
    see: (memberId, version, logLevel) =>
      call<void>(database, 'see_operations', [memberId, version, logLevel]),
  };
}
