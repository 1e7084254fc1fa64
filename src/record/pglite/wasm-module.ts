import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** A `WebAssembly.Module`. */
export type Program = object;

/** What is used of the runtime's own; its types come with those of browsers. */
declare const WebAssembly: { compile(bytes: Uint8Array): Promise<Program> };

let compiled: Promise<Program | null> | null = null;

/**
 * PGlite's program, compiled once a process for the databases in memory that it opens one after the other: they share the code,
 * and what the runtime has made faster of it while one of them ran.
 *
 * @returns null where it is not found; PGlite then compiles its own.
 */
export function sharedProgram(): Promise<Program | null> {
  compiled ??= compile().catch(() => null);
  return compiled;
}

async function compile(): Promise<Program> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  return await WebAssembly.compile(await readFile(join(dirname(entry), 'pglite.wasm')));
}
