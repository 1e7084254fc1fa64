import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock, Timer } from '../clock.ts';
import type { BackupSummary } from '../record/backup-contract.ts';
import { backupName, newestBackupMs, pruneBackups } from './backup-files.ts';

/** After one that failed, unless the next is due earlier. */
const RETRY_MS = 60_000;

export interface BackupScheduleOptions {
  /** Made when it is not there, for its owner alone. */
  readonly folder: string;
  readonly everyMs: number;
  /** How many files are kept. */
  readonly keep: number;
  readonly clock: Clock;
  readonly write: (path: string, signal: AbortSignal) => Promise<BackupSummary>;
  readonly onWritten: (written: BackupSummary) => void;
  readonly onFailed: (error: unknown) => void;
}

export interface BackupSchedule {
  /** Ends the one that is being made. */
  close(): Promise<void>;
}

/**
 * Makes a backup when the newest in the folder is older than `everyMs`, at once where there is none, and goes on until it is
 * closed. One that fails is tried again; old ones go only after a new one is whole.
 */
export function scheduleBackups(options: BackupScheduleOptions): BackupSchedule {
  const { everyMs, keep, clock } = options;
  const folder = resolve(options.folder);
  const closing = new AbortController();
  let timer: Timer | null = null;
  let running: Promise<void> = Promise.resolve();

  async function once(): Promise<boolean> {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, backupName(clock.wallMs()));
      const written = await options.write(path, closing.signal);
      pruneBackups(folder, keep);
      options.onWritten(written);
      return true;
    } catch (error) {
      if (!closing.signal.aborted) options.onFailed(error);
      return false;
    }
  }

  function arm(delayMs: number): void {
    if (closing.signal.aborted) return;
    timer = clock.after(delayMs, () => {
      const beganMs = clock.monotonicMs();
      running = once().then((written) => {
        const waitMs = written ? everyMs : Math.min(everyMs, RETRY_MS);
        arm(Math.max(0, beganMs + waitMs - clock.monotonicMs()));
      });
    });
  }

  const newestMs = newestScheduledMs(folder) ?? Number.NEGATIVE_INFINITY;
  // One of the future is of a clock that was wrong, and puts nothing off.
  arm(Math.min(everyMs, Math.max(0, newestMs + everyMs - clock.wallMs())));
  return {
    async close() {
      closing.abort();
      timer?.cancel();
      await running;
    },
  };
}

/** When the newest one in the folder was made, wall milliseconds; null when there is none. */
export function newestScheduledMs(folder: string): number | null {
  try {
    return newestBackupMs(resolve(folder));
  } catch {
    // It is not there yet.
    return null;
  }
}
