import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readCall, UsageError } from '../../src/cli/command.ts';
import { loadGroups } from '../../src/cli/groups.ts';
import { time } from '../../src/cli/time.ts';
import { runCommand } from '../support/cli.ts';

const groups = await loadGroups();

const directory = mkdtempSync(join(tmpdir(), 'sekisho-ranges-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Nothing is there: whoever gets as far as to look for it answers with 1. */
const none = ['--data-dir', join(directory, 'none')];

describe('A8: a value out of its range is a wrong command line, whichever it is', () => {
  test.each([
    ['ops lifetimes --access-ttl 1s --for 1h', '--access-ttl must be 30s to 15m, not 1s'],
    ['ops lifetimes --access-ttl 1h --for 1h', '--access-ttl must be 30s to 15m, not 1h'],
    ['ops lifetimes --idle-timeout 31d --for 1h', '--idle-timeout must be 30s to 30d, not 31d'],
    ['ops lifetimes --absolute-timeout 0 --for 1h', '--absolute-timeout must be 30s to 30d, not 0'],
    ['ops lifetimes --access-ttl 60s --for 31d', '--for must be 1s to 30d, not 31d'],
    ['ops lifetimes --access-ttl 60s --for 0', '--for must be 1s to 30d, not 0'],
    ['ops lifetimes --access-ttl 60s --for 1h --wait 31s', '--wait must be at most 30s'],
    [
      'ops limits --account-attempts 101 --for 1h',
      '--account-attempts must be a whole number, 1 to 100',
    ],
    [
      'ops limits --address-attempts 0 --for 1h',
      '--address-attempts must be a whole number, 1 to 100000',
    ],
    ['ops limits --account-window 9s --for 1h', '--account-window must be 10s to 1d, not 9s'],
    ['ops limits --max-wait 2h --for 1h', '--max-wait must be 1s to 1h, not 2h'],
    [
      'ops limits --max-wait 1h --until 2001-01-01T00:00Z',
      '--until must be a time ahead, by 30 days at most',
    ],
    ['ops log-level debug --until 2999-01-01', '--until must be a time ahead, by 30 days at most'],
    ['tenant policy set main --set access_ttl=1', '--set access_ttl must be 30s to 15m, not 1'],
    [
      'tenant policy set main --set login_limit.max_wait=2h',
      '--set login_limit.max_wait must be 1s to 1h, not 2h',
    ],
    [
      'tenant policy set main --set max_sessions_per_user=0',
      '--set max_sessions_per_user must be 1 to 1000, not 0',
    ],
    ['keys issuer http://id.example --yes', 'URL must be an https URL'],
    // As a server's own schedule, SEKISHO_BACKUP_EVERY.
    ['backup backups --every 59s', '--every must be 1m to 7d, not 59s'],
    ['backup backups --every 8d', '--every must be 1m to 7d, not 8d'],
  ])('A8 %s', async (line, words) => {
    const { code, stdout, stderr } = await runCommand([...line.split(' '), ...none]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('one reading of times', () => {
  const prune = groups
    .flatMap(({ commands }) => commands)
    .find(({ name }) => name === 'audit prune');
  const read = (text: string) => {
    if (prune === undefined) throw new Error('audit prune');
    return time(readCall(prune, ['--before', text], {}), 'before');
  };

  test.each([
    ['2026-11-21T20:45Z', '2026-11-21T20:45:00.000Z'],
    ['2026-11-21T20:45+09:00', '2026-11-21T11:45:00.000Z'],
    ['2026-11-21T20:45:07.5-03:30', '2026-11-22T00:15:07.500Z'],
    ['2026-11-21', '2026-11-21T00:00:00.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ])('%s', (text, iso) => {
    expect(new Date(read(text) ?? 0).toISOString()).toBe(iso);
  });

  test.each([
    ...['2026-11-21T20:45', '2026-11-21 20:45Z', '2026-02-31', '2026-02-31T00:00Z', '2026-13-01'],
    ...['2026-11-21T24:00Z', '2026-11-21T20:60Z', '2026-11-21T20:45+24:00', 'yesterday', '0', ''],
  ])('A8 %j is no time', (text) => {
    expect(() => read(text)).toThrow(UsageError);
  });

  test('A8 options that take a time take it in one form', async () => {
    const takers = groups
      .flatMap(({ commands }) => commands)
      .flatMap(({ name, options }) => options.map((option) => ({ name, option })))
      .filter(
        ({ option }) => option.value === 'TIME' && /date|2030|up to when|before/.test(option.help),
      );
    expect(takers.length).toBeGreaterThan(3);
    for (const { name, option } of takers) {
      const line = [...name.split(' '), `--${option.name}`, '2026-02-31T00:00Z', ...none];
      const { code, stderr } = await runCommand(line);
      expect({ name, code }).toEqual({ name, code: 2 });
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
  });
});
