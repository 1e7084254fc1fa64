/** Holds the imports against the rules. Pure, so that the rules themselves are tested. */

/**
 * @typedef {import('./graph.mjs').Import} Import
 * @typedef {import('./rules.mjs').Rule} Rule
 */

/** @param {string} glob @returns {RegExp} with one group for each `*` that stands for a folder */
function pattern(glob) {
  const source = glob
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\*\*|\*/g, (star) => (star === '**' ? '.*' : '([^/]*)'));
  return new RegExp(`^${source}$`);
}

/** @param {string[]} globs @param {string} path */
export const matches = (globs, path) => globs.some((glob) => pattern(glob).test(path));

/** @param {string} file @param {Rule[]} rules */
export function ruleFor(file, rules) {
  for (const rule of rules) {
    for (const glob of rule.files) {
      const found = pattern(glob).exec(file);
      if (found) return { rule, folder: found[1] ?? '' };
    }
  }
  return undefined;
}

/**
 * @param {string[]} files
 * @param {Import[]} imports
 * @param {{
 *   rules: Rule[],
 *   packageRules: { packages: string[], files: string[], because: string }[],
 *   dependencies: string[],
 * }} law
 * @returns {string[]} what is wrong, a line each
 */
export function judge(files, imports, { rules, packageRules, dependencies }) {
  const wrong = files
    .filter((file) => !ruleFor(file, rules))
    .map((file) => `${file} belongs to no rule: give it one in tools/imports/rules.mjs`);

  for (const { from, to, local, typeOnly, line } of imports) {
    const where = `${from}:${line}`;
    if (local) {
      const found = ruleFor(from, rules);
      if (!found) continue;
      const { rule, folder } = found;
      const fill = (/** @type {string[]} */ globs) =>
        globs.map((glob) => glob.replaceAll('{folder}', folder));
      if (matches(fill(rule.values), to)) continue;
      const asType = matches(fill(rule.types ?? []), to);
      if (asType && typeOnly) continue;
      const how = asType ? 'only with `import type`' : 'not at all';
      wrong.push(`${where} imports ${to}, which ${rule.name} may ${how}. ${rule.because}`);
      continue;
    }
    if (to.startsWith('node:')) continue;
    if (!dependencies.includes(to)) {
      wrong.push(`${where} imports ${to}, which is no dependency of the published package.`);
    }
    for (const { packages, files: allowed, because } of packageRules) {
      if (packages.includes(to) && !matches(allowed, from)) {
        wrong.push(`${where} imports ${to}: only ${allowed.join(', ')} may. ${because}`);
      }
    }
  }
  return [...wrong, ...cycles(imports)];
}

/**
 * Cycles through imports of any kind: two files that need each other's types are one thing too.
 * @param {Import[]} imports
 * @returns {string[]}
 */
export function cycles(imports) {
  /** @type {Map<string, Set<string>>} */
  const edges = new Map();
  for (const { from, to, local } of imports) {
    if (local) edges.set(from, (edges.get(from) ?? new Set()).add(to));
  }
  /** @type {Map<string, 'open' | 'done'>} */
  const state = new Map();
  /** @type {string[]} */
  const path = [];
  /** @type {string[]} */
  const found = [];
  const visit = (/** @type {string} */ file) => {
    state.set(file, 'open');
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      if (state.get(next) === 'open') {
        found.push(`cycle: ${[...path.slice(path.indexOf(next)), next].join(' → ')}`);
      } else if (!state.has(next)) {
        visit(next);
      }
    }
    path.pop();
    state.set(file, 'done');
  };
  for (const file of edges.keys()) if (!state.has(file)) visit(file);
  return found;
}
