import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { RecordStore } from '../../src/record/contract.ts';
import type { Database } from '../../src/record/database.ts';
import { migrate, thisRelease } from '../../src/record/migrator.ts';
import { startWorkerDatabase } from '../../src/record/pglite/worker-database.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/sekisho-record/', import.meta.url));

/** A migrated record of a test file's own, and the database beneath it. */
export interface TestRecord {
  readonly record: RecordStore;
  readonly database: Database;
  /** Closes it, and removes what was made for it. */
  close(): Promise<void>;
}

/**
 * A migrated record in memory: PGlite, loaded from an image that is made once for each state of the schema and kept in
 * node_modules/.cache. Take one a test file, in `beforeAll`. On PostgreSQL: `openPostgresTestRecord`.
 */
export async function openTestRecord(): Promise<TestRecord> {
  const database = await startWorkerDatabase({ image: await migratedImage() });
  const record = createSqlRecord(database);
  await record.migrate();
  return { record, database, close: () => record.close() };
}

async function migratedImage(): Promise<Uint8Array> {
  const path = join(CACHE, `${schemaChecksum()}.tar.gz`);
  if (!existsSync(path)) {
    const database = await startWorkerDatabase({});
    await migrate(database);
    // The head names this server; the record that is loaded from the image makes one of its own.
    await database.script('delete from sekisho.head; delete from sekisho.generation; checkpoint;');
    const image = await database.dump();
    await database.close();
    mkdirSync(CACHE, { recursive: true });
    // Several test files may make it at once: each under its own name first.
    const own = `${path}.${process.pid}`;
    writeFileSync(own, gzipSync(image, { level: 1 }));
    renameSync(own, path);
    for (const name of readdirSync(CACHE)) {
      const old = join(CACHE, name);
      if (old !== path && name.endsWith('.tar.gz')) rmSync(old, { force: true });
    }
    return image;
  }
  return gunzipSync(readFileSync(path));
}

function schemaChecksum(): string {
  // An image of another release of PGlite is of no use.
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const manifest = readFileSync(join(dirname(entry), '../package.json'), 'utf8');
  const { version, runsBeside, migrations, functions } = thisRelease();
  const parts = [
    (JSON.parse(manifest) as { version: string }).version,
    ...[version, runsBeside],
    ...[...migrations, ...functions].map((file) => file.checksum),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
