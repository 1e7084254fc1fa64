import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keptSecret, secretOf } from '../../src/create/secret.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-secret-'));
  path = join(directory, 'secret');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('ASVS 13.3.1 the secret of a data directory', () => {
  test('is made once, for its owner alone, whatever a start that was killed left behind', async () => {
    writeFileSync(join(directory, 'secret.new'), 'half', { mode: 0o600 });
    const secret = await secretOf(directory);
    expect(secret.length).toBeGreaterThan(30);
    expect(readFileSync(path, 'utf8')).toBe(`${secret}\n`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['secret']);
    expect(await secretOf(directory)).toBe(secret);
  });

  test('one that cannot be written leaves no half of it: the next start makes it', async () => {
    // Nothing can be written there, as on a full disk.
    mkdirSync(join(directory, 'secret.new'));
    await expect(secretOf(directory)).rejects.toMatchObject({ code: 'data_directory_unusable' });
    expect(await keptSecret(directory)).toBeNull();
    rmSync(join(directory, 'secret.new'), { recursive: true });
    expect(await secretOf(directory)).toBe(await keptSecret(directory));
  });

  test('an empty file is no secret, and it says so', async () => {
    writeFileSync(path, '\n');
    for (const read of [secretOf, keptSecret]) {
      await expect(read(directory)).rejects.toMatchObject({
        code: 'data_directory_unusable',
        message: expect.stringContaining('secret is empty: put back'),
      });
    }
    expect(readFileSync(path, 'utf8')).toBe('\n');
  });

  test('none is made for a database that has one already, which is not there', async () => {
    mkdirSync(join(directory, 'postgres'));
    writeFileSync(join(directory, 'postgres', 'PG_VERSION'), '18\n');
    await expect(secretOf(directory)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(/secret is not there.*put the file back.*SEKISHO_SECRET/),
    });
    expect(readdirSync(directory)).toEqual(['postgres']);
  });
});
