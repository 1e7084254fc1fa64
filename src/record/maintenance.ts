import { call } from './call.ts';
import type { MaintenanceStore } from './contract.ts';
import type { Database } from './database.ts';
import { asSekishoError } from './failures.ts';

/** Every table with rows enough to matter. ANALYZE too: the planner knows nothing of a table that never had it. */
const TABLES = [
  'head',
  'member',
  'sweep',
  'seen_mark',
  'tenant',
  'tenant_user',
  'session',
  'refresh_used',
  'login_attempt',
  'used_ticket',
  'idempotency_key',
  'password_reset',
  'floor',
  'reissue',
  'revocation',
  'operation',
  'audit',
] as const;

/** Clean-up in batches: each verb is one short transaction, whoever calls it rests in between (A3). */
export function createMaintenanceStore(database: Database): MaintenanceStore {
  const remove = async (verb: string, beforeMs: number, batch: number): Promise<number> =>
    await call<number>(database, verb, [Math.floor(beforeMs), batch]);
  return {
    deleteEndedSessions: (beforeMs, batch) => remove('delete_ended_sessions', beforeMs, batch),
    deleteOldAttempts: (beforeMs, batch) => remove('delete_old_attempts', beforeMs, batch),
    deleteOldTickets: (beforeMs, batch) => remove('delete_old_tickets', beforeMs, batch),
    deleteOldIdempotencyKeys: (beforeMs, batch) =>
      remove('delete_old_idempotency_keys', beforeMs, batch),
    deleteOldResets: (beforeMs, batch) => remove('delete_old_resets', beforeMs, batch),
    forgetLog: (beforeMs) => call<number>(database, 'forget_log', [Math.floor(beforeMs)]),

    async checkpoint() {
      if (database.kind !== 'pglite') return;
      try {
        // One statement each, so that heartbeats get in between.
        for (const table of TABLES) {
          await database.query({ text: `vacuum (analyze) sekisho.${table}` });
        }
        await database.query({ text: 'checkpoint' });
      } catch (error) {
        throw asSekishoError(error);
      }
    },
  };
}
