import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { backUp } from '../../src/create/backup.ts';
import { migrateRecord, planRecord } from '../../src/create/migration.ts';
import { openForCommand } from '../../src/create/open-for-command.ts';
import { restore } from '../../src/create/restore.ts';
import { createSekisho } from '../../src/index.ts';
import * as program from '../../src/record/pglite/wasm-module.ts';

vi.mock(import('../../src/record/pglite/wasm-module.ts'), { spy: true });

vi.setConfig({ testTimeout: 240_000 });

// One directory, in the order of its life.
let dataDir: string;
let elsewhere: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sekisho-directory-'));
  elsewhere = mkdtempSync(join(tmpdir(), 'sekisho-backups-'));
});
afterAll(() => {
  for (const folder of [dataDir, elsewhere]) rmSync(folder, { recursive: true, force: true });
});

const config = () => readConfig({ dataDir, logLevel: 'silent' });
const open = () => createSekisho({ dataDir, logLevel: 'silent' });
const command = () => openForCommand(config(), { mayMake: false, by: 'test' });
/** Whether the last database was opened with the program that is not optimised. */
const wasBrief = (): boolean => {
  const was = vi.mocked(program.sharedProgram).mock.calls.length > 0;
  vi.mocked(program.sharedProgram).mockClear();
  return was;
};

test('B4 what a migration would do of a directory in which nothing is makes nothing there', async () => {
  expect(await planRecord(config())).toMatchObject({ kind: 'new', from: null });
  expect(readdirSync(dataDir)).toEqual([]);
});

test('B4 a record that was made by a migration has its secret, and a server takes it up', async () => {
  const { from, to } = await migrateRecord(config());
  // Where the image of the build fits, what is unpacked is migrated already.
  expect([null, to]).toContain(from);
  expect(readdirSync(dataDir).sort()).toEqual(['.released', 'postgres', 'secret']);
  wasBrief();
  await (await open()).close();
  expect(wasBrief()).toBe(false);
});

test('a command opens it without optimising the database’s program, a server with that', async () => {
  const { commands, close } = await command();
  expect(wasBrief()).toBe(true);
  expect(await commands.members()).toEqual([]);
  await close();
  expect(await planRecord(config())).toMatchObject({ kind: 'current' });
  expect(wasBrief()).toBe(true);
});

test('A8 damaged files: it says what they are and what to do, and a restore takes their place', async () => {
  const path = join(elsewhere, 'one.backup');
  await backUp(config(), { path });
  const damage = () => truncateSync(join(dataDir, 'postgres/global/pg_control'), 100);
  damage();
  for (const opening of [open, command]) {
    await expect(opening()).rejects.toMatchObject({
      code: 'data_directory_unusable',
      message: expect.stringMatching(/cannot be opened.*files are damaged.*sekisho restore FILE/),
    });
  }
  await restore(config(), { path, replace: true });
  await (await open()).close();
});
