import { SekishoError } from '../errors.ts';
import { SqlError } from './database.ts';

/** The user has not the rights for it. */
export const INSUFFICIENT_PRIVILEGE = '42501';
/** A table was in use for longer than the statement may wait for it. */
export const LOCK_NOT_AVAILABLE = '55P03';

/** Transactions that PostgreSQL undid because of another one: the same call may be made again. */
const REPEATABLE = new Set(['40001', '40P01', LOCK_NOT_AVAILABLE, '55006']);

/** Whether the statement had no effect and may succeed when it is simply repeated. */
export function isRepeatable(error: unknown): boolean {
  return error instanceof SqlError && REPEATABLE.has(error.sqlState);
}

/** Whether `error` is the database's refusal with this SQLSTATE. */
export function isSqlError(error: unknown, sqlState: string): error is SqlError {
  return error instanceof SqlError && error.sqlState === sqlState;
}

/**
 * What a caller of the record sees of an error. Outages become `store_unavailable` or `outcome_unknown`; whatever is left is a
 * defect of ours (`internal`), with the database's words as its cause and not in its message.
 */
export function asSekishoError(error: unknown): unknown {
  if (!(error instanceof SqlError)) return error;
  const state = error.sqlState;
  const cause = { cause: error };
  // 08: connection; 57P: the server is being stopped. Whether it was carried out cannot be told.
  if (state.startsWith('08') || state.startsWith('57P')) {
    return new SekishoError('outcome_unknown', 'The database went away during the call.', cause);
  }
  // 53: no room, memory or connection; 25006: a read-only server; 57014: cancelled by a time-out of the server's own.
  if (isRepeatable(error) || state.startsWith('53') || state === '25006' || state === '57014') {
    return new SekishoError('store_unavailable', 'The database refused the call for now.', cause);
  }
  return new SekishoError('internal', 'The database refused a statement of ours.', cause);
}
