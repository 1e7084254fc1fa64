import type { Compilable, RawBuilder } from 'kysely';
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import type { Page } from './contract.ts';
import type { Database, SqlCall } from './database.ts';
import { asSekishoError } from './failures.ts';
import type { RawSession } from './rows.ts';
import type { Tables } from './tables.ts';

/** Builds typed reads. It only compiles them: `asTenant` and `asSystem` run them, under the role that the name says. */
export const build: Kysely<Tables> = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (instance) => new PostgresIntrospector(instance),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
}).withSchema('sekisho');

/** Runs a read that sees the rows of `tid` and no others (ASVS 8.4.1). Two statements, whatever the number of rows. */
export async function asTenant<Row>(
  database: Database,
  tid: string,
  query: Compilable<Row>,
): Promise<Row[]> {
  return await run(database, ENTER_TENANT, [tid], query);
}

/** Runs a read across all tenants: the follower's, clean-up's and operators' only. */
export async function asSystem<Row>(database: Database, query: Compilable<Row>): Promise<Row[]> {
  return await run(database, ENTER_SYSTEM, [], query);
}

/** Sessions (`j`) with the judgement on each at `nowMs`. */
export function judgedSessions(nowMs: number) {
  const at = new Date(nowMs).toISOString();
  const source: RawBuilder<RawSession> = sql`sekisho.judged_session(${at})`;
  return build.selectFrom(source.as('j'));
}

/** Where a page of a list that is newest first goes on: behind `cursor`, by the columns of a row's time and id. */
export function behind(cursor: Page['cursor'], at: string, id: string): RawBuilder<boolean> {
  if (cursor === null) return sql`true`;
  return sql`(${sql.ref(at)}, ${sql.ref(id)}) < (${new Date(cursor.atMs)}, ${cursor.id})`;
}

// Pages are small, whatever the planner fears of them: compiling a query would cost more than running it.
const ENTER_TENANT =
  "select set_config('role', 'sekisho_tenant', true), set_config('sekisho.tid', $1, true), set_config('jit', 'off', true)";
const ENTER_SYSTEM =
  "select set_config('role', 'sekisho_system', true), set_config('jit', 'off', true)";

async function run<Row>(
  database: Database,
  enter: string,
  values: readonly unknown[],
  query: Compilable<Row>,
): Promise<Row[]> {
  const { sql: text, parameters } = query.compile();
  const calls: SqlCall[] = [
    { text: enter, values },
    { text, values: parameters },
  ];
  try {
    const [, rows] = await database.transaction(calls);
    return (rows ?? []) as Row[];
  } catch (error) {
    throw asSekishoError(error);
  }
}
