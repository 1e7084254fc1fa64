import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Content,
  openBackupFile,
  verifyBackup,
  writeBackupFile,
} from '../../src/record/backup/file.ts';
import type { WritableHandle } from '../../src/record/backup/whole-file.ts';
import { createKeyRing } from '../../src/token/secrets.ts';

const ring = createKeyRing('a secret of the tests that is long enough');
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-disk-'));
  path = join(folder, 'one.backup');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Some chunks that do not compress. */
function content(): Content {
  const rows = Array.from({ length: 300 }, () => randomBytes(1024).toString('hex'));
  return {
    header: {
      ...{ takenAt: '2026-11-21T10:00:00.000Z', kind: 'pglite', deployment: 'one' },
      ...{ generation: 'g', position: 7, release: '0.0.0', migrations: [], tables: { audit: 300 } },
    },
    items: (async function* () {
      yield { kind: 'table', table: 'audit', columns: [['id', 'text']] };
      yield { kind: 'rows', rows };
    })(),
  };
}

type Verb = 'write' | 'sync' | 'close';

/** A real file of which some verbs are told otherwise; `folder`: the flushing of its name. */
function fileThat(
  change: (file: WritableHandle, of: 'file' | 'folder') => Partial<WritableHandle>,
) {
  return async (at: string, flags: string, mode?: number): Promise<WritableHandle> => {
    const file = await open(at, flags, mode);
    const real: WritableHandle = {
      write: file.write.bind(file),
      sync: file.sync.bind(file),
      close: file.close.bind(file),
    };
    return { ...real, ...change(real, flags === 'r' ? 'folder' : 'file') };
  };
}

function failure(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: no space left on device, ${syscall}`), {
    code,
    syscall,
  });
}

const write = (file: ReturnType<typeof fileThat>) =>
  writeBackupFile(path, ring.newest, content(), undefined, file);

describe('A8: the disk of a backup', () => {
  test('a file that takes less than it is given gets the rest', async () => {
    let writes = 0;
    const short = fileThat((file) => ({
      write: ((piece: Buffer, from = 0, length = piece.length) => {
        writes += 1;
        return file.write(piece, from, Math.min(length, 1 + (writes % 3) * 40_000));
      }) as WritableHandle['write'],
    }));
    const bytes = await write(short);
    expect(writes).toBeGreaterThan(10);
    expect(readFileSync(path).length).toBe(bytes);
    await verifyBackup(await openBackupFile(path, ring));
    expect(readdirSync(folder)).toEqual(['one.backup']);
  });

  test.each<[string, Verb, Error | null]>([
    ['is full in the middle', 'write', failure('ENOSPC', 'write')],
    ['takes nothing more and says nothing', 'write', null],
    ['says at its flushing that it is full', 'sync', failure('ENOSPC', 'fsync')],
    ['says at its closing that it is full', 'close', failure('EDQUOT', 'close')],
  ])('one that %s: the error says so, and nothing is left', async (_why, verb, error) => {
    let calls = 0;
    const bad = fileThat((file) => ({
      [verb]: async (...args: unknown[]) => {
        calls += 1;
        // A header fits; and a file that is told to be closed is, whatever it answers.
        if (verb === 'write' && calls === 1) {
          return await (file.write as (...all: unknown[]) => unknown)(...args);
        }
        if (verb === 'close') await file.close();
        if (error !== null) throw error;
        return { bytesWritten: 0 };
      },
    }));
    await expect(write(bad)).rejects.toMatchObject({
      code: 'backup_unusable',
      message: expect.stringContaining(`cannot be written to ${path}: ${error?.message ?? ''}`),
    });
    expect(calls).toBeGreaterThan(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a name that cannot be flushed is given back; where folders are never flushed it stays', async () => {
    const unsynced = (code: string) =>
      fileThat((_file, of) =>
        of === 'file'
          ? {}
          : {
              sync: async () => {
                throw failure(code, 'fsync');
              },
            },
      );
    await expect(write(unsynced('EIO'))).rejects.toMatchObject({ code: 'backup_unusable' });
    expect(readdirSync(folder)).toEqual([]);
    await write(unsynced('EINVAL'));
    await verifyBackup(await openBackupFile(path, ring));
  });
});
