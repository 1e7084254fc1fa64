import type { Config } from '../config.ts';
import type { RecordStore } from '../record/contract.ts';
import { type DirectoryLock, lockDirectory } from '../record/pglite/directory-lock.ts';
import { makeSecret } from '../token/secrets.ts';
import { secretOf } from './secret.ts';

/** A record that is open and migrated, and what belongs to it. */
export interface OpenedRecord {
  /** Closing it gives the directory back, too. */
  readonly record: RecordStore;
  readonly secret: string;
  /** Embedded: the directory's lock, through which commands of other processes come. */
  readonly lock: DirectoryLock | null;
}

export interface OpenedFor {
  /** One command, and soon closed. Default: a server. */
  readonly brief?: boolean;
  /** Ends the opening of an embedded one. */
  readonly signal: AbortSignal;
}

/**
 * Opens the record that the settings name. Its database's code is loaded with it, and the other's is not.
 *
 * @throws SekishoError `data_directory_in_use`, `data_directory_unusable`, `invalid_configuration`, `store_unavailable`;
 *   `not_ready` when it was ended.
 */
export async function openRecord(config: Config, how: OpenedFor): Promise<OpenedRecord> {
  const { record: place } = config;
  const given = config.secret ?? makeSecret();
  switch (place.kind) {
    case 'memory': {
      const { openPgliteRecord } = await import('../record/pglite/open.ts');
      return { record: await openPgliteRecord({ memory: true }), secret: given, lock: null };
    }
    case 'postgres': {
      const { openPostgresRecord } = await import('../record/postgres/open.ts');
      const record = await openPostgresRecord({ url: place.databaseUrl });
      return { record, secret: given, lock: null };
    }
    case 'embedded':
      return openLocked(place.dataDir, config, how);
  }
}

async function openLocked(
  dataDir: string,
  { secret: given, address }: Pick<Config, 'secret' | 'address'>,
  { brief = false, signal }: OpenedFor,
): Promise<OpenedRecord> {
  const lock = await lockDirectory(dataDir);
  try {
    if (address !== null) lock.serveAt(address);
    // Under the lock, so that two first starts cannot each make one.
    const secret = given ?? (await secretOf(dataDir));
    const { openPgliteRecord } = await import('../record/pglite/open.ts');
    const record = await openPgliteRecord({ dataDir, lock, brief, signal });
    const close = async (): Promise<void> => {
      try {
        await record.close();
      } finally {
        await lock.release();
      }
    };
    return { record: { ...record, close }, secret, lock };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
