import { SekishoError } from '../errors.ts';
import type { Migration, SqlFunction } from './assets.ts';
import type { Database } from './database.ts';
import { compareVersions, FIRST_RELEASE } from './release.ts';
import type { SchemaState } from './shapes.ts';

/** What a release brings to a record; tests give others than this one. */
export interface Release {
  readonly version: string;
  /** The oldest release whose nodes may run beside it. */
  readonly runsBeside: string;
  readonly migrations: readonly Migration[];
  readonly functions: readonly SqlFunction[];
}

/** What bringing a record up to a release would do. */
export interface MigrationPlan {
  /**
   * `current`: nothing. `new`: everything, the record is empty. `upgrade`: what is listed. `older`: nothing, since the
   * record belongs to a newer release beside which this one may run: neither schema nor functions are touched.
   */
  readonly kind: 'current' | 'new' | 'upgrade' | 'older';
  /** The newest release that the record was brought up to; null when it is empty. */
  readonly from: string | null;
  readonly to: string;
  readonly migrations: readonly Migration[];
  readonly functions: readonly SqlFunction[];
}

/** Reads what stands in the record about its schema. */
export async function readSchemaState(database: Database): Promise<SchemaState> {
  const [found] = await database.query<{ there: boolean; releases: boolean }>({
    text: `select to_regclass('sekisho.schema_function') is not null as there,
      to_regclass('sekisho.schema_release') is not null as releases`,
  });
  if (found?.there !== true) return { migrations: {}, functions: {}, releases: {} };
  const releases = found.releases
    ? "(select coalesce(jsonb_object_agg(version, runs_beside), '{}') from sekisho.schema_release)"
    : "'{}'::jsonb";
  const [row] = await database.query<SchemaState & object>({
    text: `select
      (select coalesce(jsonb_object_agg(version, checksum), '{}') from sekisho.schema_migration) as migrations,
      (select coalesce(jsonb_object_agg(name, checksum), '{}') from sekisho.schema_function) as functions,
      ${releases} as releases`,
  });
  return row as SchemaState;
}

/**
 * What is to be done to bring a record in `state` up to `release`.
 *
 * @throws SekishoError `invalid_configuration` with the reason why this release may not use the record.
 */
export function planMigration(state: SchemaState, release: Release): MigrationPlan {
  const empty = Object.keys(state.migrations).length === 0;
  const from = empty ? null : newestOf(state);
  const base = { from, to: release.version };
  sameTexts(state, release);
  if (from !== null && compareVersions(release.version, from) < 0) {
    const oldest = state.releases[from] ?? FIRST_RELEASE;
    if (compareVersions(release.version, oldest) < 0) throw tooOld(release.version, from, oldest);
    return { ...base, kind: 'older', migrations: [], functions: [] };
  }
  const newest = release.migrations.length;
  const highest = Math.max(0, ...Object.keys(state.migrations).map(Number));
  if (highest > newest) {
    throw refused(
      `The database has schema version ${highest}, this build of Sekisho ${release.version} knows ${newest} at most. ` +
        'Start the build that made it, or restore a backup from before.',
    );
  }
  const migrations = release.migrations.filter(({ version }) => !(version in state.migrations));
  const functions = release.functions.filter(
    ({ name, checksum }) => state.functions[name] !== checksum,
  );
  const noted = state.releases[release.version] === release.runsBeside;
  const done = migrations.length === 0 && functions.length === 0 && noted;
  return { ...base, kind: done ? 'current' : empty ? 'new' : 'upgrade', migrations, functions };
}

/** The newest release that a record was brought up to. */
export function newestOf({ releases }: SchemaState): string {
  return Object.keys(releases).reduce(
    (newest, one) => (compareVersions(one, newest) > 0 ? one : newest),
    FIRST_RELEASE,
  );
}

/** A migration is never changed once it was released. */
function sameTexts(state: SchemaState, release: Release): void {
  for (const { version, name, checksum } of release.migrations) {
    const applied = state.migrations[version];
    if (applied !== undefined && applied !== checksum) {
      throw refused(
        `Migration ${name} was applied to this database with another text. ` +
          'The database belongs to another build of Sekisho.',
      );
    }
  }
}

function tooOld(version: string, newest: string, oldest: string): SekishoError {
  return refused(
    `The database was upgraded to Sekisho ${newest}, beside which ${oldest} is the oldest release that may run, and this ` +
      `is ${version}. Start ${newest}, or restore a backup from before the upgrade.`,
  );
}

function refused(why: string): SekishoError {
  return new SekishoError('invalid_configuration', why);
}
