import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backupName, newestBackupMs, pruneBackups } from '../../src/create/backup-files.ts';
import { scheduleBackups } from '../../src/create/backup-schedule.ts';
import type { BackupSummary } from '../../src/record/contract.ts';
import type { Database, SqlCall } from '../../src/record/database.ts';
import { copyRunning } from '../../src/record/pglite/copy.ts';
import {
  putInPlace,
  restoringFolder,
  settleFolders,
} from '../../src/record/pglite/restored-folder.ts';
import { createTestClock } from '../support/clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-folders-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A folder that passes for a database, with its name in it. */
function database(name: string, content = name): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'PG_VERSION'), content);
}

const current = (): string => readFileSync(join(folder, 'postgres', 'PG_VERSION'), 'utf8');

describe('A8: a restore takes the place of what was there, whole or not at all', () => {
  test('what was there goes when the new one stands in its place', async () => {
    database('postgres', 'old');
    restoringFolder(folder);
    database('postgres.restoring', 'new');
    await putInPlace(folder);
    expect(current()).toBe('new');
    expect(readdirSync(folder)).toEqual(['postgres']);
  });

  // Each is the state of the folder after a process was killed there; what the next opening makes of it.
  const states: readonly [string, Readonly<Record<string, string>>, string][] = [
    ['while it was filled', { postgres: 'old', 'postgres.restoring': 'half' }, 'old'],
    ['before the old one was put aside', { postgres: 'old', 'postgres.restored': 'new' }, 'new'],
    [
      'before the new one got its name',
      { 'postgres.replaced': 'old', 'postgres.restored': 'new' },
      'new',
    ],
    ['before the old one was removed', { postgres: 'new', 'postgres.replaced': 'old' }, 'new'],
    ['while a backup was read', { postgres: 'old', 'postgres.copy-00ff': 'copy' }, 'old'],
  ];
  test.each(states)('a process killed %s', (_, names, left) => {
    for (const [name, content] of Object.entries(names)) database(name, content);
    settleFolders(folder);
    expect(current()).toBe(left);
    expect(readdirSync(folder)).toEqual(['postgres']);
  });
});

describe('A8: a database is copied while it works', () => {
  /** Answers what `copyRunning` asks; each copy is asked for its checkpoint twice. */
  const asked = (checkpoints: readonly string[]): Pick<Database, 'query'> => {
    const left = [...checkpoints];
    return {
      query: async <Row extends object>({ text }: SqlCall) => {
        const segment = '000000010000000000000002';
        const name = '000000010000000000000003';
        const row = text.includes('checkpoint_lsn') ? { at: left.shift(), segment } : { name };
        return [row] as Row[];
      },
    };
  };

  function fill(): string {
    const from = join(folder, 'postgres');
    for (const name of ['global', 'base/5', 'pg_wal/archive_status']) {
      mkdirSync(join(from, name), { recursive: true });
    }
    for (const name of ['PG_VERSION', 'global/pg_control', 'base/5/1', 'postmaster.pid']) {
      writeFileSync(join(from, name), name);
    }
    for (const number of [1, 2, 3, 4]) {
      writeFileSync(join(from, 'pg_wal', `00000001000000000000000${number}`), '');
    }
    return from;
  }

  test('data first, then the log since its checkpoint', async () => {
    const into = join(folder, 'copy');
    await copyRunning(asked(['0/2', '0/2']), fill(), into);
    expect(readdirSync(into).sort()).toEqual(['PG_VERSION', 'base', 'global', 'pg_wal']);
    expect(readFileSync(join(into, 'base/5/1'), 'utf8')).toBe('base/5/1');
    expect(readdirSync(join(into, 'pg_wal')).filter((name) => name.startsWith('0'))).toEqual([
      '000000010000000000000002',
      '000000010000000000000003',
    ]);
  });

  test('anew after a checkpoint in between, and not for ever', async () => {
    const from = fill();
    await copyRunning(asked(['0/2', '0/3', '0/3', '0/3']), from, join(folder, 'one'));
    const never = copyRunning(asked(['1', '2', '3', '4', '5', '6']), from, join(folder, 'two'));
    await expect(never).rejects.toThrow('was checkpointed');
  });
});

