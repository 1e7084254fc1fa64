import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BackupFile } from '../../src/record/backup/file.ts';
import { unusable } from '../../src/record/backup/header.ts';
import { lockDirectory } from '../../src/record/pglite/directory-lock.ts';
import { restoreIntoDirectory } from '../../src/record/pglite/restore.ts';
import { FIRST_RELEASE } from '../../src/record/release.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sekisho-restored-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

/** A backup from before the first migration, so that no image fits; what is seen while its rows are asked for. */
function oldBackup(seen: () => void): BackupFile {
  const header = {
    ...{ keyId: 'k', salt: 's', takenAt: '2026-01-01T00:00:00Z', kind: 'pglite' as const },
    ...{ deployment: null, generation: 'g', position: 0, release: FIRST_RELEASE },
    ...{ migrations: [], tables: {} },
  };
  return {
    ...{ path: 'old.backup', header, bytes: 0 },
    // biome-ignore lint/correctness/useYield: it ends before its first item
    async *items() {
      seen();
      throw unusable('was cut off: its end is missing');
    },
  };
}

test('ASVS 14.2.4 a restore is filled where nobody else can look, also in a directory that is open to others', async () => {
  chmodSync(dataDir, 0o755);
  let mode = 0;
  const file = oldBackup(() => {
    mode = statSync(join(dataDir, 'postgres.restoring')).mode & 0o777;
  });
  const lock = await lockDirectory(dataDir);
  const declare = async () => {};
  const restore = restoreIntoDirectory({ dataDir, lock, file, replace: false, declare });
  await expect(restore).rejects.toMatchObject({ code: 'backup_unusable' });
  await lock.release();
  expect(mode).toBe(0o700);
  expect(readdirSync(dataDir)).toEqual([]);
});
