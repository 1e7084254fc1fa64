import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { blocksOf, isHelp, isShell, nameOf, pages, root, unitsOf } from './examples/blocks.ts';
import { isAnswer, isListed, listed, speaksOf } from './examples/listed.ts';
import { isProgram } from './examples/programs.ts';

const blocks = pages.flatMap((page) => {
  const all = blocksOf(page);
  return all.map((block, at) => ({ block, previous: all[at - 1] }));
});
const units = blocks.flatMap(({ block }) => unitsOf(block));

describe('every example of README.md and docs/ is run, or listed with the reason', () => {
  test('none is neither', () => {
    expect(units.length).toBeGreaterThan(150);
    const forgotten = blocks
      .filter(
        ({ block, previous }) => !isShell(block) && !isHelp(block) && !isAnswer(block, previous),
      )
      .flatMap(({ block }) => unitsOf(block))
      .filter((unit) => !isListed(unit) && !isProgram(unit.block));
    expect(forgotten.map(nameOf)).toEqual([]);
  });

  test('every entry of the list speaks of one that is there, and names a test that is there', () => {
    const gone = listed.filter((entry) => !units.some((unit) => speaksOf(entry, unit)));
    expect(gone).toEqual([]);
    for (const { by, why } of listed) {
      expect(why).not.toBe('');
      if (by !== undefined) expect([by, existsSync(join(root, by))]).toEqual([by, true]);
    }
  });

  test('every help has examples', () => {
    const bare = blocks.map(({ block }) => block).filter(isHelp);
    expect(bare.filter((block) => unitsOf(block).length === 0)).toEqual([]);
  });
});
