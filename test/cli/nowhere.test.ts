import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runCommand } from '../support/cli.ts';

const root = mkdtempSync(join(tmpdir(), 'sekisho-nowhere-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** One of each way in which commands reach a record. */
const COMMANDS: readonly (readonly string[])[] = [
  ['revoke', 'all', '--yes'],
  ['tenant', 'list'],
  ['ops', 'cleanup', 'resume'],
  ['doctor'],
  ['backup', join(root, 'never.backup')],
];

describe('A8 a directory that holds no record', () => {
  test.each(COMMANDS)(
    'A8 %s %s is refused on an empty one, and makes nothing there',
    async (...args) => {
      const empty = join(root, 'empty');
      mkdirSync(empty, { recursive: true });
      const { code, stdout, stderr } = await runCommand([...args, '--data-dir', empty]);
      expect([code, stdout], stderr).toEqual([1, '']);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain(empty);
      // The place of a lock may be left; a database, or a secret, would be believed the next time.
      expect(readdirSync(empty).filter((name) => /^(postgres|secret)/.test(name))).toEqual([]);
    },
  );

  test('A8 one that is not mounted is asked after, with its whole path', async () => {
    const { stderr } = await runCommand(['tenant', 'list', '--data-dir', join(root, 'empty')]);
    expect(stderr).toContain('mounted?');
    const nowhere = await runCommand(['tenant', 'list', '--data-dir', 'not-there']);
    expect(nowhere.stderr).toContain(join(process.cwd(), 'not-there'));
    expect(existsSync('not-there')).toBe(false);
  });

  test.each(COMMANDS)('A8 %s %s says that a file is no directory', async (...args) => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    const { code, json } = await runCommand([...args, '--json', '--data-dir', file]);
    expect(code).toBe(1);
    expect(json.error).toMatchObject({ code: 'data_directory_unusable' });
    expect(json.error.message).toContain(`${file} is no directory`);
  });
});

describe('A8 a PostgreSQL that cannot be reached', () => {
  const settings = (port: number) => ({
    DATABASE_URL: `postgres://nobody@127.0.0.1:${port}/nothing`,
    SEKISHO_SECRET: 'a secret of the tests that is long enough',
  });

  test.each([
    ['tenant', 'list'],
    ['revoke', 'user', '--tenant', 'a', 'b@c.example', '--wait', '2s'],
    ['migrate'],
    ['backup', join(root, 'never.backup')],
    ['doctor'],
  ])('A8 %s %s gives up, with exit code 1 and one line', async (...args) => {
    const { code, stdout, json } = await runCommand([...args, '--json'], settings(1));
    expect([code, stdout]).toEqual([1, '']);
    expect(json.error).toMatchObject({ code: 'store_unavailable' });
    expect(json.error.message).toContain('ECONNREFUSED');
  });

  test('A8 one that takes connections and says nothing is given up, too', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    try {
      const { port } = silent.address() as { readonly port: number };
      const { code, stdout, stderr } = await runCommand(['tenant', 'list'], settings(port));
      expect([code, stdout, stderr.trim().split('\n').length]).toEqual([1, '', 1]);
      expect(stderr).toMatch(/^sekisho: /);
    } finally {
      silent.close();
    }
  });
});
