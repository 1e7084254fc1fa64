/** What is loaded with a file: everything that its static imports lead to. Pure, so that the rules are tested. */
import { matches } from './judge.mjs';

/**
 * @typedef {import('./graph.mjs').Import} Import
 * @typedef {import('./rules.mjs').ReachRule} ReachRule
 */

/**
 * Everything that is loaded with `file`, files and packages, each with what imports it; an `import()` and an `import type`
 * load nothing.
 *
 * @param {string} file
 * @param {Import[]} imports
 * @returns {Map<string, string | null>} null for `file` itself
 */
export function loadedWith(file, imports) {
  /** @type {Map<string, Import[]>} */
  const edges = new Map();
  for (const one of imports) {
    if (!one.dynamic && !one.typeOnly) edges.set(one.from, [...(edges.get(one.from) ?? []), one]);
  }
  /** @type {Map<string, string | null>} */
  const found = new Map([[file, null]]);
  // A map is walked in the order in which it grows: the first way to a file is a shortest one.
  for (const from of found.keys()) {
    for (const { to } of edges.get(from) ?? []) if (!found.has(to)) found.set(to, from);
  }
  return found;
}

/**
 * @param {string[]} files
 * @param {Import[]} imports
 * @param {ReachRule[]} rules
 * @returns {string[]} what is wrong, a line each
 */
export function judgeReach(files, imports, rules) {
  return rules.flatMap(({ name, because, from, never }) => {
    const starts = files.filter((file) => matches(from, file));
    const gone = never.filter((glob) => !isThere(glob, files, imports));
    return [
      ...(starts.length === 0 ? [`${name}: no file is ${from.join(', ')}`] : []),
      ...gone.map((glob) => `${name}: nothing is ${glob}, so that it could be loaded`),
      ...starts.flatMap((start) => {
        const loaded = loadedWith(start, imports);
        const wrong = [...loaded.keys()].filter((path) => path !== start && matches(never, path));
        // The first is enough to mend it, or to be told of the next.
        return wrong
          .slice(0, 1)
          .map((path) => `${wayTo(path, loaded)}: ${name} may not load it. ${because}`);
      }),
    ];
  });
}

/** @param {string} glob @param {string[]} files @param {Import[]} imports */
function isThere(glob, files, imports) {
  return (
    files.some((file) => matches([glob], file)) ||
    imports.some(({ to, local }) => !local && matches([glob], to))
  );
}

/** @param {string} path @param {Map<string, string | null>} loaded */
function wayTo(path, loaded) {
  const way = [path];
  for (let at = loaded.get(path); at; at = loaded.get(at)) way.unshift(at);
  return way.join(' → ');
}
