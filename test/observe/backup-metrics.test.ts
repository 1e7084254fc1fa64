import { expect, test } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { BackupStore, BackupSummary } from '../../src/record/contract.ts';
import { createBackups } from '../../src/session/backups.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { createTestClock } from '../support/clock.ts';

const ring = createKeyRing('a secret of the tests that is long enough');
const HOUR_MS = 3_600_000;

test('A8 the figures of backups: the newest, how large, how long, how many failed, and whether one is overdue', async () => {
  const clock = createTestClock();
  const store: BackupStore = {
    async write({ path }): Promise<BackupSummary> {
      await clock.advance(2_500);
      if (path === 'bad') throw new Error('the disk is full');
      return {
        ...{ path, bytes: 14_000, rows: 7, takenAtMs: clock.wallMs(), schemaVersion: 6 },
        ...{ generation: 'g', position: 7, keyId: 'k' },
      };
    },
  };
  const backups = createBackups({ store, clock });
  const metrics = createMetrics({ process: false });
  metrics.watchBackups(backups.status);
  const figure = async (name: string): Promise<number | null> => {
    const [, value] =
      new RegExp(`^sekisho_backup_${name} (\\S+)$`, 'm').exec(await metrics.read()) ?? [];
    return value === undefined ? null : Number(value);
  };
  const last = 'last_success_timestamp_seconds';

  // Nothing is scheduled, and nothing known.
  expect(await figure(last)).toBeNull();
  expect(await figure('overdue')).toBeNull();
  expect(await figure('failures_total')).toBe(0);

  // One that stands in the folder from before the start counts.
  const beganMs = clock.wallMs();
  backups.scheduled(HOUR_MS, beganMs - HOUR_MS / 2);
  expect(await figure(last)).toBe((beganMs - HOUR_MS / 2) / 1000);
  expect(await figure('interval_seconds')).toBe(3600);
  expect(await figure('overdue')).toBe(0);
  await clock.advance(1.6 * HOUR_MS);
  await backups.write({ path: 'bad', ring }).catch(() => backups.failed());
  expect([await figure('overdue'), await figure('failures_total')]).toEqual([1, 1]);
  expect(await figure('size_bytes')).toBeNull();

  await backups.write({ path: 'good', ring });
  expect(await figure(last)).toBe(clock.wallMs() / 1000);
  expect([await figure('size_bytes'), await figure('duration_seconds')]).toEqual([14_000, 2.5]);
  expect(await figure('overdue')).toBe(0);
});

test('A8 where no backup ever came, it is overdue by the time since the start', async () => {
  const clock = createTestClock();
  const store: BackupStore = { write: () => Promise.reject(new Error('never')) };
  const backups = createBackups({ store, clock });
  backups.scheduled(HOUR_MS, null);
  expect(backups.status()).toMatchObject({ lastAtMs: null, overdue: false });
  await clock.advance(2 * HOUR_MS + 1);
  expect(backups.status()).toMatchObject({ lastAtMs: null, overdue: true });
});
