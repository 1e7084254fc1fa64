import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadGroups } from '../../src/cli/groups.ts';
import { newId } from '../../src/id.ts';
import { type Operated, startOperated } from '../support/cli.ts';
import type { TestTenant } from '../support/engine.ts';

const groups = await loadGroups();

/** What a command says of a tenant, a user, a session … that is not there. */

let at: Operated;
let main: TestTenant;
let other: TestTenant;
beforeAll(async () => {
  at = await startOperated();
  main = await at.engine.makeTenant('main');
  other = await at.engine.makeTenant('other');
});
afterAll(() => at?.close());

const TENANT = ['--tenant', 'main'];
const NO_FILE = join(tmpdir(), `sekisho-${newId()}.jsonl`);
const NO_TENANT = ['--tenant', 'nowhere'];

/** By command: what follows it, with `?` for the thing that is not there. */
const UNKNOWN: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'tenant show': [['?']],
  'tenant suspend': [['?', '--yes']],
  'tenant resume': [['?']],
  'tenant delete': [['?', '--yes']],
  'tenant policy get': [['?']],
  'tenant policy set': [['?', '--set', 'access_ttl=600']],
  'tenant policy end-override': [['?']],
  'user list': [NO_TENANT],
  'user show': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'user create': [['new@main.example', '--link', ...NO_TENANT]],
  'user disable': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'user enable': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'user roles': [
    ['?', ...TENANT, '--role', 'member'],
    ['?', ...NO_TENANT, '--role', 'member'],
  ],
  'user delete': [
    ['?', ...TENANT, '--yes'],
    ['?', ...NO_TENANT, '--yes'],
  ],
  'user reset': [
    ['?', ...TENANT, '--link'],
    ['?', ...NO_TENANT, '--link'],
  ],
  'client create': [['billing', ...NO_TENANT]],
  'client list': [NO_TENANT],
  'client rotate': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'client delete': [
    ['?', ...TENANT, '--yes'],
    ['?', ...NO_TENANT, '--yes'],
  ],
  'session list': [NO_TENANT, [...TENANT, '--user', '?']],
  'session show': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'session revoke': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'revoke user': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'revoke session': [
    ['?', ...TENANT],
    ['?', ...NO_TENANT],
  ],
  'revoke tenant': [['?', '--yes']],
  'revoke show': [['?', ...TENANT], ['?'], ['?', ...NO_TENANT]],
  'keys retire': [['?'], ['?', '--withdraw', '--yes']],
  'ops regenerate': [['--tenant', '?']],
  'ops log-level': [['debug', '--node', '?']],
  'ops log-level clear': [['--node', '?'], []],
  'ops lifetimes clear': [[]],
  'ops limits clear': [[]],
  'audit erase': [['--tenant', 'nowhere', '--user', 'a@b', '--yes']],
  'audit prune': [['--tenant', '?', '--before', '2020-01-01', '--yes']],
  'audit accept': [['--tenant', '?', '--yes']],
  'audit list': [['--tenant', '?']],
  'audit export': [['--tenant', '?', '--output', NO_FILE]],
  'audit verify': [['--tenant', '?']],
  'audit checkpoint': [['--tenant', '?']],
  'audit retention': [['--tenant', '?']],
};

/** Those that are about nothing that may be unknown. */
const OF_NOTHING = [
  ...['serve', 'migrate', 'doctor', 'backup', 'restore', 'tenant create', 'tenant list'],
  ...['revoke all', 'keys list', 'keys rotate', 'keys issuer'],
  'audit rotate-key',
  ...[
    'ops status',
    'ops restored',
    'ops cleanup pause',
    'ops cleanup resume',
    'ops cleanup status',
  ],
  ...['ops lifetimes', 'ops limits'],
];

const commands = groups.flatMap((group) => group.commands);

describe('A8 B1: exit codes of what is not there', () => {
  test('A8 every command is in this table, or is about nothing that may be unknown', () => {
    const known = [...Object.keys(UNKNOWN), ...OF_NOTHING].sort();
    expect(commands.map(({ name }) => name).sort()).toEqual(known);
  });

  test.each(Object.entries(UNKNOWN))(
    'A8 B1 %s is 1, one line, and nothing is done',
    async (name, tails) => {
      const before = (await at.engine.record.log.head()).head;
      // An id that nobody has, one of another tenant, and a word that is no id at all.
      for (const unknown of [newId(), other.pair.session.sid, other.admin.uid, 'nobody']) {
        for (const tail of tails) {
          const args = tail.map((one) => (one === '?' ? unknown : one));
          const { code, stdout, json } = await at.run(...name.split(' '), ...args, '--json');
          expect({ args, code, stdout }).toEqual({ args, code: 1, stdout: '' });
          expect(json).toEqual({ error: { code: 'not_found', message: expect.any(String) } });
        }
        if (!tails.some((tail) => tail.includes('?'))) break;
      }
      expect((await at.engine.record.log.head()).head).toEqual(before);
      expect(existsSync(NO_FILE)).toBe(false);
    },
  );

  test('A8 B1 a command line that is wrong is 2, before anything is looked for', async () => {
    for (const line of [
      ['tenant', 'delete', 'nowhere', '--yess'],
      ['tenant', 'delete'],
      ['user', 'delete', 'nobody', '--yes'],
      ['tenant', 'delete', 'nowhere', '--wait', '31s', '--yes'],
    ]) {
      expect({ line, code: (await at.run(...line)).code }).toEqual({ line, code: 2 });
    }
    expect(main.tenant.slug).toBe('main');
  });
});
