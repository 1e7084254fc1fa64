import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import { type Operated, startOperated } from '../support/cli.ts';

const root = mkdtempSync(join(tmpdir(), 'sekisho-told-'));
let at: Operated;
let thrown: unknown;
beforeAll(async () => {
  at = await startOperated((commands) => ({
    ...commands,
    listTenants: async () => {
      throw thrown;
    },
  }));
  await at.engine.makeTenant('acme');
});
afterAll(async () => {
  await at?.close();
  rmSync(root, { recursive: true, force: true });
});

describe('A8 an error of the running server reaches whoever runs the command', () => {
  test.each([
    ['backup_unusable', '/nonexist/x.backup cannot be written: ENOENT.'],
    ['data_directory_unusable', 'The data directory cannot be used.'],
    ['conflict', 'A backup is being made already.'],
  ] as const)('A8 %s keeps its code and its words', async (code, message) => {
    thrown = new SekishoError(code, message);
    expect((await at.run('tenant', 'list', '--json')).json).toEqual({ error: { code, message } });
    expect((await at.run('tenant', 'list')).stderr).toBe(`sekisho: ${message}\n`);
  });

  test('A8 an outage says what lies beneath it', async () => {
    const cause = new Error('connect ECONNREFUSED 127.0.0.1:1');
    thrown = new SekishoError('store_unavailable', 'PostgreSQL cannot be reached.', { cause });
    expect((await at.run('tenant', 'list')).stderr).toBe(
      'sekisho: PostgreSQL cannot be reached. connect ECONNREFUSED 127.0.0.1:1\n',
    );
  });

  test('A8 a defect says what it is and where it was, not where it was asked for', async () => {
    thrown = new TypeError('this is none');
    const { code, json } = await at.run('tenant', 'list', '--json');
    expect([code, json.error.code]).toEqual([1, 'internal']);
    expect(json.error.message).toContain('this is none');
    const { stderr } = await at.run('tenant', 'list');
    expect(stderr).toContain('told-errors.test.ts');
    expect(stderr).not.toContain('operatorAt');
  });
});

describe('A8 a file that cannot be written is one line', () => {
  test.each([
    ['that is there', 'there.jsonl'],
    ['in a directory that is not', 'nowhere/trail.jsonl'],
  ])('A8 audit export to one %s', async (_, name) => {
    const output = join(root, name);
    if (name === 'there.jsonl') writeFileSync(output, '');
    const { code, stdout, json } = await at.run('audit', 'export', '--output', output, '--json');
    expect([code, stdout]).toEqual([1, '']);
    expect(json.error).toMatchObject({ code: 'cannot_write' });
    expect(json.error.message).toContain(output);
  });

  test('A8 backup --every into a place that cannot be made', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    const folder = join(file, 'backups');
    const { code, json } = await at.run('backup', folder, '--every', '1h', '--json');
    expect([code, json.error.code]).toEqual([1, 'cannot_write']);
    expect(json.error.message).toContain(folder);
  });
});
