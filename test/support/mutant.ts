import type { Weakness } from './simulated-record.ts';

/** One exact replacement in one file. A text that is not found exactly once makes the mutant unusable, and its test fail. */
export interface Edit {
  /** Under src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A rule left out, of production code or, where the rule is SQL, of the simulated record. */
export interface Mutant {
  readonly name: string;
  /** The rule of docs/protocol.md. */
  readonly rule: string;
  /** What is done instead, for docs/simulation.md. */
  readonly instead: string;
  readonly edits?: readonly Edit[];
  readonly weakness?: Weakness;
  /** Where it is looked for, by name of theme. */
  readonly themes: readonly string[];
  /** The promises that it is there to break; it may break others first. */
  readonly breaks: readonly string[];
}
