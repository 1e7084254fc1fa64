import { existsSync } from 'node:fs';
import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';
import { exportRecord } from '../record/backup/export.ts';
import { writeFromRecord } from '../record/backup/write.ts';
import type { BackupRequest, BackupSummary } from '../record/backup-contract.ts';
import { lockDirectory } from '../record/pglite/directory-lock.ts';
import { hasDatabase } from '../record/pglite/restored-folder.ts';
import { createKeyRing } from '../token/secrets.ts';
import { keptSecret } from './secret.ts';

const loadPostgres = () => import('../record/postgres/backups.ts');
const loadPglite = () => import('../record/pglite/open.ts');

/**
 * Loads what `backUp` needs for this record. For a process that stays: by the time when it first needs it, the package may
 * be that of another release.
 */
export async function prepareBackUp({ record }: Pick<Config, 'record'>): Promise<void> {
  await (record.kind === 'postgres' ? loadPostgres() : loadPglite());
}

/**
 * Backs up the record that the settings name, without becoming a member of it: nothing is migrated and no generation
 * begins. For an embedded record only while no process has it; ask that process otherwise.
 *
 * @throws SekishoError as `BackupStore.write`; `data_directory_in_use`, `data_directory_unusable`.
 */
export async function backUp(
  config: Pick<Config, 'record' | 'secret'>,
  request: Omit<BackupRequest, 'ring'>,
): Promise<BackupSummary> {
  const { record, secret } = config;
  if (record.kind === 'memory') {
    throw new SekishoError('invalid_configuration', 'A record in memory has nothing to back up.');
  }
  if (record.kind === 'postgres') {
    const ring = createKeyRing(secret ?? '');
    const { createPostgresBackups } = await loadPostgres();
    return await createPostgresBackups(record.databaseUrl).write({ ...request, ring });
  }
  const { dataDir } = record;
  if (!existsSync(dataDir) || !hasDatabase(dataDir)) {
    throw new SekishoError(
      'data_directory_unusable',
      `There is no database in ${dataDir}: name the data directory of a server with --data-dir.`,
    );
  }
  const lock = await lockDirectory(dataDir);
  try {
    const ring = createKeyRing(secret ?? (await keptSecret(dataDir)) ?? '');
    const { openPglite } = await loadPglite();
    const database = await openPglite({ dataDir, lock });
    try {
      // Nobody else is there, so the snapshot holds nobody up.
      return await exportRecord(database, ring, (content) =>
        writeFromRecord({ ...request, ring }, content),
      );
    } finally {
      await database.close();
    }
  } finally {
    await lock.release();
  }
}
