import { constants } from 'node:fs';
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../database.ts';

const CONTROL = join('global', 'pg_control');
const WAL = 'pg_wal';
const WAL_SEGMENT = /^[0-9A-F]{24}$/;
/** Made by a process for itself, or worth nothing in another one. */
const LEFT_OUT = /^(postmaster\.(pid|opts)|pgsql_tmp.*|pg_internal\.init)$/;
/** A checkpoint of somebody's own in between is rare: whoever makes them waits for the copy. */
const TRIES = 3;

/**
 * Copies the files of a database that goes on working, as `pg_basebackup` does: the control file first, then the data as it
 * happens to stand, then the write-ahead log from the checkpoint that the control file names. Whoever opens the copy
 * recovers from there, and has everything that was committed before the log was copied. Pages that were being written
 * meanwhile are whole in the log (`full_page_writes`). The database is asked three short questions and otherwise left
 * alone.
 *
 * @param folder where the database works.
 * @param into a folder that is not there yet.
 * @throws Error when checkpoints kept coming in between, or a file cannot be copied.
 */
export async function copyRunning(
  database: Pick<Database, 'query'>,
  folder: string,
  into: string,
  signal?: AbortSignal,
): Promise<void> {
  for (let left = TRIES; left > 0; left -= 1) {
    const before = await checkpointOf(database);
    await mkdir(join(into, 'global'), { recursive: true, mode: 0o700 });
    await copy(folder, into, CONTROL);
    await copyTree(folder, into, '', signal);
    const to = await ask(database, 'pg_walfile_name(pg_current_wal_lsn())');
    await copySegments(folder, into, before.segment, to);
    // After another one, the log that leads from the first to it may be gone.
    if ((await checkpointOf(database)).at === before.at) return;
  }
  throw new Error('The database was checkpointed while its files were copied.');
}

/** The checkpoint from which a recovery would begin: where it stands, and in which file of the log. */
async function checkpointOf(
  database: Pick<Database, 'query'>,
): Promise<{ readonly at: string; readonly segment: string }> {
  const [row] = await database.query<{ at: string; segment: string }>({
    text: 'select checkpoint_lsn::text as at, redo_wal_file as segment from pg_control_checkpoint()',
  });
  if (row === undefined) throw new Error('The database says nothing of its checkpoints.');
  return row;
}

async function ask(database: Pick<Database, 'query'>, what: string): Promise<string> {
  const [row] = await database.query<{ name: string }>({ text: `select ${what} as name` });
  if (row === undefined) throw new Error('The database says nothing of its write-ahead log.');
  return row.name;
}

async function copyTree(
  folder: string,
  into: string,
  within: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  await mkdir(join(into, within), { recursive: true, mode: 0o700 });
  for (const entry of await readdir(join(folder, within), { withFileTypes: true })) {
    const path = join(within, entry.name);
    if (LEFT_OUT.test(entry.name) || path === CONTROL) continue;
    if (entry.isDirectory()) {
      if (path === WAL) await makeLogFolders(into);
      else await copyTree(folder, into, path, signal);
    } else if (entry.isFile()) {
      await copy(folder, into, path);
    }
  }
}

async function makeLogFolders(into: string): Promise<void> {
  for (const name of ['archive_status', 'summaries']) {
    await mkdir(join(into, WAL, name), { recursive: true, mode: 0o700 });
  }
}

async function copySegments(folder: string, into: string, from: string, to: string): Promise<void> {
  for (const name of await readdir(join(folder, WAL))) {
    if (WAL_SEGMENT.test(name) && name >= from && name <= to) {
      await copy(folder, into, join(WAL, name));
    }
  }
}

/** A file that is gone by now was dropped after the checkpoint: the log says so. Where the file system can, nothing is copied. */
async function copy(folder: string, into: string, path: string): Promise<void> {
  try {
    await copyFile(join(folder, path), join(into, path), constants.COPYFILE_FICLONE);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
