import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadGroups } from '../../src/cli/groups.ts';
import { type Operated, runCommand, startOperated } from '../support/cli.ts';

const groups = await loadGroups();

const ID = 'hQ2mZ7xW0rTn5bJ8cK1vYA';
const OF_ACME = ['--tenant', 'acme'];

/**
 * What removes something for good, may log out more than one user, or shuts a service out, with the arguments that make it
 * so. On a terminal it asks; elsewhere it wants `--yes`.
 */
const ASKING: readonly (readonly [name: string, ...args: string[]])[] = [
  ['tenant suspend', 'acme'],
  ['tenant delete', 'acme'],
  ['tenant policy set', 'acme', '--set', 'idle_timeout=10m'],
  ['tenant policy end-override', 'acme'],
  ['user delete', 'noor@acme.example', ...OF_ACME],
  ['client rotate', ID, ...OF_ACME, '--overlap', '0s'],
  ['client delete', ID, ...OF_ACME],
  ['revoke tenant', 'acme'],
  ['revoke all'],
  ['audit prune', '--before', '2020-01-01'],
  ['audit erase', ...OF_ACME, '--user', 'noor@acme.example'],
  ['audit retention', '--days', '1'],
  ['audit accept', ...OF_ACME],
  ['audit rotate-key'],
  ['keys retire', ID, '--withdraw'],
  ['keys issuer', 'https://id.acme.example'],
  ['ops lifetimes', '--absolute-timeout', '30s', '--for', '1h'],
  ['ops restored'],
];

/** What changes something and asks nothing: it is undone, or of one user, or logs nobody out. */
const SILENT = [
  ...['serve', 'migrate', 'backup', 'restore'],
  ...['tenant create', 'tenant resume', 'user create', 'user enable', 'user roles'],
  ...['user disable', 'user reset', 'revoke user', 'revoke session', 'session revoke'],
  ...['client create', 'audit checkpoint', 'keys rotate'],
  ...['ops cleanup pause', 'ops cleanup resume', 'ops lifetimes clear', 'ops limits'],
  ...['ops limits clear', 'ops regenerate', 'ops log-level', 'ops log-level clear'],
];

/** What only looks. */
const LOOKING = [
  ...['tenant list', 'tenant show', 'tenant policy get', 'user list', 'user show', 'client list'],
  ...['session list', 'session show', 'revoke show', 'audit list', 'audit export'],
  ...['audit verify', 'keys list', 'ops status', 'ops cleanup status', 'doctor'],
];

let at: Operated;
beforeAll(async () => {
  at = await startOperated();
  await at.engine.makeTenant('acme');
  // Something for end-override to end: the longer life is over with it.
  const longer = ['--set', 'absolute_timeout=2d', '--set', 'idle_timeout=2h', '--for', '1h'];
  expect(await at.run('tenant', 'policy', 'set', 'acme', ...longer)).toMatchObject({ code: 0 });
});
const nowhere = mkdtempSync(join(tmpdir(), 'sekisho-destroying-'));
afterAll(async () => {
  await at?.close();
  rmSync(nowhere, { recursive: true, force: true });
});

describe('A8 what destroys asks first, or wants --yes', () => {
  test('A8 every command is in one of the three lists', () => {
    const known = [...ASKING.map(([name]) => name), ...SILENT, ...LOOKING].sort();
    const all = groups.flatMap(({ commands }) => commands.map(({ name }) => name));
    expect(all.sort()).toEqual(known);
  });

  test('A8 --yes is an option of those that ask, and of no other', () => {
    const withYes = groups
      .flatMap(({ commands }) => commands)
      .filter(({ options }) => options.some(({ name }) => name === 'yes'));
    expect(withYes.map(({ name }) => name).sort()).toEqual(ASKING.map(([name]) => name).sort());
  });

  test.each(ASKING)('A8 %s does nothing where nobody can be asked', async (name, ...args) => {
    const { code, stdout, json } = await at.run(...name.split(' '), ...args, '--json');
    expect([code, stdout, json.error.code], json.error.message).toEqual([2, '', 'usage']);
    expect(json.error.message).toMatch(/\?.* Say so with --yes/);
  });

  test('A8 a policy or a ceiling that ends no session asks nothing', async () => {
    const set = ['tenant', 'policy', 'set', 'acme', '--set'];
    expect(await at.run(...set, 'access_ttl=2m')).toMatchObject({ code: 0 });
    expect(await at.run(...set, 'idle_timeout=3h')).toMatchObject({ code: 0 });
    const ceiling = ['ops', 'lifetimes', '--access-ttl', '2m', '--for', '1h', '--wait', '0'];
    expect(await at.run(...ceiling)).toMatchObject({ code: 0 });
    expect(await at.run('audit', 'retention')).toMatchObject({ code: 0 });
  });

  test('A8 a wrong command line is said before anything is asked', async () => {
    const wrong = ['ops', 'lifetimes', '--absolute-timeout', '8h', '--data-dir', nowhere];
    expect((await runCommand(wrong)).stderr).toContain('--for or --until is missing');
  });
});
