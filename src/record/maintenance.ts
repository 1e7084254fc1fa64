import { call } from './call.ts';
import type { MaintenanceStore } from './contract.ts';
import type { Database } from './database.ts';
import { asSekishoError } from './failures.ts';

/**
 * Every table of the schema, and the one of the catalogue that ANALYZE writes to. ANALYZE too: the planner knows nothing of
 * a table that never had it.
 */
const TABLES = `
  select format('%s', oid::regclass) as name from pg_class
   where relkind = 'r' and relnamespace = 'sekisho'::regnamespace or oid = 'pg_statistic'::regclass
   order by oid`;

/** What keeps the record in shape, beside clean-up. */
export function createMaintenanceStore(database: Database): MaintenanceStore {
  return {
    forgetLog: (beforeMs) => call<number>(database, 'forget_log', [Math.floor(beforeMs)]),

    async checkpoint() {
      if (database.kind !== 'pglite') return;
      try {
        // One statement each, so that heartbeats get in between.
        for (const { name } of await database.query<{ name: string }>({ text: TABLES })) {
          await database.query({ text: `vacuum (analyze) ${name}` });
        }
        await database.query({ text: 'checkpoint' });
      } catch (error) {
        throw asSekishoError(error);
      }
    },
  };
}
