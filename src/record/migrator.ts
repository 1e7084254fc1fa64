import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import { loadFunctions, loadMigrations } from './assets.ts';
import { call } from './call.ts';
import type { Database } from './database.ts';
import {
  asSekishoError,
  INSUFFICIENT_PRIVILEGE,
  isSqlError,
  LOCK_NOT_AVAILABLE,
} from './failures.ts';
import { refuseBesideOlder } from './live-members.ts';
import {
  type MigrationPlan,
  planMigration,
  type Release,
  readSchemaState,
} from './migration-plan.ts';
import { RUNS_BESIDE, versionOfThis } from './release.ts';
import type { SchemaState } from './shapes.ts';

export type { MigrationPlan, Release };

/** Somebody else migrated between our look and our lock: look again. */
const STATE_CHANGED = 'SK001';
/** Two databases of one server made the roles at the same moment: duplicate key, or "tuple concurrently updated". */
const ROLE_RACES = ['23505', 'XX000', '40001', '40P01'];
const ATTEMPTS = 30;
/**
 * While a change of a table waits for its lock, everything that comes after waits behind it, heartbeats too: rather than
 * that it gives up and is tried again. Well below the default lease with its tolerance.
 */
const TABLE_LOCK_TIMEOUT = '1500ms';
const BEFORE_NEXT_TRY_MS = 500;
/** First of the two numbers of the advisory lock; the second is that of the schema. */
const LOCK_KEY = 0x5e_51_5e;

/**
 * How 0001 makes a role: PostgreSQL asks for CREATEROLE before it finds that the role is there, so an owner of the schema would
 * need a right for nothing that on PostgreSQL 15 reaches as far as the server's files and programs. The migration has
 * been released, and its text stays; it is carried out as if it looked first.
 */
const MAKE_ROLE = "execute format('create role %I nologin nobypassrls', role_name);";
const MAKE_MISSING_ROLE = `if to_regrole(role_name) is null then ${MAKE_ROLE} end if;`;

/** This release, with everything that it brings. */
export function thisRelease(): Release {
  return {
    version: versionOfThis(),
    runsBeside: RUNS_BESIDE,
    migrations: loadMigrations(),
    functions: loadFunctions(),
  };
}

/**
 * What `migrate` would do. Changes nothing.
 *
 * @throws SekishoError as `migrate`.
 */
export async function plan(
  database: Database,
  release: Release = thisRelease(),
): Promise<MigrationPlan> {
  try {
    const planned = planMigration(await readSchemaState(database), release);
    if (planned.kind === 'upgrade') await refuseBesideOlder(database, release);
    return planned;
  } catch (error) {
    throw asSekishoError(error);
  }
}

/**
 * Brings the schema `sekisho` up to this release's: applies each numbered migration once, and (re)creates every function whose
 * text has changed, all in one transaction under an advisory lock. Two nodes may start at once. Where a newer release was
 * here before, and allows this one beside it, nothing is touched: functions are never replaced by older texts.
 *
 * @returns what was done.
 * @throws SekishoError `invalid_configuration` when the database belongs to a release beside which this one may not run, or
 *   to another build, or when nodes run that may not run beside this one; `store_unavailable` when the database cannot be
 *   reached, or a table stays locked.
 */
