import { setFlagsFromString } from 'node:v8';

/** V8's setting of how much a function of a WebAssembly program may run before it is optimised. It changes no result. */
const FLAG = '--wasm-tiering-budget';
/** More than any function uses up. */
const ENDLESS = 2_000_000_000;

/**
 * Compiles a WebAssembly program whose functions are never optimised, only compiled when they are first called. V8 has no such
 * option of a single program: it gives each its budget when it makes it, and the flag that says how large it is stands for the
 * whole process. So it is another one for the time of this call alone, in which nothing else runs in this thread.
 *
 * @param compile synchronous.
 * @param args of the process; whoever set the budget there keeps it.
 */
export function unoptimised<Result>(
  compile: () => Result,
  args: readonly string[] = [...process.execArgv, process.env.NODE_OPTIONS ?? ''],
  setFlag: (flag: string) => void = setFlagsFromString,
): Result {
  // V8 takes `_` for `-`.
  if (args.some((arg) => arg.replaceAll('_', '-').includes(FLAG))) return compile();
  setFlag(`${FLAG}=${ENDLESS}`);
  try {
    return compile();
  } finally {
    setFlag(`${FLAG}=${defaultBudget()}`);
  }
}

/** What V8 begins with; it does not tell. @param v8 its release. */
export function defaultBudget(v8: string = process.versions.v8): number {
  return Number(v8.split('.', 1)[0]) < 12 ? 1_800_000 : 13_000_000;
}
