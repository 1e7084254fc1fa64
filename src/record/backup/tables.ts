import type { Database } from '../database.ts';

/** A table of the record, as the catalogue has it. */
export interface BackedTable {
  readonly name: string;
  readonly columns: readonly (readonly [name: string, type: string])[];
  /** Whether row-level security holds for its owner, too. */
  readonly forced: boolean;
}

/**
 * What is in no backup: the schema's own state, which a restore makes; what speaks of processes that run; and open password
 * resets, which a restore voids (RESTORE).
 */
export const LEFT_OUT: readonly string[] = Object.freeze([
  'schema_migration',
  'schema_function',
  'schema_release',
  'member',
  'member_release',
  'seen_mark',
  'operations_seen',
  'password_reset',
]);

/** A table whose rows refer to others of it: the referred ones first. */
export const ORDERED_ROWS: Readonly<Record<string, string>> = Object.freeze({
  generation: `
    with recursive line as (
      select id, 0 as depth from sekisho.generation where parent is null
      union all
      select g.id, l.depth + 1 from sekisho.generation g join line l on g.parent = l.id
    )
    select x::text as row from sekisho.generation x join line l on l.id = x.id order by l.depth`,
});

interface CatalogueRow {
  readonly name: string;
  readonly forced: boolean;
  readonly columns: readonly (readonly [string, string])[];
  readonly refers_to: readonly string[];
}

/** Every table of the record that a backup holds, each after those that it refers to. Read from the catalogue. */
export async function listTables(
  database: Pick<Database, 'query'>,
): Promise<readonly BackedTable[]> {
  const rows = await database.query<CatalogueRow>({
    text: `
      select c.relname as name, c.relforcerowsecurity as forced,
             (select jsonb_agg(jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) order by a.attnum)
                from pg_attribute a
               where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
             (select coalesce(jsonb_agg(distinct r.relname), '[]')
                from pg_constraint k join pg_class r on r.oid = k.confrelid
               where k.conrelid = c.oid and k.contype = 'f' and r.oid <> c.oid) as refers_to
        from pg_class c
       where c.relnamespace = 'sekisho'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       order by c.relname`,
  });
  const waiting = new Map(
    rows.filter(({ name }) => !LEFT_OUT.includes(name)).map((row) => [row.name, row]),
  );
  const tables: BackedTable[] = [];
  while (waiting.size > 0) {
    const free = [...waiting.values()].filter(
      ({ refers_to }) => !refers_to.some((name) => waiting.has(name)),
    );
    if (free.length === 0) throw new Error('Tables of the record refer to each other in a circle.');
    for (const { name, forced, columns } of free) {
      waiting.delete(name);
      tables.push({ name, forced, columns });
    }
  }
  return tables;
}

/** A name from the catalogue or from an authentic file, for a statement. */
export function quoted(name: string): string {
  return `sekisho."${name.replaceAll('"', '""')}"`;
}
