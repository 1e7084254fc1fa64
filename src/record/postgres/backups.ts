import { SekishoError } from '../../errors.ts';
import { exportRecord } from '../backup/export.ts';
import { writeFromRecord } from '../backup/write.ts';
import type { BackupStore, BackupSummary } from '../backup-contract.ts';
import { openOneConnection } from './one-connection.ts';

/** Backups of a record on PostgreSQL: a snapshot on a connection of its own, which disturbs nobody. */
export function createPostgresBackups(url: string): BackupStore {
  let working = false;
  return {
    async write(request): Promise<BackupSummary> {
      if (working) throw new SekishoError('conflict', 'A backup is being made already.');
      working = true;
      try {
        const database = await openOneConnection(url);
        try {
          return await exportRecord(database, request.ring, (content) =>
            writeFromRecord(request, content),
          );
        } finally {
          await database.close();
        }
      } finally {
        working = false;
      }
    },
  };
}
