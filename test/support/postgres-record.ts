import { openPoolDatabase } from '../../src/record/postgres/pool-database.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import type { TestRecord } from './record.ts';

/**
 * A migrated record in a database of its own on a real PostgreSQL.
 *
 * @param adminUrl of a role that may create databases: `inject('postgresUrl')`.
 */
export async function openPostgresTestRecord(
  adminUrl: string,
): Promise<TestRecord & { readonly url: string }> {
  const made = await createTestDatabase(adminUrl);
  // As many as any test has statements at once: what it waits for are locks, not connections.
  // A busy machine makes no dozens of them at once within the usual time.
  const database = openPoolDatabase({ url: made.url, max: 60, connectMs: 60_000 });
  const record = createSqlRecord(database);
  await record.migrate();
  return {
    record,
    database,
    url: made.url,
    async close() {
      await record.close();
      await made.drop();
    },
  };
}
