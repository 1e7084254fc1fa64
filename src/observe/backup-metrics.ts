import type { Registry } from 'prom-client';
import type { BackupStatus } from '../session/contract.ts';
import { addCounters, addGauges, type Figures } from './figures.ts';

const GAUGES: Figures<BackupStatus, number | null> = {
  sekisho_backup_last_success_timestamp_seconds: [
    'When the newest backup was made; absent when there is none.',
    ({ lastAtMs }) => lastAtMs && lastAtMs / 1000,
  ],
  sekisho_backup_size_bytes: [
    'Size of the last backup that this process made; absent before.',
    ({ lastBytes }) => lastBytes,
  ],
  sekisho_backup_duration_seconds: [
    'How long the last backup that this process made took; absent before.',
    ({ lastTookMs }) => lastTookMs && lastTookMs / 1000,
  ],
  sekisho_backup_interval_seconds: [
    'How often one is scheduled here; absent where none is.',
    ({ everyMs }) => everyMs && everyMs / 1000,
  ],
  sekisho_backup_overdue: [
    '1 while the newest backup is older than twice the interval; absent where none is scheduled here.',
    ({ everyMs, overdue }) => everyMs && Number(overdue),
  ],
};

const COUNTERS: Figures<BackupStatus, number> = {
  sekisho_backup_failures_total: [
    'Backups of this process that failed; scheduled ones are tried again.',
    ({ failures }) => failures,
  ],
};

/** Figures of the backups that this process makes of an embedded record. */
export function watchBackups(registry: Registry, status: () => BackupStatus): void {
  addGauges(registry, GAUGES, status);
  addCounters(registry, COUNTERS, status);
}
