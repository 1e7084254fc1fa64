import type { Database } from '../../src/record/database.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';
import type { TestRecord } from './record.ts';

/**
 * The same record with deadlines that a busy machine does not reach: for suites that pile up dozens of statements, and are
 * about what comes of them and not about when.
 */
export function patient({ database, close }: TestRecord): TestRecord {
  const options = { deadlineMs: 60_000 };
  const slow: Database = {
    ...database,
    query: (call, own) => database.query(call, { ...options, ...own }),
    transaction: (calls, own) => database.transaction(calls, { ...options, ...own }),
  };
  return { database: slow, record: createSqlRecord(slow), close };
}
