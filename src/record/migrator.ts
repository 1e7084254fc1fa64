import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import { loadFunctions, loadMigrations, type Migration, type SqlFunction } from './assets.ts';
import { call } from './call.ts';
import type { Database } from './database.ts';
import { asSekishoError, isSqlError } from './failures.ts';

/** Somebody else migrated between our look and our lock: look again. */
const STATE_CHANGED = 'SK001';
const INSUFFICIENT_PRIVILEGE = '42501';
/** `create or replace` refuses a function whose result or parameter names are different. */
const INVALID_FUNCTION_DEFINITION = '42P13';
/** Two databases of one server made the roles at the same moment: duplicate key, or "tuple concurrently updated". */
const ROLE_RACES = ['23505', 'XX000', '40001', '40P01'];
const ATTEMPTS = 10;
/** First of the two numbers of the advisory lock; the second is that of the schema. */
const LOCK_KEY = 0x5e_51_5e;

interface State {
  readonly migrations: Readonly<Record<string, string>>;
  readonly functions: Readonly<Record<string, string>>;
}

/** What this release expects; tests give others. */
export interface Release {
  readonly migrations: readonly Migration[];
  readonly functions: readonly SqlFunction[];
}

/**
 * Brings the schema `sekisho` up to this release's: applies each numbered migration once, and (re)creates every function whose
 * text has changed, all in one transaction under an advisory lock. Two nodes may start at once.
 *
 * @throws SekishoError `invalid_configuration` when the database is newer than this release, or when a migration that was
 *   applied has other text here; `store_unavailable` when the database cannot be reached.
 */
export async function migrate(
  database: Database,
  release: Release = { migrations: loadMigrations(), functions: loadFunctions() },
): Promise<void> {
  try {
    await applyRelease(database, release);
  } catch (error) {
    if (isSqlError(error, INSUFFICIENT_PRIVILEGE)) {
      throw new SekishoError(
        'invalid_configuration',
        'The database user may not set Sekisho up: it has to be able to create the schema sekisho, and to create the ' +
          `roles sekisho_tenant and sekisho_system or be a member of them (${(error as Error).message}).`,
        { cause: error },
      );
    }
    throw asSekishoError(error);
  }
  // The first generation of a record, settled from the start; nothing when there is a head.
  await call(database, 'begin_record', [newId()]);
}

async function applyRelease(database: Database, release: Release): Promise<void> {
  let replaceByDropping = false;
  for (let attempt = 1; ; attempt += 1) {
    const state = await readState(database);
    const pending = judge(state, release);
    if (pending.migrations.length === 0 && pending.functions.length === 0) return;
    try {
      await database.script(scriptFor(state, pending, replaceByDropping));
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      if (isSqlError(error, INVALID_FUNCTION_DEFINITION) && !replaceByDropping) {
        replaceByDropping = true;
      } else if (
        !isSqlError(error, STATE_CHANGED) &&
        !ROLE_RACES.some((code) => isSqlError(error, code))
      ) {
        throw error;
      }
    }
  }
}

async function readState(database: Database): Promise<State> {
  const [found] = await database.query<{ there: boolean }>({
    text: "select to_regclass('sekisho.schema_function') is not null as there",
  });
  if (found?.there !== true) return { migrations: {}, functions: {} };
  const [row] = await database.query<State>({
    text: `select
      (select coalesce(jsonb_object_agg(version, checksum), '{}') from sekisho.schema_migration) as migrations,
      (select coalesce(jsonb_object_agg(name, checksum), '{}') from sekisho.schema_function) as functions`,
  });
  return row as State;
}

/** What is still to be done, or the reason why nothing can be. */
function judge(state: State, release: Release): Release {
  const newest = release.migrations.length;
  const applied = Object.keys(state.migrations).map(Number);
  const highest = Math.max(0, ...applied);
  if (highest > newest) {
    throw new SekishoError(
      'invalid_configuration',
      `The database has schema version ${highest}, this release of Sekisho knows ${newest} at most. ` +
        'Start the newer release, or restore a backup from before the upgrade.',
    );
  }
  for (const migration of release.migrations) {
    const checksum = state.migrations[migration.version];
    if (checksum !== undefined && checksum !== migration.checksum) {
      throw new SekishoError(
        'invalid_configuration',
        `Migration ${migration.name} was applied to this database with another text. ` +
          'The database belongs to another build of Sekisho.',
      );
    }
  }
  return {
    migrations: release.migrations.filter(({ version }) => !(version in state.migrations)),
    functions: release.functions.filter(({ name, checksum }) => state.functions[name] !== checksum),
  };
}

function scriptFor(state: State, pending: Release, drop: boolean): string {
  return [
    `select pg_advisory_xact_lock(${LOCK_KEY}, 1);`,
    'create schema if not exists sekisho;',
    `create table if not exists sekisho.schema_migration (
      version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null);`,
    `create table if not exists sekisho.schema_function (
      name text primary key, checksum text not null);`,
    guard(state),
    // Functions may speak of each other, and of tables that a later line makes.
    'set local check_function_bodies = off;',
    ...pending.migrations.flatMap(({ version, name, text, checksum }) => [
      text,
      `insert into sekisho.schema_migration values
        (${version}, ${literal(name)}, ${literal(checksum)}, clock_timestamp());`,
    ]),
    ...pending.functions.flatMap(({ name, text, checksum }) => [
      drop ? dropAll(name) : '',
      text,
      `insert into sekisho.schema_function values (${literal(name)}, ${literal(checksum)})
        on conflict (name) do update set checksum = excluded.checksum;`,
    ]),
  ].join('\n');
}

/** Under the lock: the state must still be the one that this script was made for. */
function guard(state: State): string {
  return `do $guard$ begin
    if (select count(*) from sekisho.schema_migration) <> ${Object.keys(state.migrations).length}
      or (select coalesce(jsonb_object_agg(name, checksum), '{}') from sekisho.schema_function)
         <> ${literal(JSON.stringify(state.functions))}::jsonb
    then raise exception 'the schema was changed by another node' using errcode = '${STATE_CHANGED}';
    end if;
  end $guard$;`;
}

function dropAll(name: string): string {
  return `do $drop$ declare f regprocedure; begin
    for f in select oid::regprocedure from pg_proc
      where pronamespace = 'sekisho'::regnamespace and proname = ${literal(name)}
    loop execute format('drop function %s cascade', f); end loop;
  end $drop$;`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
