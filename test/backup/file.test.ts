import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BackupItem } from '../../src/record/backup/content.ts';
import {
  type Content,
  openBackupFile,
  verifyBackup,
  writeBackupFile,
} from '../../src/record/backup/file.ts';
import { assertRestorable } from '../../src/record/backup/import.ts';
import { thisRelease } from '../../src/record/migrator.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { codeOf } from '../support/engine.ts';

const ring = createKeyRing('a secret of the tests that is long enough');
const other = createKeyRing('another secret of the tests that is long too');

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-backup-'));
  path = join(folder, 'one.backup');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HEADER: Content['header'] = {
  takenAt: '2026-11-21T10:00:00.000Z',
  kind: 'pglite',
  deployment: 'one',
  generation: 'g',
  position: 7,
  release: '0.0.0',
  migrations: [],
  tables: {},
};

/** Rows that do not compress, so that the file has several chunks. */
function content(rows: number, size = 1000): Content {
  const items: BackupItem[] = [
    { kind: 'table', table: 'audit', columns: [['id', 'text']] },
    { kind: 'rows', rows: Array.from({ length: rows }, () => randomBytes(size).toString('hex')) },
  ];
  return { header: { ...HEADER, tables: { audit: rows } }, items: listed(items) };
}

async function* listed<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

async function everything(at: string, keys = ring): Promise<BackupItem[]> {
  const items: BackupItem[] = [];
  const file = await openBackupFile(at, keys);
  for await (const item of file.items()) items.push(item);
  return items;
}

/** The message with which reading the whole file is refused. */
async function refusal(at: string, keys = ring): Promise<string> {
  try {
    await verifyBackup(await openBackupFile(at, keys));
    return 'accepted';
  } catch (error) {
    return error instanceof Error && 'code' in error
      ? `${error.code}: ${error.message}`
      : `${error}`;
  }
}

