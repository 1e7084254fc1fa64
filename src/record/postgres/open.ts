import { SekishoError } from '../../errors.ts';
import type { RecordStore } from '../contract.ts';
import type { Database } from '../database.ts';
import { asSekishoError } from '../failures.ts';
import { createSqlRecord } from '../sql-record.ts';
import { openPoolDatabase, type PoolSettings } from './pool-database.ts';

/** The oldest PostgreSQL that the SQL of Sekisho runs on: 15. */
const OLDEST_SERVER = 15_00_00;

/**
 * Connects to PostgreSQL and looks whether it is one that Sekisho can use. Nothing is migrated yet.
 *
 * @throws SekishoError `store_unavailable` when it cannot be reached (try again); `invalid_configuration` when it is older
 *   than PostgreSQL 15 or a read replica, or when user, password or database are refused.
 */
export async function openPostgres(settings: PoolSettings): Promise<Database> {
  const database = openPoolDatabase(settings);
  try {
    await check(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** The record on PostgreSQL, migrated. @throws SekishoError as `openPostgres` and `migrate`. */
export async function openPostgresRecord(settings: PoolSettings): Promise<RecordStore> {
  const database = await openPostgres(settings);
  const record = createSqlRecord(database);
  try {
    await record.migrate();
  } catch (error) {
    await database.close();
    throw error;
  }
  return record;
}

async function check(database: Database): Promise<void> {
  let row: { version: number; name: string; replica: boolean } | undefined;
  try {
    [row] = await database.query<{ version: number; name: string; replica: boolean }>({
      text: `select current_setting('server_version_num')::integer as version,
        current_setting('server_version') as name, pg_is_in_recovery() as replica`,
    });
  } catch (error) {
    throw refused(error) ?? asSekishoError(error);
  }
  if (row === undefined || row.version < OLDEST_SERVER) {
    throw new SekishoError(
      'invalid_configuration',
      `DATABASE_URL leads to PostgreSQL ${row?.name}; Sekisho needs 15 or later.`,
    );
  }
  if (row.replica) {
    throw new SekishoError(
      'invalid_configuration',
      'DATABASE_URL leads to a read replica; Sekisho needs the primary.',
    );
  }
}

/** What only another setting can mend: 28 is the user or the password, 3D000 the database. */
function refused(error: unknown): SekishoError | null {
  const cause = error instanceof SekishoError ? error.cause : error;
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  if (typeof code !== 'string' || !(code.startsWith('28') || code === '3D000')) return null;
  return new SekishoError(
    'invalid_configuration',
    `DATABASE_URL is refused by the server: ${cause instanceof Error ? cause.message : code}.`,
    { cause },
  );
}
