import { describe, expect, test } from 'vitest';
import {
  type Call,
  type Command,
  duration,
  integer,
  many,
  oneOf,
  operand,
  optional,
  readCall,
} from '../../src/cli/command.ts';
import { loadGroups } from '../../src/cli/groups.ts';
import { commandHelp } from '../../src/cli/help.ts';
import { print, table } from '../../src/cli/output.ts';
import { everyPage } from '../../src/cli/paging.ts';
import { progressLine } from '../../src/cli/progress.ts';
import { nearest } from '../../src/cli/suggest.ts';
import { runCommand } from '../support/cli.ts';

const groups = await loadGroups();

const commands = groups.flatMap((group) => group.commands);

describe('every command', () => {
  test('there are commands, and each has a name of its own', () => {
    const names = commands.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, commands: of } of groups) {
      for (const command of of) expect(command.name.split(' ')[0]).toBe(name);
    }
  });

  test.each(commands.map((command) => [command.name, command] as const))(
    '%s has help with examples that it would take, and --json',
    async (name, command) => {
      const shown = await runCommand([...name.split(' '), '--help']);
      expect(shown).toMatchObject({ code: 0, stderr: '', stdout: commandHelp(command) });
      expect(command.examples.length).toBeGreaterThan(0);
      for (const line of shown.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(130);
      if (name !== 'serve') expect(command.options.map((one) => one.name)).toContain('json');
      for (const example of command.examples)
        expect(() => readExample(command, example)).not.toThrow();
      for (const option of command.options) {
        expect(option.name).toMatch(/^[a-z][a-z-]*$/);
        expect(option.help).not.toBe('');
      }
    },
  );

  test.each(groups.map((group) => [group.name, group] as const))(
    '%s --help lists its commands',
    async (name, group) => {
      const { code, stdout } = await runCommand([name, '--help']);
      expect(code).toBe(0);
      for (const command of group.commands) expect(stdout).toContain(command.name);
      expect(await runCommand(['help', name])).toMatchObject({ code: 0, stdout });
    },
  );

  test('the overview names every group, and the exit codes', async () => {
    const { stdout } = await runCommand([]);
    for (const { name } of groups) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout).toContain('Exit codes: 0 done');
    expect(await runCommand(['--help'])).toMatchObject({ code: 0, stdout });
  });
});

/** Reads an example as the shell and the command would: variables before it and a file behind it left out. */
function readExample(command: Command, example: string): Call {
  const words = [...example.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double ?? single ?? plain ?? '',
  );
  const begin = words.indexOf('sekisho');
  const end = words.findIndex((word) => /^[<>|]/.test(word));
  const own = words.slice(begin + 1, end < 0 ? undefined : end);
  const name = command.name.split(' ');
  expect(own.slice(0, name.length)).toEqual(name);
  return readCall(command, own.slice(name.length), {});
}

