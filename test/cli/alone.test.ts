import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSekisho } from '../../src/create.ts';
import { silentLog } from '../../src/observe/log.ts';
import { runCommand } from '../support/cli.ts';

const dataDir = mkdtempSync(join(tmpdir(), 'sekisho-alone-'));
beforeAll(async () => {
  await (await createSekisho({ dataDir, logger: silentLog })).close();
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

const alone = (...args: readonly string[]) => runCommand([...args, '--data-dir', dataDir]);

describe('A8 a command while no server runs', () => {
  test('A8 ops status: the command is no node', async () => {
    const { code, json, stderr } = await alone('ops', 'status', '--json');
    expect([code, json.members], stderr).toEqual([0, []]);
    expect((await alone('ops', 'status')).stdout).toContain('no server runs');
  });

  test('A8 what is decided is found by the next one, and nobody is said to have heard of it', async () => {
    const { code, stdout } = await alone('ops', 'cleanup', 'pause');
    expect(code).toBe(0);
    expect(stdout).toBe(
      'clean-up, sweeping and retention are paused; no server runs: the next one that starts finds it so\n',
    );
    expect((await alone('ops', 'cleanup', 'resume', '--json')).json).toMatchObject({
      ...{ paused: false, effective: 'everywhere', members: 0 },
    });
  });
});
