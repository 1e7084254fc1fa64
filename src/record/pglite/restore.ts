import { mkdirSync } from 'node:fs';
import { SekishoError } from '../../errors.ts';
import type { BackupHeader } from '../backup/header.ts';
import { importRecord, type Restoring } from '../backup/import.ts';
import { thisRelease } from '../migrator.ts';
import { unpackImage } from './data-folder.ts';
import { unusable } from './directory-errors.ts';
import { readImage } from './image.ts';
import type { DirectoryGuard } from './lock-keeper.ts';
import { hasDatabase, putInPlace, restoringFolder, settleFolders } from './restored-folder.ts';
import { startWorkerDatabase } from './worker-database.ts';

export interface PgliteRestore extends Restoring {
  readonly dataDir: string;
  /** The directory's, which the caller holds. */
  readonly lock: DirectoryGuard;
}

/**
 * Restores a backup into a data directory: aside first, then on the disk, then in the place of what was there.
 *
 * @throws SekishoError `conflict` when there is a database and `replace` is not given; `backup_unusable`;
 *   `data_directory_unusable`.
 */
export async function restoreIntoDirectory(restore: PgliteRestore): Promise<void> {
  const { dataDir, lock } = restore;
  settleFolders(dataDir);
  if (!restore.replace && hasDatabase(dataDir)) {
    throw new SekishoError(
      'conflict',
      `${dataDir} holds a database already: name another directory, or give --replace, and it goes.`,
    );
  }
  const folder = restoringFolder(dataDir);
  try {
    // PGlite makes files that everybody may read: in a folder that nobody else can enter, whatever the data directory is.
    mkdirSync(folder, { mode: 0o700 });
    const image = hasThisSchema(restore.file.header) ? await readImage() : null;
    if (image !== null) await unpackImage(image, folder);
    const database = await startWorkerDatabase({ dataDir: folder, guard: lock });
    try {
      await importRecord(database, restore.file, restore.onProgress);
      await restore.declare(database);
    } finally {
      await database.close();
    }
    if (!(await lock.held())) throw unusable(dataDir, await lock.lost);
    await putInPlace(dataDir);
  } catch (error) {
    // Where it is lost, the folder may be somebody else's by now.
    if (await lock.held()) restoringFolder(dataDir);
    throw error;
  }
}

/** Then the image that was built saves the seconds of making a database and its schema. */
function hasThisSchema(header: BackupHeader): boolean {
  const { version, migrations } = thisRelease();
  return header.release === version && header.migrations.length === migrations.length;
}
