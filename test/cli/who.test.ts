import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadGroups } from '../../src/cli/groups.ts';
import { whoOf } from '../../src/cli/who.ts';
import { type Operated, startOperated } from '../support/cli.ts';

const groups = await loadGroups();

/** They change nothing in a record, or make no row in its trail. */
const NOBODYS = [
  ...['serve', 'migrate', 'backup', 'restore', 'doctor'],
  ...['tenant list', 'tenant show', 'tenant policy get', 'user list', 'user show', 'client list'],
  ...['session list', 'session show', 'revoke show', 'audit list', 'audit verify', 'keys list'],
  ...['ops status', 'ops cleanup status'],
];

let at: Operated;
beforeAll(async () => {
  at = await startOperated();
  await at.engine.makeTenant('acme');
});
afterAll(() => at?.close());

/** The newest row of a trail. */
async function newest(...tenant: readonly string[]) {
  const { json } = await at.run('audit', 'list', ...tenant, '--limit', '1', '--json');
  const { action, actor, detail } = json.events[0];
  return { action, actor: actor.kind, by: detail.by };
}

describe('A8 B14 the trail says who it was', () => {
  test('A8 whatever changes something takes --by', () => {
    const named = groups
      .flatMap(({ commands }) => commands)
      .filter(({ options }) => options.some(({ name }) => name === 'by'));
    const all = groups.flatMap(({ commands }) => commands.map(({ name }) => name));
    const expected = all.filter((name) => !NOBODYS.includes(name));
    expect(named.map(({ name }) => name).sort()).toEqual(expected.sort());
  });

  test.each([
    ['tenant_sessions_revoked', ['revoke', 'tenant', 'acme', '--yes'], ['--tenant', 'acme']],
    ['tenant_suspended', ['tenant', 'suspend', 'acme', '--yes'], ['--tenant', 'acme']],
    ['tenant_resumed', ['tenant', 'resume', 'acme'], ['--tenant', 'acme']],
    [
      'policy_changed',
      ['tenant', 'policy', 'set', 'acme', '--set', 'refresh_grace=5s'],
      ['--tenant', 'acme'],
    ],
    ['client_created', ['client', 'create', 'billing', '--tenant', 'acme'], ['--tenant', 'acme']],
    [
      'user_created',
      ['user', 'create', 'b@acme.example', '--tenant', 'acme', '--link'],
      ['--tenant', 'acme'],
    ],
    ['signing_key_made', ['keys', 'rotate', '--ahead', '3m'], []],
    ['audit_retention_changed', ['audit', 'retention', '--days', 'forever'], []],
    ['ops_sessions_regenerated', ['ops', 'regenerate'], []],
    ['revoke_all', ['revoke', 'all', '--yes'], []],
    ['record_restored', ['ops', 'restored', '--yes', '--wait', '0'], []],
  ] as const)('A8 %s, by --by', async (action, args, trail) => {
    const done = await at.run(...args, '--by', 'noor', '--json');
    expect(done.code, done.stderr).toBeLessThan(2);
    const { json } = await at.run('audit', 'list', ...trail, '--action', action, '--json');
    expect(json.events[0]).toMatchObject({ actor: { kind: 'operator' }, detail: { by: 'noor' } });
  });

  test('A8 without it: the user of the shell; of whoever used sudo, the user before', async () => {
    expect((await at.run('keys', 'rotate', '--ahead', '4m')).code).toBe(0);
    const { by } = await newest();
    expect(by).toMatch(/./);
    expect(by).not.toBe('noor');
    expect(whoOf({ operands: [], options: {}, env: { SUDO_USER: 'yuki' } })).toBe('yuki');
    expect(whoOf({ operands: [], options: { by: 'noor' }, env: { SUDO_USER: 'yuki' } })).toBe(
      'noor',
    );
  });
});
