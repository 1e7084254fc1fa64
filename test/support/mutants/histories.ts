import type { Mutant } from '../mutant.ts';
import { ANYTHING } from './promises.ts';

/** Rules of histories, and of forgetting: GENERATION, LINEAGE, HAND IN, FORGET, FIRST TERM. */
export const HISTORIES: readonly Mutant[] = [
  {
    name: 'no-new-generation',
    rule: 'GENERATION',
    instead: 'a server that took over passes for the one before it',
    themes: ['lost end'],
    breaks: ANYTHING,
    weakness: 'identity ignored',
  },
  {
    name: 'lineage-end-ignored-for-tokens',
    rule: 'LINEAGE',
    instead: 'a token of a lost end of its generation is judged like any other',
    themes: ['lost end'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/view.ts',
        find: "if (facts.tokenEpoch > end) return 'superseded';",
        replace: '',
      },
    ],
  },
  {
    name: 'lineage-end-ignored-for-views',
    rule: 'LINEAGE',
    instead: 'a view that has seen entries that were lost goes on in the new generation',
    themes: ['lost end'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/lineage.ts',
        find: 'return last !== undefined && end.position <= last;',
        replace: 'return last !== undefined;',
      },
    ],
  },
  {
    name: 'nothing-handed-in',
    rule: 'HAND IN',
    instead: 'a view that holds lost entries is replaced without revoking them anew',
    themes: ['lost end'],
    breaks: ['HAND IN'],
    edits: [
      {
        file: 'revocation/generations.ts',
        find: 'const handedIn = await this.#handingIn.handIn(lineage);',
        replace: "const handedIn = { kind: 'done', entries: [] };",
      },
    ],
  },
  {
    name: 'horizon-left-out',
    rule: 'FORGET',
    instead: 'a token is judged although it has not seen what the view has forgotten',
    themes: ['long sleep'],
    breaks: ANYTHING,
    edits: [
      {
        file: 'revocation/view.ts',
        find: "if (facts.tokenEpoch < this.#held.horizon) return 'superseded';",
        replace: '',
      },
    ],
  },
  {
    name: 'forgotten-too-early',
    rule: 'FORGET',
    instead: 'entries are forgotten after a second',
    themes: ['outage', 'network'],
    breaks: ['No false refusal'],
    edits: [
      {
        file: 'revocation/view.ts',
        find: 'const beforeMs = nowMs - MAX_ACCESS_TTL_MS - FORGET_MARGIN_MS;',
        replace: 'const beforeMs = nowMs - 1000;',
      },
    ],
  },
  {
    name: 'first-term-left-out',
    rule: 'FIRST TERM',
    instead: 'a barrier in a new generation trusts the list of members at once',
    themes: ['lost end'],
    breaks: ['Early return'],
    edits: [
      {
        file: 'revocation/barriers.ts',
        find: 'if (settled || settings.exclusive) return Number.NEGATIVE_INFINITY;',
        replace: 'if (settled !== settings.log) return Number.NEGATIVE_INFINITY;',
      },
    ],
  },
];
