import { isAbsolute } from 'node:path';
import { SekishoError } from '../../errors.ts';
import type { Services } from '../services.ts';
import type { OperatorBackups } from './contract.ts';

export function createOperatorBackups({
  record,
  ring,
  log,
}: Pick<Services, 'record' | 'ring' | 'log'>): OperatorBackups {
  return {
    async backUp({ path }, onProgress) {
      const { backups } = record;
      if (backups === undefined) {
        throw new SekishoError('invalid_request', 'A record in memory cannot be backed up.');
      }
      if (!isAbsolute(path)) {
        throw new SekishoError('invalid_request', 'The path of a backup must be absolute.');
      }
      const written = await backups.write({ path, ring, ...(onProgress && { onProgress }) });
      log.info({ ...written }, 'a backup was written');
      return written;
    },
  };
}
