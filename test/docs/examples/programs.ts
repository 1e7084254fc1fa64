import type { Block } from './blocks.ts';

/** Whether a block is a program of its own, which programs.test.ts runs. */
export function isProgram({ lang }: Block): boolean {
  return lang === 'ts';
}
