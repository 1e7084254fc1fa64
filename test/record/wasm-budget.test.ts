import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { defaultBudget, unoptimised } from '../../src/record/pglite/wasm-budget.ts';

test('A1 what V8 begins with is known of this release, and is set again', () => {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  const said = /default: --wasm-tiering-budget=(\d+)/.exec(options)?.[1];
  expect(defaultBudget()).toBe(Number(said));

  const flags: string[] = [];
  const compile = () => flags.push('compiled');
  unoptimised(compile, [], (flag) => flags.push(flag));
  expect(flags).toEqual([
    expect.stringMatching(/^--wasm-tiering-budget=\d{10}$/),
    'compiled',
    `--wasm-tiering-budget=${said}`,
  ]);
});

test('A1 it is set again when the program cannot be compiled', () => {
  const flags: string[] = [];
  const fails = () => {
    throw new Error('no program');
  };
  expect(() => unoptimised(fails, [], (flag) => flags.push(flag))).toThrow('no program');
  expect(flags.at(-1)).toBe(`--wasm-tiering-budget=${defaultBudget()}`);
});

test.each([['--wasm-tiering-budget=5'], ['--max-old-space-size=900 --wasm_tiering_budget=5']])(
  'A1 whoever set the budget keeps it: %s',
  (given) => {
    const flags: string[] = [];
    expect(
      unoptimised(
        () => 7,
        ['--enable-source-maps', given],
        (flag) => flags.push(flag),
      ),
    ).toBe(7);
    expect(flags).toEqual([]);
  },
);
