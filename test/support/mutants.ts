import type { Mutant } from './mutant.ts';
import { ANSWERING } from './mutants/answering.ts';
import { HISTORIES } from './mutants/histories.ts';
import { WRITING } from './mutants/writing.ts';

/** Every rule that is left out, one at a time (docs/simulation.md). */
export const MUTANTS: readonly Mutant[] = [...ANSWERING, ...WRITING, ...HISTORIES];
