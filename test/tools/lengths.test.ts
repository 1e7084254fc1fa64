import { expect, test } from 'vitest';
import { isMeasured, MOST_LINES, tooLong } from '../../tools/lengths.mjs';

const lines = (count: number): string => 'one\n'.repeat(count);

test('a file may have so many lines, and not one more', () => {
  expect(tooLong('src/one.ts', lines(MOST_LINES))).toBeNull();
  expect(tooLong('src/one.ts', `${lines(MOST_LINES - 1)}two`)).toBeNull();
  for (const text of [lines(MOST_LINES + 1), `${lines(MOST_LINES)}two`]) {
    expect(tooLong('src/one.ts', text)).toMatch(/^src\/one\.ts has 301 lines/);
  }
});

test('code is measured; a migration that was released is left as it is', () => {
  for (const file of ['src/one.ts', 'tools/one.mjs', 'src/record/sql/one.sql', 'src/one.lua']) {
    expect(isMeasured(file)).toBe(true);
  }
  for (const file of ['src/record/migrations/0001_schema.sql', 'tools/README.md', 'one.json']) {
    expect(isMeasured(file)).toBe(false);
  }
});
