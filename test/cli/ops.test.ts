import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { run } from '../../src/cli/run.ts';

const directory = mkdtempSync(join(tmpdir(), 'sekisho-ops-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

/** Runs `sekisho ops …` in this process. */
async function ops(...args: readonly string[]) {
  const told = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      told[name] += String(chunk);
      return true;
    });
  }
  const code = await run(['ops', ...args, '--data-dir', join(directory, 'none')], {});
  vi.restoreAllMocks();
  return { code, ...told };
}

describe('A8: sekisho ops', () => {
  test.each([
    ['nothing to shorten', ['lifetimes', '--for', '1h']],
    ['no end', ['lifetimes', '--access-ttl', '60']],
    ['two ends', ['limits', '--max-wait', '1h', '--for', '1h', '--until', '2099-01-01T00:00Z']],
    ['an end without its offset', ['limits', '--max-wait', '1h', '--until', '2099-01-01T00:00']],
    ['nothing to tighten', ['limits', '--for', '1h']],
    ['a count that is none', ['limits', '--account-attempts', '0', '--for', '1h']],
    ['a level that is none', ['log-level', 'loud']],
    ['no level', ['log-level']],
    ['half a command', ['cleanup']],
  ])('A8 %s is exit code 2, and one line', async (_, args) => {
    const { code, stdout, stderr } = await ops(...args);
    expect([code, stdout, stderr.trim().split('\n').length]).toEqual([2, '', 1]);
  });

  test('A8 a directory that is not there is named, and not made', async () => {
    const { code, stderr } = await ops('status');
    expect(code).toBe(1);
    expect(stderr).toContain(join(directory, 'none'));
  });

  test('A8 every command has examples, says what it does, and whether it ends by itself', async () => {
    const { stdout } = await ops('--help');
    for (const words of [
      'cleanup pause',
      'lifetimes clear',
      'limits',
      'regenerate',
      'log-level',
      'status',
    ]) {
      expect(stdout).toContain(`  ${words}`.trim());
    }
    expect((await ops('lifetimes', '--help')).stdout).toContain('stays ended');
  });
});
