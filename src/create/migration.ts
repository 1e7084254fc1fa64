import type { Config } from '../config.ts';
import type { LiveMember, RecordSchema } from '../record/contract.ts';
import type { Database } from '../record/database.ts';
import { listLiveMembers } from '../record/live-members.ts';
import { planMigration } from '../record/migration-plan.ts';
import { type MigrationPlan, migrate, plan, thisRelease } from '../record/migrator.ts';
import { lockDirectory } from '../record/pglite/directory-lock.ts';
import { hasDatabase } from '../record/pglite/restored-folder.ts';
import { secretOf } from './secret.ts';

/** What bringing a record up to this release does, or did. */
export interface MigrationReport extends Pick<MigrationPlan, 'kind' | 'from' | 'to'> {
  /** Names of the migrations, in order. */
  readonly migrations: readonly string[];
  /** Names of the functions that are made or replaced. */
  readonly functions: readonly string[];
  /** Nodes whose heart beat within the last minute. */
  readonly members: readonly LiveMember[];
}

/**
 * What `migrateRecord` would do. Changes nothing, and makes neither data directory nor database.
 *
 * @throws SekishoError `invalid_configuration` when this release may not use the record, `data_directory_in_use`,
 *   `store_unavailable`.
 */
export async function planRecord(config: Config): Promise<MigrationReport> {
  const { record } = config;
  if (record.kind === 'embedded' && !hasDatabase(record.dataDir)) {
    const empty = { migrations: {}, functions: {}, releases: {} };
    return reportOf(planMigration(empty, thisRelease()), []);
  }
  return await withDatabase(config, plan);
}

/**
 * The same of an embedded record that a running server holds, as it has told (`OperatorCommands.schema`). What is to be done
 * there, the next start of `sekisho serve` does.
 */
export function planServed({ state, members }: RecordSchema): MigrationReport {
  return reportOf(planMigration(state, thisRelease()), members);
}

/** Brings the record up to this release. @throws SekishoError as `planRecord`. */
export async function migrateRecord(config: Config): Promise<MigrationReport> {
  return await withDatabase(config, migrate);
}

async function withDatabase(
  config: Config,
  work: (database: Database) => Promise<MigrationPlan>,
): Promise<MigrationReport> {
  const database = await open(config);
  try {
    const done = await work(database);
    // Embedded: the lock of the directory is held here, so nobody else runs.
    const members = database.kind === 'pglite' ? [] : await listLiveMembers(database);
    return reportOf(done, members);
  } finally {
    await database.close();
  }
}

async function open({ record, secret }: Config): Promise<Database> {
  if (record.kind === 'postgres') {
    const { openPostgres } = await import('../record/postgres/open.ts');
    return await openPostgres({ url: record.databaseUrl });
  }
  const { openPglite } = await import('../record/pglite/open.ts');
  if (record.kind === 'memory') return await openPglite({ memory: true });
  const { dataDir } = record;
  const lock = await lockDirectory(dataDir);
  try {
    // As a first start does: a database without one would be nobody's.
    if (secret === null && !hasDatabase(dataDir)) await secretOf(dataDir);
    const database = await openPglite({ dataDir, lock, brief: true });
    return {
      ...database,
      async close() {
        await database.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function reportOf(done: MigrationPlan, members: readonly LiveMember[]): MigrationReport {
  return {
    ...{ kind: done.kind, from: done.from, to: done.to },
    migrations: done.migrations.map(({ name }) => name),
    functions: done.functions.map(({ name }) => name),
    members,
  };
}
