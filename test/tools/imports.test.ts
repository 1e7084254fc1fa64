import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { importsOf, readImports, sourceFiles } from '../../tools/imports/graph.mjs';
import { cycles, judge } from '../../tools/imports/judge.mjs';
import { judgeReach, loadedWith } from '../../tools/imports/reach.mjs';
import { packageRules, reachRules, rules } from '../../tools/imports/rules.mjs';

function violations(file: string, text: string): string[] {
  return judge([file], importsOf(file, text), { rules, packageRules, dependencies: ['pg', 'zod'] });
}

test.each([
  ['src/errors.ts', "import { now } from './clock.ts';"],
  ['src/token/sign.ts', "import { open } from '../record/open.ts';"],
  ['src/token/sign.ts', "import type { Login } from '../session/login.ts';"],
  ['src/revocation/follower.ts', "import { verb } from '../record/contract.ts';"],
  ['src/session/login.ts', "import { connect } from '../hub/redis/connect.ts';"],
  ['src/session/login.ts', "const { connect } = await import('../hub/redis/connect.ts');"],
  ['src/record/session.ts', "export { passes } from '../revocation/floor.ts';"],
  ['src/hub/redis/connect.ts', "import { listen } from '../postgres/listen.ts';"],
  ['src/http/login.ts', "import { open } from '../record/open.ts';"],
  ['src/client/index.ts', "import { SekishoError } from '../errors.ts';"],
  ['src/client/index.ts', "import type { Tokens } from '../session/contract.ts';"],
  ['src/index.ts', "export { open } from '../src/record/open.ts';"],
  ['src/session/login.ts', "import pg from 'pg';"],
  ['src/http/login.ts', "import express from 'express';"],
  ['src/somewhere/else.ts', ''],
])('%s may not contain: %s', (file, text) => {
  expect(violations(file, text)).toHaveLength(1);
});

test.each([
  ['src/token/sign.ts', "import { passes } from '../revocation/floor.ts';"],
  ['src/revocation/follower.ts', "import type { RevocationRecord } from '../record/contract.ts';"],
  ['src/session/login.ts', "import { judge } from '../login/attempts.ts';"],
  ['src/hub/redis/connect.ts', "import { retry } from './retry.ts';"],
  ['src/hub/postgres/listen.ts', "import pg from 'pg';"],
  ['src/create.ts', "import { open } from './record/open.ts';"],
  ['src/cli/main.ts', "import { z } from 'zod';"],
  ['src/client/index.ts', "import type { ErrorCode } from '../errors.ts';"],
])('%s may contain: %s', (file, text) => {
  expect(violations(file, text)).toEqual([]);
});

test('a cycle through three files is found once, also when it is of types only', () => {
  const imports = [
    ...importsOf('src/token/a.ts', "import type { B } from './b.ts';"),
    ...importsOf('src/token/b.ts', "import type { C } from './c.ts';"),
    ...importsOf('src/token/c.ts', "export type { A } from './a.ts';"),
  ];

  expect(cycles(imports)).toEqual([
    'cycle: src/token/a.ts → src/token/b.ts → src/token/c.ts → src/token/a.ts',
  ]);
});

describe('what is loaded', () => {
  const imports = [
    ...importsOf('src/cli/main.ts', "import { groups } from './groups.ts';"),
    ...importsOf(
      'src/cli/groups.ts',
      "import type { Command } from './command.ts'; const load = () => import('./open.ts');",
    ),
    ...importsOf('src/cli/open.ts', "export { open } from '../record/open.ts';"),
    ...importsOf('src/record/open.ts', "import pg from 'pg'; import { open } from './open.ts';"),
  ];
  const files = ['src/cli/main.ts', 'src/cli/groups.ts', 'src/cli/open.ts', 'src/record/open.ts'];
  const rule = { name: 'the help', because: 'It needs none.', from: ['src/cli/main.ts'] };

  test('with a file is what its static imports lead to; `import type` and `import()` load nothing', () => {
    expect([...loadedWith('src/cli/main.ts', imports).keys()]).toEqual(files.slice(0, 2));
    expect([...loadedWith('src/cli/open.ts', imports)]).toEqual([
      ['src/cli/open.ts', null],
      ['src/record/open.ts', 'src/cli/open.ts'],
      ['pg', 'src/record/open.ts'],
    ]);
    expect(judgeReach(files, imports, [{ ...rule, never: ['pg', 'src/record/**'] }])).toEqual([]);
  });

  test('what may not be is told with the way to it', () => {
    const opening = { ...rule, from: ['src/cli/*.ts'], never: ['pg'] };
    expect(judgeReach(files, imports, [opening])).toEqual([
      'src/cli/open.ts → src/record/open.ts → pg: the help may not load it. It needs none.',
    ]);
    const direct = importsOf('src/cli/main.ts', "import './open.ts';");
    expect(judgeReach(files, [...imports, ...direct], [{ ...rule, never: ['pg'] }])).toEqual([
      'src/cli/main.ts → src/cli/open.ts → src/record/open.ts → pg: the help may not load it. It needs none.',
    ]);
  });

  test('a rule that could never be broken is wrong itself', () => {
    const gone = { ...rule, from: ['src/gone.ts'], never: ['pgg', 'src/gone/**'] };
    expect(judgeReach(files, imports, [gone])).toEqual([
      'the help: no file is src/gone.ts',
      'the help: nothing is pgg, so that it could be loaded',
      'the help: nothing is src/gone/**, so that it could be loaded',
    ]);
  });

  // Of the real files: each rule is broken by the import that it is there to refuse.
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const real = readImports(root);
  test.each([
    ['src/cli/run.ts', "import { readConfig } from '../config.ts';"],
    ['src/cli/help.ts', "import { tenantList } from './commands/tenant.ts';"],
    ['src/cli/operator.ts', "import { openForCommand } from '../create/open-for-command.ts';"],
    ['src/cli/commands/doctor.ts', "import { watchMembers } from '../../create/watch.ts';"],
    ['src/cli/commands/serve.ts', "import { runServer } from '../server/serve.ts';"],
    ['src/create/hub.ts', "import { openRedis } from './redis.ts';"],
    ['src/create/hub.ts', "import { createNotifyHub } from '../hub/postgres/hub.ts';"],
    ['src/create/record.ts', "import { openPgliteRecord } from '../record/pglite/open.ts';"],
    ['src/record/sql-record.ts', "import pg from 'pg';"],
  ])('%s may not contain: %s', (file, text) => {
    const more = [...real, ...importsOf(file, text)];
    expect(judgeReach(sourceFiles(root), real, reachRules)).toEqual([]);
    expect(judgeReach(sourceFiles(root), more, reachRules).length).toBeGreaterThan(0);
  });
});