describe('a wrong command line', () => {
  test.each([
    [['tenat', 'list'], 'did you mean sekisho tenant?'],
    [['tenant', 'lsit'], 'did you mean sekisho tenant list?'],
    [['rev', 'user'], 'did you mean sekisho revoke?'],
    [['frobnicate'], 'see sekisho --help'],
    [['tenant', 'frobnicate'], 'see sekisho tenant --help'],
    [['tenant', 'list', '--jsn'], 'did you mean --json?'],
    [['user', 'list', '--data-dir', '/nowhere'], '--tenant is missing'],
    [['revoke', 'user'], 'usage: sekisho revoke user USER'],
    [['session', 'list', '--tenant', 'a', '--state', 'dead'], 'must be one of active'],
    [['revoke', 'all', '--yes', '--wait', '31s'], 'at most 30s'],
    [['revoke', 'all'], 'Say so with --yes'],
    [['tenant', 'policy', 'set', 'a', '--set', 'access_ttl'], 'must be FIELD=VALUE'],
  ])('%j is exit code 2 and one line that helps', async (args, words) => {
    const done = await runCommand(args);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain(words);
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('with --json it is one line of JSON on standard error', async () => {
    const done = await runCommand(['tenant', 'frobnicate', '--json']);
    expect(done).toMatchObject({ code: 2, stdout: '', json: { error: { code: 'usage' } } });
    const missing = ['tenant', 'list', '--json', '--data-dir', '/nowhere/at/all'];
    expect(await runCommand(missing)).toMatchObject({
      code: 1,
      stdout: '',
      json: { error: { code: 'data_directory_unusable', message: expect.any(String) } },
    });
  });

  test('a group alone is no command: its help on standard error', async () => {
    const done = await runCommand(['tenant']);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain('tenant create SLUG');
  });
});

describe('options and operands', () => {
  const command: Command = {
    name: 'try',
    operands: ['ID', '[MORE]'],
    summary: '',
    options: [
      { name: 'user', value: 'USER', help: '' },
      { name: 'role', value: 'ROLE', help: '', repeats: true },
      { name: 'for', value: 'TIME', help: '' },
      { name: 'n', value: 'N', help: '' },
      { name: 'kind', value: 'KIND', help: '' },
    ],
    examples: [],
    run: async () => 0,
  };
  const read = (...args: string[]) => readCall(command, args, {});

  test('an id that begins with a dash is no option', () => {
    const id = '-Q2mZ7xW0rTn5bJ8cK1vYA';
    const other = '--2mZ7xW0rTn5bJ8cK1vYA';
    expect(operand(read(id), 0)).toBe(id);
    const call = read('--user', id, other, '--role', 'a', '--role', 'b');
    expect(optional(call, 'user')).toBe(id);
    expect(operand(call, 0)).toBe(other);
    expect(many(call, 'role')).toEqual(['a', 'b']);
  });

  test('what may be left out, and no more than there is', () => {
    expect(operand(read('a'), 1)).toBe('');
    expect(operand(read('a', 'b'), 1)).toBe('b');
    expect(() => read()).toThrow('usage: sekisho try ID [MORE]');
    expect(() => read('a', 'b', 'c')).toThrow('usage');
  });

  test('time spans, numbers and words', () => {
    const spans = { '90': 90, '90s': 90, '15m': 900, '2h': 7200, '1d': 86_400, '0': 0 };
    for (const [text, seconds] of Object.entries(spans)) {
      expect(duration(read('a', '--for', text), 'for')).toBe(seconds);
    }
    expect(duration(read('a'), 'for')).toBeNull();
    for (const wrong of ['', '1.5h', '1w', 'soon', '-1']) {
      expect(() => duration(read('a', `--for=${wrong}`), 'for')).toThrow('time span');
    }
    expect(integer(read('a', '--n', '7'), 'n', 1, 9)).toBe(7);
    for (const wrong of ['0', '10', '1e1', 'x'])
      expect(() => integer(read('a', '--n', wrong), 'n', 1, 9)).toThrow('1 to 9');
    expect(oneOf(read('a', '--kind', 'b'), 'kind', ['a', 'b'])).toBe('b');
    expect(() => oneOf(read('a', '--kind', 'c'), 'kind', ['a', 'b'])).toThrow('a, b');
  });
});

describe('what is printed', () => {
  test('ASVS 16.4.1 a table in columns; what strangers named moves no cursor', () => {
    const rows = [
      ['a', 'long\u001b[31m name'],
      ['bbb', '日本'],
    ];
    expect(table(['X', 'NAME'], rows, 'none')).toEqual([
      'X    NAME',
      'a    long [31m name',
      'bbb  日本',
    ]);
    expect(table(['X'], [], 'none')).toEqual(['none']);
  });

  test('ASVS 16.4.1 nor does what a complaint or a line names', async () => {
    const { stderr } = await runCommand(['no\u001b[2J\u009b31m\u202eword']);
    expect(stderr).toMatch(/^sekisho: no command no \[2J 31m word .*\n$/);
    const written: unknown[] = [];
    const real = process.stdout.write;
    process.stdout.write = (text) => written.push(text) > 0;
    try {
      print(false, null, ['name \u001b[31mred', 'two\nlines']);
    } finally {
      process.stdout.write = real;
    }
    expect(written.join('')).toBe('name  [31mred\ntwo\nlines\n');
  });

  test('A8 a progress bar', () => {
    expect(progressLine('deleting', { done: 0, total: 4000 })).toBe(
      `deleting  [${'-'.repeat(30)}]   0 %  0 of 4,000`,
    );
    expect(progressLine('deleting', { done: 4000, total: 4000 })).toContain(
      '] 100 %  4,000 of 4,000',
    );
    expect(progressLine('deleting', { done: 0, total: 0 })).toContain('100 %');
    expect(progressLine('deleting', { done: 1200, total: null })).toBe('deleting  1,200');
  });

  test('nearest words', () => {
    const words = ['serve', 'session', 'revoke', 'ops'];
    expect(nearest('sesion', words)).toBe('session');
    expect(nearest('esrve', words)).toBe('serve');
    expect(nearest('REVOKE', words)).toBe('revoke');
    expect(nearest('opps', words)).toBe('ops');
    expect(nearest('xyz', words)).toBeNull();
  });

  test('every page of a list is read, up to a bound', async () => {
    const rows = Array.from({ length: 450 }, (_, n) => n);
    const asked: number[] = [];
    const read = async ({ limit, cursor }: { limit: number; cursor: { atMs: number } | null }) => {
      asked.push(limit);
      const from = cursor === null ? 0 : cursor.atMs + 1;
      return rows.slice(from, from + limit);
    };
    const cursorOf = (row: number) => ({ atMs: row, id: String(row) });
    expect(await everyPage(read, cursorOf)).toEqual(rows);
    expect(asked).toEqual([200, 200, 200]);
    expect(await everyPage(read, cursorOf, 250)).toEqual(rows.slice(0, 250));
    expect(asked.slice(3)).toEqual([200, 50]);
  });
});
