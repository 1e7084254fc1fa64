import type { Clock } from '../clock.ts';
import type { BackupStore, BackupSummary } from '../record/backup-contract.ts';

/** What this process knows of the backups of its record. Times by its own clock, milliseconds. */
export interface BackupStatus {
  /** What the settings ask for; null where nothing is scheduled here. */
  readonly everyMs: number | null;
  /** When the newest one was made, by whomever; null when none is known of. */
  readonly lastAtMs: number | null;
  /** Of the last one that this process made; null before. */
  readonly lastBytes: number | null;
  readonly lastTookMs: number | null;
  /** Since the start. */
  readonly failures: number;
  /** Whether the newest is older than twice what the schedule asks for, or none came for as long. */
  readonly overdue: boolean;
}

/** The record's backups, counted. */
export interface Backups extends BackupStore {
  /** From now on one is due each `everyMs`. @param newestAtMs when the newest that is there was made; null for none. */
  scheduled(everyMs: number, newestAtMs: number | null): void;
  /** One could not be made, for whatever reason: not even its folder, perhaps. */
  failed(): void;
  status(): BackupStatus;
}

/** A backup that was written, as a line of the log names it. */
export function backupLine({ takenAtMs, schemaVersion, keyId, ...rest }: BackupSummary): object {
  return {
    ...rest,
    ...{
      taken_at: new Date(takenAtMs).toISOString(),
      schema_version: schemaVersion,
      key_id: keyId,
    },
  };
}

/** How many times the schedule's span a backup may be old. */
const LATE = 2;

/** @example const backups = createBackups({ store: record.backups, clock }) */
export function createBackups({
  store,
  clock,
}: {
  readonly store: BackupStore;
  readonly clock: Clock;
}): Backups {
  let everyMs: number | null = null;
  let sinceMs = 0;
  let lastAtMs: number | null = null;
  let lastBytes: number | null = null;
  let lastTookMs: number | null = null;
  let failures = 0;

  return {
    async write(request) {
      const beganMs = clock.monotonicMs();
      const written = await store.write(request);
      lastAtMs = Math.max(lastAtMs ?? 0, written.takenAtMs);
      lastBytes = written.bytes;
      lastTookMs = Math.round(clock.monotonicMs() - beganMs);
      return written;
    },
    failed() {
      failures += 1;
    },
    scheduled(every, newestAtMs) {
      everyMs = every;
      sinceMs = clock.wallMs();
      if (newestAtMs !== null) lastAtMs = Math.max(lastAtMs ?? 0, newestAtMs);
    },
    status() {
      const ageMs = clock.wallMs() - (lastAtMs ?? sinceMs);
      const overdue = everyMs !== null && ageMs > LATE * everyMs;
      return { everyMs, lastAtMs, lastBytes, lastTookMs, failures, overdue };
    },
  };
}
