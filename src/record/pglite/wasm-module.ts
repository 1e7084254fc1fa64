import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { unoptimised } from './wasm-budget.ts';

/** A `WebAssembly.Module`. */
export type Program = object;

/** What is used of the runtime's own; its types come with those of browsers. */
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => Program };

let compiled: Program | null | undefined;

/**
 * PGlite's program, compiled once a process for the databases that it opens and that are soon gone: those in memory, one after
 * the other, and a directory for as long as one command takes. Optimising the program would cost more than half of the
 * processor time of a start, and is left out; it pays after a million rows and more.
 *
 * @returns null where it is not found; PGlite then compiles its own.
 */
export function sharedProgram(): Program | null {
  compiled ??= compile();
  return compiled;
}

function compile(): Program | null {
  try {
    const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
    const bytes = readFileSync(join(dirname(entry), 'pglite.wasm'));
    return unoptimised(() => new WebAssembly.Module(bytes));
  } catch {
    return null;
  }
}
