import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SekishoError } from '../../errors.ts';
import { exportRecord } from '../backup/export.ts';
import { writeFromRecord } from '../backup/write.ts';
import type { BackupStore } from '../backup-contract.ts';
import type { Database } from '../database.ts';
import { copyRunning } from './copy.ts';
import { copyFolder } from './restored-folder.ts';
import { startWorkerDatabase } from './worker-database.ts';

/** Backups of an embedded record, and what must not happen while one begins. */
export interface PgliteBackups extends BackupStore {
  /** Runs what makes a checkpoint, never while files are copied. */
  withCheckpoint(run: () => Promise<void>): Promise<void>;
  /** Ends a backup that is being made. */
  close(): Promise<void>;
}

/**
 * PGlite has one connection, and nobody's statement may take long on it: a snapshot held there would stop the heartbeats.
 * So the files are copied beside the working database (`copyRunning`), the copy is opened in a thread of its own, and the
 * rows are read there (docs/decisions/0020).
 */
export function createPgliteBackups(database: Database, dataDir: string): PgliteBackups {
  let turn: Promise<unknown> = Promise.resolve();
  let running: Promise<unknown> | null = null;
  const closing = new AbortController();

  /** One after the other. */
  function inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const result = turn.then(run);
    turn = result.catch(() => {});
    return result;
  }

  const write: BackupStore['write'] = async (request) => {
    const signal = AbortSignal.any([closing.signal, ...(request.signal ? [request.signal] : [])]);
    const copy = copyFolder(dataDir, randomBytes(6).toString('hex'));
    try {
      await inTurn(() => copyRunning(database, join(dataDir, 'postgres'), copy, signal));
      const opened = await startWorkerDatabase({ dataDir: copy });
      try {
        return await exportRecord(opened, request.ring, (content) =>
          writeFromRecord({ ...request, signal }, content),
        );
      } finally {
        await opened.close();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new SekishoError('store_unavailable', 'The backup was ended before it was whole.', {
        cause: error,
      });
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  };

  return {
    async write(request) {
      if (running !== null) {
        throw new SekishoError('conflict', 'A backup is being made already.');
      }
      const work = write(request);
      running = work.catch(() => {});
      try {
        return await work;
      } finally {
        running = null;
      }
    },
    withCheckpoint: (run) => inTurn(run),
    async close() {
      closing.abort();
      await running;
    },
  };
}
