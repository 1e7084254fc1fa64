import { SekishoError } from '../../errors.ts';
import { explained, importRecord, type Restoring } from '../backup/import.ts';
import type { Database } from '../database.ts';
import { isSqlError, LOCK_NOT_AVAILABLE } from '../failures.ts';
import { openOneConnection } from './one-connection.ts';

/** What a node's heartbeat is a third of. */
const HEARTBEATS_PER_LEASE = 3;
/** How much later than due a heartbeat may be before its node counts as stopped. */
const LATE_MS = 1_000;
/** The migrator's: nobody sets the schema up meanwhile. */
const LOCK = 'select pg_advisory_xact_lock(6181214, 1)';
/** Longer than a statement of a node that is just ending. */
const LOCK_TIMEOUT = '10s';

export interface PostgresRestore extends Restoring {
  readonly databaseUrl: string;
  /** Judges the database's clock before anything is done: when it throws, nothing is. */
  readonly judgeClock: (database: Database) => Promise<void>;
}

/**
 * Restores a backup into a PostgreSQL database, in one transaction: until it commits the database holds what it held.
 *
 * @throws SekishoError `conflict` when nodes run on the database, or it holds something and `replace` is not given;
 *   `backup_unusable`; `invalid_configuration` when the user may not do it, or the clocks differ; `store_unavailable`.
 */
export async function restoreIntoPostgres(restore: PostgresRestore): Promise<void> {
  const database = await openOneConnection(restore.databaseUrl);
  try {
    await restore.judgeClock(database);
    const beats = await stillBeats(database);
    await database.script('begin');
    try {
      await replaceSchema(database, restore.replace, beats);
      await importRecord(database, restore.file, restore.onProgress);
      await database.script('set local role none');
      await restore.declare(database);
    } catch (error) {
      // When this fails, the connection is gone, and the server undoes it.
      await database.script('rollback').catch(() => {});
      throw error;
    }
    await database.script('commit');
  } catch (error) {
    throw explainedHere(error);
  } finally {
    await database.close();
  }
}

async function replaceSchema(
  database: Database,
  replace: boolean,
  beats: ReadonlyMap<string, number>,
): Promise<void> {
  await database.script(`
    set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0;
    set local lock_timeout = '${LOCK_TIMEOUT}'; set local synchronous_commit = on; ${LOCK}`);
  if (!(await isThere(database, 'schema_migration'))) return;
  if (await isThere(database, 'member')) {
    // From here on no node joins and none beats; one that is there shows by its beat that it runs.
    await database.script('lock table sekisho.member in access exclusive mode');
    await refuseBeating(database, beats);
  }
  if (!replace && (await holdsSomething(database))) {
    throw new SekishoError(
      'conflict',
      'The database holds a record already: name an empty one, or give --replace, and it goes.',
    );
  }
  await database.script('drop schema sekisho cascade');
}

/** A schema that was set up and never used is as good as none. */
async function holdsSomething(database: Database): Promise<boolean> {
  if (!(await isThere(database, 'head'))) return false;
  // Row-level security would hide the rows from the owner.
  await database.script('set local role sekisho_system');
  const [row] = await database.query<{ holds: boolean }>({
    text: `select exists (select from sekisho.tenant) or exists (select from sekisho.head where position > 0) as holds`,
  });
  await database.script('set local role none');
  return row?.holds === true;
}

async function isThere(database: Database, table: string): Promise<boolean> {
  const [row] = await database.query<{ there: boolean }>({
    text: 'select to_regclass($1) is not null as there',
    values: [`sekisho.${table}`],
  });
  return row?.there === true;
}

/**
 * The beats of members, which stand still: rows of nodes that were killed are there, and no clock is compared (MEMBERS).
 *
 * @throws SekishoError `conflict` when one moves.
 */
async function stillBeats(database: Database): Promise<ReadonlyMap<string, number>> {
  if (!(await isThere(database, 'member'))) return new Map();
  const members = await readMembers(database);
  const beats = new Map(members.map(({ id, beat }) => [id, beat]));
  if (members.length === 0) return beats;
  const waitMs = Math.max(...members.map(({ lease_ms }) => lease_ms)) / HEARTBEATS_PER_LEASE;
  await new Promise((resolve) => setTimeout(resolve, waitMs + LATE_MS));
  await refuseBeating(database, beats);
  return beats;
}

async function refuseBeating(
  database: Database,
  beats: ReadonlyMap<string, number>,
): Promise<void> {
  const running = (await readMembers(database)).filter(({ id, beat }) => beats.get(id) !== beat);
  if (running.length === 0) return;
  const named = running.map(({ id, address }) => address ?? id).join(', ');
  throw new SekishoError(
    'conflict',
    `Nodes run on this database (${named}): stop all of them first, so that none answers from what is being replaced.`,
  );
}

interface Member {
  readonly id: string;
  readonly beat: number;
  readonly lease_ms: number;
  readonly address: string | null;
}

async function readMembers(database: Database): Promise<readonly Member[]> {
  return await database.query<Member>({
    text: 'select id, beat, lease_ms, address from sekisho.member',
  });
}

function explainedHere(error: unknown): unknown {
  if (!isSqlError(error, LOCK_NOT_AVAILABLE)) return explained(error);
  return new SekishoError('conflict', 'The database is in use: something holds its tables.', {
    cause: error,
  });
}