export async function migrate(
  database: Database,
  release: Release = thisRelease(),
): Promise<MigrationPlan> {
  let done: MigrationPlan;
  try {
    done = await applyRelease(database, release);
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
  return done;
}

export async function applyRelease(database: Database, release: Release): Promise<MigrationPlan> {
  for (let attempt = 1; ; attempt += 1) {
    const state = await readSchemaState(database);
    const pending = planMigration(state, release);
    if (pending.kind === 'current' || pending.kind === 'older') return pending;
    if (pending.kind === 'upgrade') await refuseBesideOlder(database, release);
    try {
      await database.script(scriptFor(state, pending, release));
      return pending;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      if (isSqlError(error, LOCK_NOT_AVAILABLE)) {
        await new Promise((resolve) => setTimeout(resolve, BEFORE_NEXT_TRY_MS));
      } else if (
        !isSqlError(error, STATE_CHANGED) &&
        !ROLE_RACES.some((code) => isSqlError(error, code))
      ) {
        throw error;
      }
    }
  }
}

function scriptFor(
  state: SchemaState,
  pending: MigrationPlan,
  { version: release, runsBeside }: Release,
): string {
  return [
    `select pg_advisory_xact_lock(${LOCK_KEY}, 1);`,
    `set local lock_timeout = '${TABLE_LOCK_TIMEOUT}';`,
    'create schema if not exists sekisho;',
    `create table if not exists sekisho.schema_migration (
      version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null);`,
    `create table if not exists sekisho.schema_function (
      name text primary key, checksum text not null);`,
    `create table if not exists sekisho.schema_release (
      version text primary key, runs_beside text not null, applied_at timestamptz not null);`,
    guard(state),
    // Functions may speak of each other, and of tables that a later line makes.
    'set local check_function_bodies = off;',
    ...pending.migrations.flatMap(({ version, name, text, checksum }) => [
      version === 1 ? text.replace(MAKE_ROLE, () => MAKE_MISSING_ROLE) : text,
      `insert into sekisho.schema_migration values
        (${version}, ${literal(name)}, ${literal(checksum)}, clock_timestamp());`,
    ]),
    ...pending.functions.flatMap(({ name, text, checksum }) => [
      replaceFunction(name, text),
      `insert into sekisho.schema_function values (${literal(name)}, ${literal(checksum)})
        on conflict (name) do update set checksum = excluded.checksum;`,
    ]),
    `insert into sekisho.schema_release values (${literal(release)}, ${literal(runsBeside)}, clock_timestamp())
      on conflict (version) do update
        set runs_beside = excluded.runs_beside, applied_at = excluded.applied_at;`,
  ].join('\n');
}

/** Under the lock: the state must still be the one that this script was made for. */
function guard(state: SchemaState): string {
  const same = (columns: string, table: string, expected: Readonly<Record<string, string>>) =>
    `(select coalesce(jsonb_object_agg(${columns}), '{}') from sekisho.${table})
        = ${literal(JSON.stringify(expected))}::jsonb`;
  return `do $guard$ begin
    if not (${same('version, checksum', 'schema_migration', state.migrations)}
      and ${same('name, checksum', 'schema_function', state.functions)}
      and ${same('version, runs_beside', 'schema_release', state.releases)})
    then raise exception 'the schema was changed by another node' using errcode = '${STATE_CHANGED}';
    end if;
  end $guard$;`;
}

/**
 * Puts a function's text in place, under calls that are made meanwhile:
 * - One whose result is another has to be dropped first, which `create or replace` does not do by itself.
 * - One that got a parameter more, with a default, is another function to PostgreSQL, and calls of the release before would go
 *   on to its older text: that one goes, so that they reach the new one.
 * - One whose parameters are others stands beside the older one, which calls that have begun may still come to.
 */
function replaceFunction(name: string, text: string): string {
  return `do $replace$ declare
    v_text    constant text := ${literal(text)};
    v_before  constant text[] := array(select concat(p.oid, ' ', p.xmin) from pg_proc p
      where p.pronamespace = 'sekisho'::regnamespace and p.proname = ${literal(name)});
    v_done    boolean := false;
    v_old     regprocedure;
  begin
    begin
      execute v_text;
      v_done := true;
    exception when invalid_function_definition then null;
    end;
    if not v_done then
      for v_old in select p.oid from pg_proc p
        where p.pronamespace = 'sekisho'::regnamespace and p.proname = ${literal(name)}
      loop
        begin
          execute format('drop function %s', v_old);
          execute v_text;
          v_done := true;
          exit;
        exception when invalid_function_definition then null;
        end;
      end loop;
    end if;
    if not v_done then execute v_text; end if;
    for v_old in select old.oid from pg_proc old join pg_proc made using (pronamespace, proname)
      where old.pronamespace = 'sekisho'::regnamespace and old.proname = ${literal(name)}
        and concat(old.oid, ' ', old.xmin) = any (v_before)
        and concat(made.oid, ' ', made.xmin) <> all (v_before)
        and old.pronargs between made.pronargs - made.pronargdefaults and made.pronargs - 1
        and (old.pronargs = 0 or starts_with(concat(made.proargtypes, ' '), concat(old.proargtypes, ' ')))
    loop
      execute format('drop function %s', v_old);
    end loop;
  end $replace$;`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
