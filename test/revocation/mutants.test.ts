import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Mutant } from '../support/mutant.ts';
import { MUTANTS } from '../support/mutants.ts';
import { type Code, code as production } from '../support/simulation/code.ts';
import { play } from '../support/simulation/play.ts';
import { BrokenPromise } from '../support/simulation/promises.ts';
import { THEMES, type Theme } from '../support/simulation/themes.ts';

/** Seeds of their own: every run looks at the same schedules, one after the other. */
const FIRST_SEED = 5_000_000;
/** Far more than any of them has ever taken. */
const MOST_SCHEDULES = 2000;

const took: string[] = [];

function themesOf({ name, themes }: Mutant): readonly Theme[] {
  return themes.map((wanted) => {
    const theme = THEMES.find((one) => one.name === wanted);
    if (theme === undefined) throw new Error(`mutant ${name}: there is no theme ${wanted}`);
    return theme;
  });
}

async function codeOf({ name, edits }: Mutant): Promise<Code> {
  if (edits === undefined) return production;
  const loaded: { readonly code: Code } = await import(
    /* @vite-ignore */ `../support/simulation/code.ts?mutant=${name}`
  );
  return loaded.code;
}

interface Caught {
  readonly seed: number;
  readonly theme: Theme;
  readonly schedules: number;
  readonly broken: BrokenPromise;
}

/** Plays schedules with one rule left out until a promise is broken that the rule is there to keep. */
async function hunt(mutant: Mutant): Promise<Caught | null> {
  const code = await codeOf(mutant);
  const weakness = mutant.weakness ?? null;
  const themes = themesOf(mutant);
  for (let schedules = 1; schedules <= MOST_SCHEDULES; schedules += 1) {
    const theme = themes[schedules % themes.length] as Theme;
    const seed = FIRST_SEED + schedules;
    try {
      await play(seed, { code, weakness, theme });
    } catch (broken) {
      if (!(broken instanceof BrokenPromise)) throw broken;
      if (mutant.breaks.includes(broken.promise)) return { seed, theme, schedules, broken };
    }
  }
  return null;
}

describe('every rule is needed: without it the simulation finds a broken promise', () => {
  it.each(MUTANTS)('B8 B9 $rule: $name', async (mutant) => {
    const caught = await hunt(mutant);
    expect(caught, `${mutant.name} was not caught in ${MOST_SCHEDULES} schedules`).not.toBeNull();
    if (caught === null) return;
    const { seed, theme, schedules, broken } = caught;
    took.push(`${mutant.name}: ${schedules} (${broken.message})`);
    // It was the rule: with it the same schedule keeps every promise.
    await play(seed, { code: production, theme });
  });

  it('is what docs/simulation.md lists', () => {
    const page = readFileSync(new URL('../../docs/simulation.md', import.meta.url), 'utf8');
    const listed = page.split('\n').filter((line) => /^\| .*\| `[\w-]+` \|$/.test(line));
    expect(listed).toEqual(
      MUTANTS.map(({ name, rule, instead }) => `| ${rule} | ${instead} | \`${name}\` |`),
    );
  });

  afterAll(() => {
    process.stdout.write(`schedules until caught:\n  ${took.join('\n  ')}\n`);
  });
});
