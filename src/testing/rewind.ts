import type { Database } from '../record/database.ts';

/**
 * What a record must not forget while its node works: the log and all that is said of positions in it (the view has it
 * too), the keys that the node signs with, and its membership. Nothing of it shows in a test: what was revoked before stays
 * revoked, and whoever logs in afterwards stands above it.
 */
const KEPT = [
  ...['generation', 'head', 'revocation', 'operation', 'floor', 'reissue'],
  ...['member', 'member_release', 'seen_mark', 'operations_seen'],
  ...['schema_migration', 'schema_function', 'schema_release'],
  ...['setting', 'signing_key', 'audit_key'],
];

/** The rows of every other table at one moment. */
export interface Snapshot {
  /** Puts them back, in one transaction. */
  restore(): Promise<void>;
}

/** Remembers all rows, those of tables that later releases add as well. */
export async function takeSnapshot(database: Database): Promise<Snapshot> {
  const tables = await database.query<{ name: string }>({
    text: `select relname::text as name from pg_class
      where relnamespace = 'sekisho'::regnamespace and relkind = 'r' and relname <> all ($1)`,
    values: [KEPT],
  });
  const rowsOf = tables.map(
    ({ name }) =>
      `select '${name}' as name, coalesce(jsonb_agg(t), '[]')::text as rows from sekisho.${name} t`,
  );
  const taken = await database.query<{ name: string; rows: string }>({
    text: rowsOf.join(' union all '),
  });
  const filled = taken.filter(({ rows }) => rows !== '[]');
  const all = taken.map(({ name }) => `sekisho.${name}`).join(', ');
  return {
    async restore() {
      await database.transaction([
        // Neither foreign keys nor the audit trail's own guard: what is put back was whole.
        { text: "select set_config('session_replication_role', 'replica', true)" },
        {
          text: "select set_config('sekisho.version', version::text, true) from sekisho.operations",
        },
        { text: `truncate ${all}` },
        ...filled.map(({ name, rows }) => ({
          text: `insert into sekisho.${name} select * from jsonb_populate_recordset(null::sekisho.${name}, $1)`,
          values: [rows],
        })),
        // It counts changes, and never goes back: the node would take it for an older answer.
        {
          text: "update sekisho.operations set version = current_setting('sekisho.version')::bigint + 1",
        },
      ]);
    },
  };
}
