import type { RecordStore } from '../contract.ts';
import { createSqlRecord } from '../sql-record.ts';
import { createPgliteBackups } from './backups.ts';
import { openDataFolder } from './data-folder.ts';
import { cannotBeOpened, closedWhileStarting, endedWhileOpening } from './directory-errors.ts';
import { type DirectoryLock, lockDirectory } from './directory-lock.ts';
import { readImage } from './image.ts';
import { keepLogShort } from './log-size.ts';
import { settleFolders } from './restored-folder.ts';
import { startWorkerDatabase, type WorkerDatabase } from './worker-database.ts';

/** Nobody waits for a checkpoint. */
const CHECKPOINT_DEADLINE_MS = 120_000;

/** Where the record of the embedded shape is. */
export type PgliteOptions =
  | {
      /** Made when it is not there. The database stands in its folder `postgres`. */
      readonly dataDir: string;
      /** The directory's lock, when the caller holds it already, and then releases it. Default: taken and released here. */
      readonly lock?: DirectoryLock;
      /** Opened for one command, and soon closed: for half of the processor time, and for work that is not long. */
      readonly brief?: boolean;
      /** Ends the opening. */
      readonly signal?: AbortSignal;
    }
  | {
      /** For tests and demos: gone when it is closed. */
      readonly memory: true;
      /** A database to begin with, as `WorkerDatabase.dump` made it. Default: the image that was built, where it fits. */
      readonly image?: Uint8Array;
      /** For tests that hold time still: where it reads wall time, milliseconds since 1970. Default: this machine's. */
      readonly wall?: Float64Array;
    };

/**
 * Opens PGlite in a worker thread, under the directory's lock. A new database may have this release's schema already, from
 * the image that was built; nothing else is migrated yet.
 *
 * @throws SekishoError `data_directory_in_use`, `data_directory_unusable`; `not_ready` when it was ended.
 */
export async function openPglite(options: PgliteOptions): Promise<WorkerDatabase> {
  if ('memory' in options) {
    const { image = readImage(), wall } = options;
    return await startWorkerDatabase({ image, ...(wall === undefined ? {} : { wall }) });
  }
  const { dataDir, brief = false, signal } = options;
  const lock = options.lock ?? (await lockDirectory(dataDir));
  const release = async () => {
    if (options.lock === undefined) await lock.release();
  };
  let database: WorkerDatabase;
  let wasThere = false;
  try {
    settleFolders(dataDir);
    const folder = await openDataFolder(dataDir);
    wasThere = !folder.isNew;
    database = await startWorkerDatabase({
      ...{ dataDir: folder.path, guard: lock, brief },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    const isHeld = await lock.held();
    await release();
    if (signal?.aborted === true) throw closedWhileStarting(error);
    throw cannotBeOpened(dataDir, error, wasThere && isHeld);
  }
  return {
    ...database,
    async close() {
      await database.close();
      await release();
    },
  };
}

/** The record on PGlite, migrated. @throws SekishoError as `openPglite`, and `invalid_configuration` as `migrate`. */
export async function openPgliteRecord(options: PgliteOptions): Promise<RecordStore> {
  const database = await openPglite(options);
  const record = createSqlRecord(database);
  let crash: Error | null = null;
  void database.crashed.then((error) => {
    crash = error;
  });
  try {
    await record.migrate();
  } catch (error) {
    await database.close();
    if (crash === null) throw error;
    throw endedWhileOpening('memory' in options ? null : options.dataDir, crash);
  }
  return 'memory' in options ? record : onDisk(record, database, options.dataDir);
}

/** What a record in a directory has besides: backups, and a log that stays short. */
function onDisk(record: RecordStore, database: WorkerDatabase, dataDir: string): RecordStore {
  const backups = createPgliteBackups(database, dataDir);
  const { maintenance } = record;
  const log = keepLogShort(database, () =>
    backups.withCheckpoint(async () => {
      await database.query({ text: 'checkpoint' }, { deadlineMs: CHECKPOINT_DEADLINE_MS });
    }),
  );
  return {
    ...record,
    backups,
    maintenance: {
      ...maintenance,
      checkpoint: (whole) => backups.withCheckpoint(() => maintenance.checkpoint(whole)),
    },
    async close() {
      await log.close();
      await backups.close();
      await record.close();
    },
  };
}
