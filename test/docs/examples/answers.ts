import { expect } from 'vitest';
import type { Block } from './blocks.ts';

/** What differs from one time to the next, in the order in which it is looked for. */
const VARYING: readonly (readonly [shown: RegExp, is: string])[] = [
  [/scs_[\w-]{22}\.[\w-]+…/y, 'scs_[\\w-]{22}\\.[\\w-]{43}'],
  [/\d{4}-\d\d-\d\dT[\d:.]+Z/y, '\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z'],
  [/[\w-]{22}(?![\w-])/y, '[\\w-]{22}'],
  [/\d{10}(?!\d)/y, '\\d{10}'],
  [/"[\w-]*…"/y, '"[^"]+"'],
  [/https:\/\/sekisho\.example/y, 'http://[\\w.:]+'],
  [/\s+/y, '\\s*'],
];

/** That what was printed is what the block shows; ids, secrets, times and white space may be others. */
export function expectAnswer({ text, lang }: Block, printed: string): void {
  if (lang !== 'json') {
    expect(printed).toMatch(patternOf(text.trim()));
    return;
  }
  const shown = JSON.parse(text) as Record<string, unknown>;
  const is = JSON.parse(printed) as Record<string, unknown>;
  expect(Object.keys(is).sort()).toEqual(Object.keys(shown).sort());
  for (const [name, value] of Object.entries(shown)) {
    expect([name, JSON.stringify(is[name])]).toEqual([
      name,
      expect.stringMatching(new RegExp(`^${patternOf(JSON.stringify(value)).source}$`)),
    ]);
  }
}

function patternOf(shown: string): RegExp {
  let pattern = '';
  for (let at = 0; at < shown.length; ) {
    const here = VARYING.find(([re]) => {
      re.lastIndex = at;
      return re.test(shown);
    });
    const [re, is] = here ?? [];
    if (re !== undefined && is !== undefined) {
      pattern += is;
      at = re.lastIndex;
    } else {
      pattern += (shown[at] ?? '').replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&');
      at += 1;
    }
  }
  return new RegExp(pattern);
}
