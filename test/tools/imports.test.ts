import { expect, test } from 'vitest';
import { importsOf } from '../../tools/imports/graph.mjs';
import { cycles, judge } from '../../tools/imports/judge.mjs';
import { packageRules, rules } from '../../tools/imports/rules.mjs';

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
