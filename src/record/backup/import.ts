import { SekishoError } from '../../errors.ts';
import type { Database } from '../database.ts';
import { asSekishoError, INSUFFICIENT_PRIVILEGE, isSqlError } from '../failures.ts';
import { applyRelease, migrate, type Release, thisRelease } from '../migrator.ts';
import { compareVersions, FIRST_RELEASE } from '../release.ts';
import type { BackupFile } from './file.ts';
import { type BackupHeader, rowsOf, unusable } from './header.ts';
import { type BackedTable, listTables, quoted } from './tables.ts';

/** For one page of rows, indexes included. */
const DEADLINE_MS = 120_000;

/** What is restored, wherever it is to go. */
export interface Restoring {
  readonly file: BackupFile;
  /** Whether the record that is there may go. */
  readonly replace: boolean;
  /** Declares the restore and looks at the result, before anything is final: when it throws, everything is as before. */
  readonly declare: (database: Database) => Promise<void>;
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly total: number | null;
  }) => void;
}

/**
 * Refuses a file that this release cannot restore.
 *
 * @throws SekishoError `backup_unusable` when it is of a newer release, or of another build.
 */
export function assertRestorable(header: BackupHeader, release: Release = thisRelease()): void {
  if (isNewer(header.release, release.version)) {
    throw unusable(
      `is of Sekisho ${header.release}, and this is ${release.version}: restore it with ${header.release} or later`,
    );
  }
  if (header.migrations.length > release.migrations.length) {
    throw unusable(
      `has schema version ${header.migrations.length}, this release of Sekisho knows ${release.migrations.length} at most: restore it with the release that made it, or a later one`,
    );
  }
  for (const [at, { name, checksum }] of header.migrations.entries()) {
    const ours = release.migrations[at];
    if (ours?.checksum !== checksum) {
      throw unusable(`is of another build of Sekisho: its migration ${name} has another text`);
    }
  }
}

function isNewer(version: string, than: string): boolean {
  try {
    return compareVersions(version, than) > 0;
  } catch (error) {
    throw unusable(`names no release: ${version}`, error);
  }
}

/**
 * Fills an empty database: the schema that the backup's record had, its rows, then whatever migrations came since. The
 * functions are this release's. Nothing is declared yet (RESTORE).
 *
 * @param database without a schema `sekisho`; where half of the work must not be seen, in one transaction.
 * @throws SekishoError `backup_unusable`, `invalid_configuration` as `migrate`, `store_unavailable`.
 */
export async function importRecord(
  database: Database,
  file: BackupFile,
  onProgress?: (progress: { readonly done: number; readonly total: number | null }) => void,
): Promise<void> {
  const { header } = file;
  const release = thisRelease();
  assertRestorable(header, release);
  try {
    await applyRelease(database, {
      version: header.release,
      runsBeside: FIRST_RELEASE,
      migrations: release.migrations.slice(0, header.migrations.length),
      functions: [],
    });
    const tables = await listTables(database);
    const before = new Map(tables.map((table) => [table.name, table]));
    for (const table of tables) await database.script(openForRows(table));
    // Rows that a migration has put there are in the backup, as they were.
    for (const { name } of tables.toReversed()) {
      await database.query({ text: `delete from ${quoted(name)}` });
    }
    await insertRows(database, file, before, onProgress);
    for (const table of tables) await database.script(closeAgain(table));
    await migrate(database, release);
  } catch (error) {
    throw explained(error);
  }
}

/** What an error of the database means to whoever restores. */
export function explained(error: unknown): unknown {
  if (!isSqlError(error, INSUFFICIENT_PRIVILEGE)) return asSekishoError(error);
  return new SekishoError(
    'invalid_configuration',
    `The database user may not restore here: ${error.message}.`,
    { cause: error },
  );
}

/** The rows are put back as they were: no trigger adds to them, and the owner of the tables sees every tenant. */
function openForRows({ name, forced }: BackedTable): string {
  return [
    `alter table ${quoted(name)} disable trigger user;`,
    forced ? `alter table ${quoted(name)} no force row level security;` : '',
  ].join('\n');
}

function closeAgain({ name, forced }: BackedTable): string {
  return [
    `alter table ${quoted(name)} enable trigger user;`,
    forced ? `alter table ${quoted(name)} force row level security;` : '',
    `analyze ${quoted(name)};`,
  ].join('\n');
}

async function insertRows(
  database: Database,
  file: BackupFile,
  tables: ReadonlyMap<string, BackedTable>,
  onProgress: ((progress: { done: number; total: number | null }) => void) | undefined,
): Promise<void> {
  const total = rowsOf(file.header);
  let done = 0;
  let insert = '';
  for await (const item of file.items()) {
    if (item.kind === 'table') {
      const table = tables.get(item.table);
      if (table === undefined || !sameColumns(table.columns, item.columns)) {
        throw unusable(`does not fit its own schema: table ${item.table} has other columns`);
      }
      const name = quoted(item.table);
      // OFFSET 0, or the row would be read anew for each of its columns.
      insert = `insert into ${name} select (q.r).* from (select v::${name} as r from unnest($1::text[]) v offset 0) q`;
      continue;
    }
    await database.query({ text: insert, values: [item.rows] }, { deadlineMs: DEADLINE_MS });
    done += item.rows.length;
    onProgress?.({ done, total });
  }
}

function sameColumns(ours: BackedTable['columns'], theirs: BackedTable['columns']): boolean {
  return JSON.stringify(ours) === JSON.stringify(theirs);
}
