import { isAbsolute } from 'node:path';
import { SekishoError } from '../../errors.ts';
import { backupLine } from '../backups.ts';
import type { Services } from '../services.ts';
import type { OperatorBackups } from './contract.ts';

export function createOperatorBackups({
  record,
  backups,
  ring,
  log,
}: Pick<Services, 'record' | 'backups' | 'ring' | 'log'>): OperatorBackups {
  return {
    async backUp({ path }, onProgress) {
      if (backups === null) {
        throw new SekishoError('invalid_request', 'A record in memory cannot be backed up.');
      }
      if (!isAbsolute(path)) {
        throw new SekishoError('invalid_request', 'The path of a backup must be absolute.');
      }
      try {
        const written = await backups.write({ path, ring, ...(onProgress && { onProgress }) });
        log.info(backupLine(written), 'a backup was written');
        return written;
      } catch (error) {
        backups.failed();
        throw error;
      }
    },

    // Of a cluster nobody in particular makes them.
    backupStatus: async () => (record.kind === 'pglite' && backups ? backups.status() : null),
  };
}