describe('A8: the file of a backup', () => {
  test.each([0, 1, 255, 256, 257, 700])('gives back what was written: %i KiB', async (rows) => {
    const written = content(rows, 1024);
    const items: BackupItem[] = [];
    const watched = (async function* () {
      for await (const item of written.items) {
        items.push(item);
        yield item;
      }
    })();
    const bytes = await writeBackupFile(path, ring.newest, { ...written, items: watched });
    expect(bytes).toBe(statSync(path).size);
    expect(await everything(path)).toEqual(items);
  });

  test('ASVS 14.2.4: its owner alone may read it, and it shows no content', async () => {
    const items = listed<BackupItem>([
      { kind: 'rows', rows: ['the-hidden-password-hash'.repeat(9)] },
    ]);
    await writeBackupFile(path, ring.newest, {
      header: { ...HEADER, tables: { audit: 1 } },
      items,
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path).includes('hidden-password')).toBe(false);
  });

  test('is never half there: a source that fails, or is ended, leaves nothing', async () => {
    const failing = (async function* (): AsyncGenerator<BackupItem> {
      yield { kind: 'rows', rows: [randomBytes(600_000).toString('hex')] };
      throw new Error('the database went away');
    })();
    const failed = writeBackupFile(path, ring.newest, { header: HEADER, items: failing });
    await expect(failed).rejects.toThrow('went away');
    const ending = new AbortController();
    const endless = (async function* (): AsyncGenerator<BackupItem> {
      for (let page = 0; page < 1000; page += 1) {
        if (page === 20) ending.abort();
        yield { kind: 'rows', rows: [randomBytes(50_000).toString('hex')] };
      }
    })();
    const ended = writeBackupFile(
      path,
      ring.newest,
      { header: HEADER, items: endless },
      ending.signal,
    );
    await expect(ended).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('does not take the place of another', async () => {
    await writeBackupFile(path, ring.newest, content(1));
    const before = readFileSync(path);
    expect(await codeOf(writeBackupFile(path, ring.newest, content(1)))).toBe('conflict');
    expect(readFileSync(path).equals(before)).toBe(true);
    const nowhere = join(folder, 'missing', 'one.backup');
    expect(await codeOf(writeBackupFile(nowhere, ring.newest, content(1)))).toBe('backup_unusable');
  });
});

describe('A8: a file that is not what was written is refused', () => {
  test('cut off anywhere', async () => {
    await writeBackupFile(path, ring.newest, content(700));
    const whole = readFileSync(path);
    const headerEnd = whole.indexOf('\n', whole.indexOf('\n') + 1) + 1;
    const ends = [0, 5, 20, headerEnd - 1, headerEnd, headerEnd + 3, headerEnd + 1000];
    ends.push(headerEnd + 256 * 1024 + 21, whole.length - 30, whole.length - 1);
    for (const end of ends) {
      writeFileSync(path, whole.subarray(0, end));
      expect([end, await refusal(path)]).toEqual([
        end,
        expect.stringMatching(/^backup_unusable: .*cut off/),
      ]);
    }
  });

  test('changed anywhere', async () => {
    await writeBackupFile(path, ring.newest, content(300));
    const whole = readFileSync(path);
    const headerEnd = whole.indexOf('\n', whole.indexOf('\n') + 1) + 1;
    const position = whole.indexOf('"position":7') + '"position":'.length;
    const places = [position, headerEnd, headerEnd + 2, headerEnd + 5, headerEnd + 9_000];
    places.push(headerEnd + 256 * 1024 + 21, headerEnd + 300_000, whole.length - 1);
    for (const place of places) {
      const changed = Buffer.from(whole);
      changed[place] = (changed[place] ?? 0) ^ 1;
      writeFileSync(path, changed);
      expect([place, await refusal(path)]).toEqual([
        place,
        expect.stringMatching(/^backup_unusable: .*(changed or damaged|cut off)/),
      ]);
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.from('more')]));
    expect(await refusal(path)).toContain('changed or damaged');
  });

  test('put together from two', async () => {
    const second = join(folder, 'two.backup');
    await writeBackupFile(path, ring.newest, content(300));
    await writeBackupFile(second, ring.newest, content(300));
    const [one, two] = [readFileSync(path), readFileSync(second)];
    const headerEnd = one.indexOf('\n', one.indexOf('\n') + 1) + 1;
    const chunk = headerEnd + 256 * 1024 + 21;
    expect(two.indexOf('\n', two.indexOf('\n') + 1) + 1).toBe(headerEnd);
    // The second chunk of the one behind the first of the other, and one chunk twice.
    writeFileSync(path, Buffer.concat([one.subarray(0, chunk), two.subarray(chunk)]));
    expect(await refusal(path)).toContain('changed or damaged');
    writeFileSync(path, Buffer.concat([one.subarray(0, chunk), one.subarray(headerEnd)]));
    expect(await refusal(path)).toContain('changed or damaged');
  });

  test('of something else, of a newer layout, or under another secret', async () => {
    writeFileSync(path, 'PGDMP and so on, a dump of something else that is long enough\n');
    expect(await refusal(path)).toBe('backup_unusable: The file is no backup of Sekisho.');
    await writeBackupFile(join(folder, 'real'), ring.newest, content(1));
    const real = readFileSync(join(folder, 'real'));
    writeFileSync(path, Buffer.concat([Buffer.from('sekisho-backup 2\n'), real.subarray(17)]));
    expect(await refusal(path)).toContain('has layout 2, this release of Sekisho knows 1 at most');
    expect(await refusal(join(folder, 'real'), other)).toContain(
      `must hold the secret under which the backup was made (key id ${ring.newest.keyId})`,
    );
    expect(await refusal(join(folder, 'none'))).toContain('cannot be read');
    // A ring that knows the secret as an older one opens it.
    const later = createKeyRing(
      'another secret of the tests that is long too,a secret of the tests that is long enough',
    );
    expect(await refusal(join(folder, 'real'), later)).toBe('accepted');
  });

  test('of a newer release or another build', () => {
    const release = thisRelease();
    const header = {
      ...{ ...HEADER, keyId: '', salt: '', release: release.version },
      migrations: release.migrations.map(({ name, checksum }) => ({ name, checksum })),
    };
    expect(() => assertRestorable(header)).not.toThrow();
    expect(() => assertRestorable({ ...header, release: '999.0.0' })).toThrow(
      'is of Sekisho 999.0.0',
    );
    const more = [...header.migrations, { name: '9999_more.sql', checksum: 'x' }];
    expect(() => assertRestorable({ ...header, migrations: more })).toThrow(
      `has schema version ${more.length}`,
    );
    const strange = header.migrations.with(0, { name: '0001_schema.sql', checksum: 'x' });
    expect(() => assertRestorable({ ...header, migrations: strange })).toThrow('another build');
  });
});
