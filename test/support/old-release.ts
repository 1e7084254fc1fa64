import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type { Database } from '../../src/record/database.ts';
import type { RotateOutcome } from '../../src/record/session-contract.ts';
import type { TestEngine } from './engine.ts';
import type { TestRecord } from './record.ts';
import type { KeptRelease } from './releases.ts';
import { connectAhead } from './seed.ts';

/**
 * What the tests use of an older release's own code. It is of the same shape as today's, or a node of it could not run
 * beside today's; what a release has not had yet is not asked of it.
 */
interface Pglite {
  openPgliteRecord(options: { readonly dataDir: string }): Promise<RecordStore>;
}
interface Postgres {
  openPostgresRecord(settings: { readonly url: string }): Promise<RecordStore>;
}
interface Pool {
  openPoolDatabase(settings: { readonly url: string; readonly max?: number }): Database;
}
interface Sql {
  createSqlRecord(database: Database): RecordStore;
}
interface Engines {
  startTestEngine(options: {
    readonly record: RecordStore;
    readonly exclusive: boolean;
    readonly clock: Clock;
  }): Promise<TestEngine>;
}

/** An engine of `release` over a record of it. */
export async function startOldEngine(
  release: KeptRelease,
  record: RecordStore,
  exclusive: boolean,
): Promise<TestEngine> {
  const { startTestEngine } = await release.load<Engines>('test/support/engine.js');
  return startTestEngine({ record, exclusive, clock: systemClock });
}

/** The record in a data directory, opened (and migrated) by `release`. */
export async function openOldDirectory(
  release: KeptRelease,
  dataDir: string,
): Promise<RecordStore> {
  const { openPgliteRecord } = await release.load<Pglite>('src/record/pglite/open.js');
  return openPgliteRecord({ dataDir });
}

/** The record on PostgreSQL, opened (and migrated) by `release`. */
export async function openOldPostgres(release: KeptRelease, url: string): Promise<RecordStore> {
  const { openPostgresRecord } = await release.load<Postgres>('src/record/postgres/open.js');
  return openPostgresRecord({ url });
}

/** A record of `release` on a database of PostgreSQL that somebody else has migrated. */
export async function openOldOnPostgres(release: KeptRelease, url: string): Promise<TestRecord> {
  const { openPoolDatabase } = await release.load<Pool>('src/record/postgres/pool-database.js');
  const database = openPoolDatabase({ url, max: 60 });
  // Its suites make all of them at once.
  await connectAhead(database);
  return recordOn(release, database);
}

/** With deadlines that a busy machine does not reach, as `patient`. */
async function recordOn(release: KeptRelease, database: Database): Promise<TestRecord> {
  const { createSqlRecord } = await release.load<Sql>('src/record/sql-record.js');
  const options = { deadlineMs: 60_000 };
  const slow: Database = {
    ...database,
    query: (call, own) => database.query(call, { ...options, ...own }),
    transaction: (calls, own) => database.transaction(calls, { ...options, ...own }),
  };
  const record = createSqlRecord(slow);
  const sessions: RecordStore['sessions'] = {
    ...record.sessions,
    rotate: async (...input) => asBefore(await record.sessions.rotate(...input)),
  };
  return { database: slow, record: { ...record, sessions }, close: () => database.close() };
}

/** Refusals that tell the user since 0.1.0, which no node of before reads; its suites compare whole answers. */
const TELLS_UID = ['revoked', 'limited', 'superseded'];

function asBefore(outcome: RotateOutcome): RotateOutcome {
  if (!TELLS_UID.includes(outcome.kind)) return outcome;
  const { uid: _, ...before } = outcome as RotateOutcome & { readonly uid: string };
  return before as RotateOutcome;
}
