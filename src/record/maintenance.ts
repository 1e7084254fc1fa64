import { call } from './call.ts';
import type { MaintenanceStore } from './contract.ts';
import type { Database } from './database.ts';
import { asSekishoError } from './failures.ts';

/**
 * Every table of the schema, and the one of the catalogue that ANALYZE writes to; of the others those whose rows are so old
 * that the numbers of transactions would come to their end one day, since nothing else freezes them. ANALYZE too: the
 * planner knows nothing of a table that never had it.
 */
const TABLES = `
  select oid::regclass::text as name from pg_class
   where relkind = 'r'
     and (relnamespace = 'sekisho'::regnamespace or oid = 'pg_statistic'::regclass
          or age(relfrozenxid) > 200000000)
   order by oid`;

/**
 * Tables in which a fifth of the rows is dead, and no fewer than 50,000 are. Each VACUUM reads every index from beginning to
 * end, whatever there is to do, and then does as much as there are dead rows, while nothing else is carried out: after a
 * million of them it would be one long wait, and for every few thousand a wait each. The counts are those of a second ago.
 */
const DUE = `
  select oid::regclass::text as name from pg_class
   where relkind = 'r' and relnamespace = 'sekisho'::regnamespace
     and pg_stat_get_dead_tuples(oid) >= greatest(50000, 0.2 * reltuples)
   order by oid`;

/**
 * ANALYZE reads 300 rows for each of these; 100, the default, would hold the database up for longer than VACUUM does, and
 * for statements that go by keys the plans are the same.
 */
const FEW_ROWS = { text: "select set_config('default_statistics_target', '10', true)" };
/** A table of a million rows on a busy machine: nobody waits for it, and it is not given up. */
const PATIENT = { deadlineMs: 120_000 };

/** What keeps the record in shape, beside clean-up. */
export function createMaintenanceStore(database: Database): MaintenanceStore {
  return {
    forgetLog: (beforeMs) => call<number>(database, 'forget_log', [Math.floor(beforeMs)]),

    async checkpoint(whole = true) {
      if (database.kind !== 'pglite') return;
      try {
        // One statement each, so that heartbeats get in between.
        const tables = whole ? await database.query<{ name: string }>({ text: TABLES }) : [];
        for (const { name } of tables) {
          await database.query({ text: `vacuum ${name}` }, PATIENT);
          await database.transaction([FEW_ROWS, { text: `analyze ${name}` }], PATIENT);
        }
        await database.query({ text: 'checkpoint' }, PATIENT);
      } catch (error) {
        throw asSekishoError(error);
      }
    },

    async vacuumDue() {
      if (database.kind !== 'pglite') return;
      try {
        for (const { name } of await database.query<{ name: string }>({ text: DUE })) {
          // What became of the table's end is for the one at the end of the run.
          await database.query({ text: `vacuum (truncate off) ${name}` }, PATIENT);
        }
      } catch (error) {
        throw asSekishoError(error);
      }
    },
  };
}