describe('A8: backups on a schedule', () => {
  const written = (path: string): BackupSummary => {
    writeFileSync(path, 'whole');
    return { path } as BackupSummary;
  };

  test('the newest N are kept, and files of others are left alone', () => {
    const names = [1, 2, 3, 4].map((hour) => backupName(Date.UTC(2026, 10, 21, hour)));
    for (const name of [...names, 'monday.backup', 'sekisho-notes.txt']) {
      writeFileSync(join(folder, name), '');
    }
    expect(pruneBackups(folder, 2)).toEqual(names.slice(0, 2));
    expect(readdirSync(folder).sort()).toEqual(
      ['monday.backup', ...names.slice(2), 'sekisho-notes.txt'].sort(),
    );
    expect(newestBackupMs(folder)).toBe(Date.UTC(2026, 10, 21, 4));
  });

  test('one is made at once, then each interval; the newest N stay', async () => {
    const clock = createTestClock();
    const place = join(folder, 'backups');
    const made: string[] = [];
    const schedule = scheduleBackups({
      ...{ folder: place, everyMs: 3_600_000, keep: 2, clock },
      write: async (path) => written(path),
      onWritten: ({ path }) => made.push(path),
      onFailed: (error) => {
        throw error;
      },
    });
    for (const count of [1, 2, 3, 4]) {
      await clock.advance(count === 1 ? 0 : 3_600_000);
      expect(made).toHaveLength(count);
      expect(readdirSync(place)).toHaveLength(Math.min(count, 2));
    }
    await schedule.close();
    expect(readdirSync(place).map((name) => join(place, name))).toEqual(made.slice(-2));

    // Another start does not make one before it is due.
    const later: string[] = [];
    const next = scheduleBackups({
      ...{ folder: place, everyMs: 3_600_000, keep: 2, clock },
      write: async (path) => written(path),
      onWritten: ({ path }) => later.push(path),
      onFailed: () => {},
    });
    await clock.advance(3_599_000);
    expect(later).toEqual([]);
    await clock.advance(1_000);
    expect(later).toHaveLength(1);
    await next.close();
  });

  test('one that a wrong clock has made puts the others off by one interval at most', async () => {
    const clock = createTestClock();
    writeFileSync(join(folder, backupName(clock.wallMs() + 40 * 86_400_000)), '');
    let made = 0;
    const schedule = scheduleBackups({
      ...{ folder, everyMs: 3_600_000, keep: 3, clock },
      write: async (path) => written(path),
      onWritten: () => {
        made += 1;
      },
      onFailed: () => {},
    });
    await clock.advance(3_600_000);
    expect(made).toBe(1);
    await schedule.close();
  });

  test('one that fails removes nothing, is told, and is tried again within a minute', async () => {
    const clock = createTestClock();
    const old = backupName(clock.wallMs() - 7_200_000);
    writeFileSync(join(folder, old), '');
    let failures = 0;
    const made: string[] = [];
    const schedule = scheduleBackups({
      ...{ folder, everyMs: 3_600_000, keep: 1, clock },
      write: async (path) => {
        if (failures < 2) throw new Error('no room');
        return written(path);
      },
      onWritten: ({ path }) => made.push(path),
      onFailed: () => {
        failures += 1;
      },
    });
    await clock.advance(0);
    await clock.advance(60_000);
    expect([failures, made.length, existsSync(join(folder, old))]).toEqual([2, 0, true]);
    await clock.advance(60_000);
    expect([failures, made.length, existsSync(join(folder, old))]).toEqual([2, 1, false]);
    await schedule.close();
  });

  test('closing ends the one that is being made', async () => {
    const clock = createTestClock();
    let ended = false;
    const schedule = scheduleBackups({
      ...{ folder, everyMs: 60_000, keep: 1, clock },
      write: (_path, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            ended = true;
            reject(new Error('ended'));
          });
        }),
      onWritten: () => {},
      onFailed: () => {},
    });
    await clock.advance(0);
    await schedule.close();
    expect(ended).toBe(true);
  });
});
