import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vitest/config';
import { MUTANTS } from './mutants.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
/** Where rules live: the modules here are made anew for each mutant. All others are shared with production. */
const MUTATED = [`${SRC}revocation/`, `${SRC}session/`, `${SRC}hub/`];
const QUERY = '?mutant=';

/**
 * Serves `some-module.ts?mutant=NAME`: that module with the edits of the mutant in it, and all that it imports of
 * src/revocation, src/session and src/hub likewise, so that a whole node can be loaded with one rule left out.
 */
export function mutantPlugin(): Plugin {
  return {
    name: 'sekisho-mutants',
    enforce: 'pre',
    resolveId(source, importer) {
      const at = importer?.indexOf(QUERY) ?? -1;
      if (importer === undefined || at === -1 || !source.startsWith('.')) return null;
      const file = resolve(dirname(importer.slice(0, at)), source);
      return MUTATED.some((folder) => file.startsWith(folder)) && existsSync(file)
        ? `${file}${importer.slice(at)}`
        : null;
    },
    load(id) {
      const at = id.indexOf(QUERY);
      if (at === -1) return null;
      return mutated(id.slice(0, at), id.slice(at + QUERY.length));
    },
  };
}

/** @throws Error when there is no such mutant, or a text of it is not in the file exactly once */
function mutated(file: string, name: string): string {
  const mutant = MUTANTS.find((one) => one.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  let text = readFileSync(file, 'utf8');
  for (const { file: edited, find, replace } of mutant.edits ?? []) {
    if (file !== `${SRC}${edited}`) continue;
    const pieces = text.split(find);
    if (pieces.length !== 2)
      throw new Error(
        `mutant ${name}: "${find.trim()}" stands ${pieces.length - 1} times in src/${edited}; bring test/support/mutants/ up to date`,
      );
    text = pieces.join(replace);
  }
  return text;
}
