import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/record/database.ts';
import { openDataFolder } from '../../src/record/pglite/data-folder.ts';
import { readImage, writeImage } from '../../src/record/pglite/image.ts';
import { tarEntries } from '../../src/record/pglite/tar.ts';
import { startWorkerDatabase } from '../../src/record/pglite/worker-database.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';
import { IMAGES } from '../support/record.ts';

let scratch: string;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'sekisho-image-'));
  await writeImage(IMAGES);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function systemOf(database: Database): Promise<string> {
  const [row] = await database.query<{ id: string; identity: string }>({
    text: 'select system_identifier::text as id, sekisho.server_identity() as identity from pg_control_system()',
  });
  expect(row?.identity.split('/')[1]).toBe(row?.id);
  return row?.id ?? '';
}

describe('the image of a migrated database', () => {
  test('has the whole schema and both roles, and no row that belongs to a deployment', async () => {
    const image = await readImage(IMAGES);
    if (image === null) throw new Error('there is no image');
    const database = await startWorkerDatabase({ image });
    try {
      const tables = await database.query<{ name: string }>({
        text: "select relname::text as name from pg_class where relnamespace = 'sekisho'::regnamespace and relkind in ('r', 'p')",
      });
      const rows = new Map<string, string>();
      for (const { name } of tables) {
        const [row] = await database.query<{ rows: string }>({
          text: `select coalesce(jsonb_agg(t), '[]')::text as rows from sekisho.${name} t`,
        });
        if (row !== undefined && row.rows !== '[]') rows.set(name, row.rows);
      }
      const schema = ['schema_function', 'schema_migration', 'schema_release'];
      expect([...rows.keys()]).toEqual(expect.arrayContaining(schema));
      // What else a migration has written is the same in every deployment: no id, no key, no digest.
      for (const [name, text] of rows) {
        if (!schema.includes(name)) expect(text, name).not.toMatch(/[\w+/-]{22}/);
      }
      expect(
        await database.query({
          text: "select rolname from pg_roles where rolname in ('sekisho_system', 'sekisho_tenant')",
        }),
      ).toHaveLength(2);
      const before = database.statementCount();
      await createSqlRecord(database).migrate();
      // A look at what is there, and the first generation: nothing was left to migrate.
      expect(database.statementCount() - before).toBeLessThanOrEqual(4);
    } finally {
      await database.close();
    }
  });

  test('GENERATION two data directories made from it share no identity', async () => {
    const systems: string[] = [];
    const generations: string[] = [];
    const secrets: string[] = [];
    for (const name of ['one', 'two']) {
      const dataDir = join(scratch, name);
      mkdirSync(dataDir);
      const folder = await openDataFolder(dataDir, IMAGES);
      expect(folder.isNew).toBe(true);
      const control = readFileSync(join(folder.path, 'global/pg_control'));
      secrets.push(control.subarray(257, 289).toString('hex'));
      const database = await startWorkerDatabase({ dataDir: folder.path });
      try {
        const record = createSqlRecord(database);
        await record.migrate();
        systems.push(await systemOf(database));
        const { head, identityAgrees } = await record.log.head();
        expect(identityAgrees).toBe(true);
        generations.push(head.generation);
      } finally {
        await database.close();
      }
    }
    for (const each of [systems, generations, secrets]) expect(new Set(each).size).toBe(2);
    // The write-ahead log belongs to the same system, or it could not be replayed.
    for (const [index, name] of ['one', 'two'].entries()) {
      const wal = join(scratch, name, 'postgres/pg_wal');
      const [segment = ''] = readdirSync(wal).filter((file) => /^[0-9A-F]{24}$/.test(file));
      expect(String(readFileSync(join(wal, segment)).readBigUInt64LE(24))).toBe(systems[index]);
    }
  });

  test('a damaged one, and one of another release, is passed over', async () => {
    const folder = join(scratch, 'damaged');
    mkdirSync(folder);
    expect(await readImage(folder)).toBeNull();
    const [name = ''] = readdirSync(IMAGES).filter((file) => file.startsWith('image-'));
    const good = readFileSync(join(IMAGES, name));
    writeFileSync(join(folder, name), good);
    expect(await readImage(folder)).not.toBeNull();
    for (const at of [2, Math.floor(good.length / 2), good.length - 1]) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 0x20;
      writeFileSync(join(folder, name), bad);
      expect(await readImage(folder)).toBeNull();
    }
    writeFileSync(join(folder, name), good.subarray(0, good.length - 100));
    expect(await readImage(folder)).toBeNull();
    writeFileSync(join(folder, name.replace(/-..../, '-0000')), good);
    rmSync(join(folder, name));
    expect(await readImage(folder)).toBeNull();
  });

  test('without one, initdb makes the database as ever', async () => {
    const dataDir = join(scratch, 'without');
    mkdirSync(dataDir);
    const { path } = await openDataFolder(dataDir, join(scratch, 'nothing'));
    const database = await startWorkerDatabase({ dataDir: path });
    try {
      await createSqlRecord(database).migrate();
      expect(await systemOf(database)).toMatch(/^[1-9]\d+$/);
    } finally {
      await database.close();
    }
  });
});

describe('the database’s folder', () => {
  test('appears whole or not at all: what a killed start left is made anew', async () => {
    const dataDir = join(scratch, 'killed');
    mkdirSync(join(dataDir, 'postgres.new/base'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres.new/PG_VERSION'), '18\n');
    // An empty folder is what releases before left when they were killed early.
    mkdirSync(join(dataDir, 'postgres'));
    const { path, isNew } = await openDataFolder(dataDir, IMAGES);
    expect(isNew).toBe(true);
    expect(readdirSync(dataDir)).toEqual(['postgres']);
    expect(readdirSync(path)).toContain('global');
    expect((await openDataFolder(dataDir, IMAGES)).isNew).toBe(false);
  });

  test('that holds something else is left as it is', async () => {
    const dataDir = join(scratch, 'foreign');
    mkdirSync(join(dataDir, 'postgres'), { recursive: true });
    writeFileSync(join(dataDir, 'postgres', 'letters.txt'), 'dear');
    await expect(openDataFolder(dataDir, IMAGES)).rejects.toThrow('is left as it is');
    expect(readdirSync(join(dataDir, 'postgres'))).toEqual(['letters.txt']);
  });
});

describe('an archive', () => {
  test('that leads out of itself, or ends early, is refused', async () => {
    const image = await readImage(IMAGES);
    if (image === null) throw new Error('there is no image');
    expect(() => [...tarEntries(image.subarray(0, 10_000))]).toThrow('cannot be read');
    const out = Buffer.alloc(1024);
    out.write('../out');
    out.write('00000000000', 124);
    out.write('0', 156);
    expect(() => [...tarEntries(out)]).toThrow('leads out');
  });
});
