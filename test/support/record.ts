import { fileURLToPath } from 'node:url';
import type { RecordStore } from '../../src/record/contract.ts';
import type { Database } from '../../src/record/database.ts';
import { readImage, writeImage } from '../../src/record/pglite/image.ts';
import { startWorkerDatabase } from '../../src/record/pglite/worker-database.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';

/** Where the tests keep an image of their own, where the one of the last build does not fit. */
export const IMAGES = fileURLToPath(
  new URL('../../node_modules/.cache/sekisho-record/', import.meta.url),
);

/** A migrated record of a test file's own, and the database beneath it. */
export interface TestRecord {
  readonly record: RecordStore;
  readonly database: Database;
  /** Closes it, and removes what was made for it. */
  close(): Promise<void>;
}

/**
 * A migrated record in memory: PGlite, loaded from the image that the build made, or, where src/ has moved on since, from
 * one that is made once for each state of the schema. Take one a test file, in `beforeAll`. On PostgreSQL:
 * `openPostgresTestRecord`.
 *
 * @param entry what runs in the thread, such as one that dies. Default: PGlite.
 */
export async function openTestRecord(entry?: URL): Promise<TestRecord> {
  const database = await startWorkerDatabase({ image: await migratedImage() }, entry);
  const record = createSqlRecord(database);
  await record.migrate();
  return { record, database, close: () => record.close() };
}

async function migratedImage(): Promise<Uint8Array> {
  const built = (await readImage()) ?? (await readImage(IMAGES));
  if (built !== null) return built;
  await writeImage(IMAGES);
  const made = await readImage(IMAGES);
  if (made === null) throw new Error('the image that was just made does not fit');
  return made;
}
