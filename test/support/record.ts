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
import { inject } from 'vitest';
import { loadFunctions, loadMigrations } from '../../src/record/assets.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type { Database } from '../../src/record/database.ts';
import { migrate } from '../../src/record/migrator.ts';
import { startWorkerDatabase } from '../../src/record/pglite/worker-database.ts';
import { openPostgres } from '../../src/record/postgres/open.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/sekisho-record/', import.meta.url));

/** A migrated record of a test file's own, and the database beneath it. */
export interface TestRecord {
  readonly record: RecordStore;
  readonly database: Database;
  /** On PostgreSQL: where it is, for a second node. */
  readonly url?: string;
  /** Closes it, and removes what was made for it. */
  close(): Promise<void>;
}

/**
 * A migrated record. In the project `postgres` on the real server, in a database of its own; otherwise in memory: PGlite,
 * loaded from an image that is made once for each state of the schema and kept in node_modules/.cache. Take one a test
 * file, in `beforeAll`.
 */
export async function openTestRecord(): Promise<TestRecord> {
  const postgresUrl = inject('postgresUrl') as string | undefined;
  if (postgresUrl !== undefined) return await openOnPostgres(postgresUrl);
  const database = await startWorkerDatabase({ image: await migratedImage() });
  const record = createSqlRecord(database);
  await record.migrate();
  return { record, database, close: () => record.close() };
}

async function openOnPostgres(adminUrl: string): Promise<TestRecord> {
  const { url, drop } = await createTestDatabase(adminUrl);
  const database = await openPostgres({ url });
  const record = createSqlRecord(database);
  await record.migrate();
  return {
    record,
    database,
    url,
    async close() {
      await record.close();
      await drop();
    },
  };
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
  const parts = [
    (JSON.parse(manifest) as { version: string }).version,
    ...[...loadMigrations(), ...loadFunctions()].map((file) => file.checksum),
  ];
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);
}
