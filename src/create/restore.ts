import { auditEvent } from '../audit/event.ts';
import { type Clock, systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import { type BackupFile, openBackupFile, verifyBackup } from '../record/backup/file.ts';
import { assertRestorable } from '../record/backup/import.ts';
import { summaryOf } from '../record/backup/write.ts';
import type { BackupSummary } from '../record/backup-contract.ts';
import type { Database } from '../record/database.ts';
import type { Override } from '../record/operations-contract.ts';
import { lockDirectory } from '../record/pglite/directory-lock.ts';
import { createSqlRecord } from '../record/sql-record.ts';
import { clockProblem, skewMs } from '../revocation/wall-time.ts';
import { makeRestoredKeys } from '../token/restored-keys.ts';
import { createKeyRing, type KeyRing } from '../token/secrets.ts';
import { keptSecret } from './secret.ts';

/** `checking`: the file is read to its end before anything is written. */
export type RestoreStage = 'checking' | 'restoring';

export interface RestoreOptions {
  readonly path: string;
  /** Whether what is there may go. */
  readonly replace: boolean;
  readonly onProgress?: (
    stage: RestoreStage,
    progress: { readonly done: number; readonly total: number | null },
  ) => void;
  /** Default: this machine's. */
  readonly clock?: Clock;
}

/** What was restored, and the history that it goes on in. */
export interface Restored extends Declared {
  readonly backup: BackupSummary;
  /** The record's own name for the deployment, which keys and channels of a Redis carry; null in backups without one. */
  readonly deployment: string | null;
}

interface Declared {
  readonly generation: string;
  readonly position: number;
  /** Ceilings and limits of the backup that are in force again, although they may have been cleared since. */
  readonly inForce: readonly Override[];
  /** Whether clean-up was paused in the backup; it goes on. */
  readonly cleanupResumed: boolean;
}

/**
 * Reads a backup from beginning to end with the secret that the settings name, and says what it holds.
 *
 * @throws SekishoError `backup_unusable`; `invalid_configuration` when the secret is missing or another one.
 */
export async function checkBackup(
  config: Pick<Config, 'record' | 'secret'>,
  { path, onProgress }: Pick<RestoreOptions, 'path' | 'onProgress'>,
): Promise<BackupSummary> {
  return summaryOf(await openWhole(path, await ringOf(config), onProgress));
}

/**
 * Puts a backup in the place of the record that the settings name, and declares it (RESTORE): a generation begins, every
 * session of every tenant ends, open password resets are void, no signing key of before is good any more, and there are no
 * members. Ceilings and limits that operators had in force for a while are so again; a pause of clean-up is not. Nothing is written before the
 * whole file was found to be authentic, and what was there stays until all of it is in the record.
 *
 * @throws SekishoError `backup_unusable`; `conflict` when something is there, or nodes run; `data_directory_in_use`;
 *   `invalid_configuration` when the secret is missing or another one, or the clocks of this machine and of the database
 *   differ by more than a node's may.
 */
export async function restore(
  config: Pick<Config, 'record' | 'secret'>,
  { path, replace, onProgress, clock = systemClock }: RestoreOptions,
): Promise<Restored> {
  const { record: place } = config;
  const ring = await ringOf(config);
  const file = await openWhole(path, ring, onProgress);
  let declared: Declared | null = null;
  const parts = {
    file,
    replace,
    declare: async (database: Database) => {
      declared = await declareRestored(database, ring, file, clock.wallMs());
    },
    ...(onProgress && { onProgress: onProgress.bind(null, 'restoring') }),
  };
  if (place.kind === 'postgres') {
    const { restoreIntoPostgres } = await import('../record/postgres/restore.ts');
    await restoreIntoPostgres({
      ...parts,
      databaseUrl: place.databaseUrl,
      judgeClock: (database) => judgeClock(database, clock),
    });
  } else if (place.kind === 'embedded') {
    const { restoreIntoDirectory } = await import('../record/pglite/restore.ts');
    const lock = await lockDirectory(place.dataDir);
    try {
      await restoreIntoDirectory({ ...parts, dataDir: place.dataDir, lock });
    } finally {
      await lock.release();
    }
  }
  if (declared === null) {
    throw new SekishoError('internal', 'A record was restored, and not declared as such.');
  }
  const { deployment } = file.header;
  return { backup: summaryOf(file), deployment, ...(declared as Declared) };
}

/** The secret that was given, or the one that is kept in the data directory. */
async function ringOf({ record, secret }: Pick<Config, 'record' | 'secret'>): Promise<KeyRing> {
  if (record.kind === 'memory') {
    throw new SekishoError('invalid_configuration', 'Nothing can be restored into memory.');
  }
  const dataDir = record.kind === 'embedded' ? record.dataDir : null;
  const found = secret ?? (dataDir === null ? null : await keptSecret(dataDir));
  if (found !== null) return createKeyRing(found);
  throw new SekishoError(
    'invalid_configuration',
    `SEKISHO_SECRET must be set, or the file "secret" of the old data directory be put into ${dataDir}: the backup opens with it alone.`,
  );
}

async function openWhole(
  path: string,
  ring: KeyRing,
  onProgress: RestoreOptions['onProgress'],
): Promise<BackupFile> {
  const file = await openBackupFile(path, ring);
  assertRestorable(file.header);
  await verifyBackup(file, onProgress?.bind(null, 'checking'));
  return file;
}

/** WALL TIME: what is declared carries this machine's time, so it must be a time that nodes would join with. */
async function judgeClock(database: Database, clock: Clock): Promise<void> {
  const sentMs = clock.monotonicMs();
  const [row] = await database.query<{ now: Date }>({ text: 'select clock_timestamp() as now' });
  const receivedMs = clock.monotonicMs();
  const recordMs = Number(row?.now);
  const wrong = clockProblem(skewMs({ sentMs, receivedMs, recordMs }, clock.wallMs(), receivedMs));
  if (wrong !== null) throw wrong;
}

/** RESTORE, as an operator's own act, with its audit rows: generation, floor and signing key in one transaction. */
async function declareRestored(
  database: Database,
  ring: KeyRing,
  { header }: BackupFile,
  wallMs: number,
): Promise<Declared> {
  const nowMs = Math.floor(wallMs);
  const record = createSqlRecord(database);
  const { pause } = await record.operations.state(nowMs);
  const restoredKeys = await makeRestoredKeys(ring, nowMs, Date.parse(header.takenAt));
  const { kid, alg } = restoredKeys.key;
  const by = {
    tid: null,
    atMs: nowMs,
    outcome: 'success',
    actor: { kind: 'operator', uid: null, sid: null },
  } as const;
  const [outcome] = await record.log.commit([
    {
      operationId: newId(),
      actor: { kind: 'operator', name: 'operator' },
      revoke: [{ scope: 'all', tid: null, uid: null, sid: null, sparedSid: null }],
      change: null,
      reason: 'restored',
      nowMs,
      audit: [
        auditEvent({
          ...{ ...by, action: 'record_restored' },
          detail: {
            ...{ taken_at: header.takenAt, position: header.position },
            ...(pause === null ? {} : { cleanup_resumed: true }),
          },
        }),
        auditEvent({
          ...{ ...by, action: 'signing_key_made', detail: { alg } },
          subject: { kind: 'signing_key', id: kid },
        }),
      ],
      idempotency: null,
      restored: newId(),
      restoredKeys,
    },
  ]);
  if (outcome?.kind !== 'committed') {
    throw new SekishoError('internal', 'The restored record could not be declared as such.');
  }
  const { overrides: inForce } = await record.operations.state(nowMs);
  return { ...outcome.head, inForce, cleanupResumed: pause !== null };
}
