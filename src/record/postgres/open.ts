import { isOutage, SekishoError } from '../../errors.ts';
import { newId } from '../../id.ts';
import type { RecordStore } from '../contract.ts';
import type { Database } from '../database.ts';
import { asSekishoError } from '../failures.ts';
import { createSqlRecord } from '../sql-record.ts';
import { createPostgresBackups } from './backups.ts';
import { openPoolDatabase, type PoolSettings } from './pool-database.ts';

/** The oldest PostgreSQL that the SQL of Sekisho runs on: 15. */
const OLDEST_SERVER = 15_00_00;

/**
 * Connects to PostgreSQL and looks whether it is one that Sekisho can use. Nothing is migrated yet.
 *
 * @throws SekishoError `store_unavailable` when it cannot be reached (try again); `invalid_configuration` when it is older
 *   than PostgreSQL 15, a read replica or read-only, behind a pooler that takes transactions apart, or when user, password
 *   or database are refused.
 */
export async function openPostgres(settings: PoolSettings): Promise<Database> {
  const database = openPoolDatabase(settings);
  try {
    await checkServer(database);
    await checkTransactions(database);
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
  return { ...record, backups: createPostgresBackups(settings.url) };
}

interface Server {
  readonly version: number;
  readonly name: string;
  readonly replica: boolean;
  readonly read_only: boolean;
}

async function checkServer(database: Database): Promise<void> {
  let row: Server | undefined;
  try {
    [row] = await database.query<Server>({
      text: `select current_setting('server_version_num')::integer as version,
        current_setting('server_version') as name, pg_is_in_recovery() as replica,
        current_setting('transaction_read_only') = 'on' as read_only`,
    });
  } catch (error) {
    throw refused(error) ?? asSekishoError(error);
  }
  if (row === undefined || row.version < OLDEST_SERVER) {
    throw wrong(
      `leads to PostgreSQL ${row?.name ?? 'of an unknown version'}; Sekisho needs 15 or later: upgrade the server.`,
    );
  }
  if (row.replica) {
    throw wrong(
      'leads to a read replica; Sekisho needs the primary: name it, or an address that follows it.',
    );
  }
  if (row.read_only) {
    throw wrong(
      'leads to a database that takes no writes: set default_transaction_read_only to off for its user.',
    );
  }
}

/** How often a broken transaction is tried: once may be an outage. */
const TRIES = 2;

/**
 * A pooler that lends a server for one statement at a time ends the connection at BEGIN, or spreads a transaction over
 * several. One that lends it for a transaction is good: nothing of the record is kept in a session.
 */
async function checkTransactions(database: Database): Promise<void> {
  const mark = newId();
  for (let left = TRIES; ; left -= 1) {
    try {
      const [, rows] = await database.transaction([
        { text: "select set_config('sekisho.probe', $1, true)", values: [mark] },
        { text: "select current_setting('sekisho.probe', true) as kept" },
      ]);
      if (rows?.[0]?.kept === mark) return;
    } catch (thrown) {
      const error = asSekishoError(thrown);
      if (!isOutage(error)) throw error;
      // When the server is away this throws, too, and says so.
      await database.query({ text: 'select 1' });
      if (left > 1) continue;
    }
    throw wrong(
      'leads through a pooler in statement mode, which takes transactions apart: set its pool_mode to session or transaction.',
    );
  }
}

/** What only another setting can mend: 28 is the user or the password, 3D000 the database. */
function refused(error: unknown): SekishoError | null {
  const cause = error instanceof SekishoError ? error.cause : error;
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  if (typeof code !== 'string' || !(code.startsWith('28') || code === '3D000')) return null;
  return wrong(
    `is refused by the server: ${cause instanceof Error ? cause.message : code}.`,
    cause,
  );
}

function wrong(what: string, cause?: unknown): SekishoError {
  return new SekishoError(
    'invalid_configuration',
    `DATABASE_URL ${what}`,
    cause === undefined ? {} : { cause },
  );
}
