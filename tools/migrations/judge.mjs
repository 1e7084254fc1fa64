import { statementsOf } from './statements.mjs';

/**
 * What nodes of the releases before would miss, or could no longer do. Each is looked for in the words of a statement,
 * those that a `do` block executes included: better one too many, which then says why it is none.
 *
 * @type {{ what: string, found: (text: string) => boolean }[]}
 */
const contracting = [
  // `drop not null` widens; everything else that is dropped may be in use.
  { what: 'drops something', found: (text) => /\bdrop\s+(?!not\s+null\b)/.test(text) },
  { what: 'renames something', found: (text) => /\brename\b/.test(text) },
  {
    what: 'changes the type of a column',
    found: (text) => /\balter\s+(column\s+)?\S+\s+(set\s+data\s+)?type\b/.test(text),
  },
  { what: 'forbids null', found: (text) => /\bset\s+not\s+null\b/.test(text) },
  {
    what: 'adds a column that must be given',
    found: (text) =>
      columnsAdded(text).some((column) => /\bnot\s+null\b/.test(column) && !hasValue(column)),
  },
  {
    what: 'adds a rule for rows that are written',
    found: (text) =>
      /\balter\s+table\b/.test(text) &&
      /\badd\s+(constraint|check|unique|primary\s+key|foreign\s+key|exclude)\b/.test(text),
  },
  {
    what: 'adds a rule for rows that are written',
    found: (text) => /\bcreate\s+unique\s+index\b/.test(text),
  },
  {
    what: 'takes rows away',
    found: (text) => /(?<!\b(before|after|or|of) )\btruncate\b|\bdelete\s+from\b/.test(text),
  },
  { what: 'takes a right away', found: (text) => /\brevoke\b/.test(text) },
  {
    what: 'hides rows',
    found: (text) => /\b(enable|force)\s+row\s+level\s+security\b/.test(text),
  },
];

/** @type {{ what: string, found: (text: string) => boolean }[]} */
const locking = [
  {
    what: 'keeps writers out while an index is made',
    found: (text) => /\bcreate\s+index\b/.test(text),
  },
  { what: 'locks a table', found: (text) => /\block\s+table\b/.test(text) },
  { what: 'rewrites rows', found: (text) => /^update\b/.test(text) },
];

/**
 * Whether a migration may run under nodes of the releases before it. A statement that takes something away says above itself
 *   -- contract of 0.3.0: <why>
 * which means that releases from 0.3.0 on need it no more; it passes once no older one may run beside this one. One that only
 * looks like it says why nobody misses anything, and one that keeps others waiting says why that is short:
 *   -- older nodes: <why they go on>
 *   -- locks briefly: <why>
 *
 * @param {{ name: string, text: string }} migration
 * @param {string} runsBeside the oldest release that may run beside this one
 * @param {(a: string, b: string) => number} compare of versions
 * @returns {string[]} what is wrong, each with its place
 */
export function judgeMigration({ name, text }, runsBeside, compare) {
  const statements = statementsOf(text);
  const own = new Set(statements.flatMap((one) => tablesMade(one.text.toLowerCase())));
  /** @type {string[]} */
  const wrong = [];
  for (const { text: written, comment, line } of statements) {
    const lower = written.toLowerCase();
    // Nobody uses what was not there.
    if (speaksOfOwn(lower, own)) continue;
    const place = `${name}:${line}`;
    const taken = contracting.find(({ found }) => found(lower));
    if (taken !== undefined && !/^older nodes: \S/m.test(comment)) {
      const [, since] = /^contract of (\S+): \S/m.exec(comment) ?? [];
      if (since === undefined) {
        wrong.push(
          `${place} ${taken.what}: nodes of the release before may need it. Leave it until they may run no more (docs/upgrading.md)`,
        );
      } else if (compare(runsBeside, since) < 0) {
        wrong.push(
          `${place} ${taken.what}: it is the contract of ${since}, and ${runsBeside} may still run beside this release`,
        );
      }
    }
    const held = locking.find(({ found }) => found(lower));
    if (held !== undefined && !/^locks briefly: \S/m.test(comment)) {
      wrong.push(`${place} ${held.what}: say above it why that is short ("-- locks briefly: …")`);
    }
  }
  return wrong;
}

/** @param {string} text @returns {string[]} */
function tablesMade(text) {
  const [, table] = /^create\s+table\s+(?:if\s+not\s+exists\s+)?(\S+?)\s*\(/.exec(text) ?? [];
  return table === undefined ? [] : [table];
}

/** What is named and not called. @param {string} text @returns {string[]} */
function tablesNamed(text) {
  return text.match(/\bsekisho\.\w+(?![\w(])/g) ?? [];
}

/** Whether every table that a plain statement names was made in the same migration. @param {string} text @param {Set<string>} own */
function speaksOfOwn(text, own) {
  if (/^do\b/.test(text)) return ofLoop(text, own);
  const named = tablesNamed(text);
  return named.length > 0 && named.every((table) => own.has(table));
}

/** A `do` block that runs over a list of names: `array['a', 'b']`. @param {string} text @param {Set<string>} own */
function ofLoop(text, own) {
  const lists = [...text.matchAll(/array\[([^\]]*)\]/g)].map(([, list = '']) => list);
  const names = lists.flatMap((list) => [...list.matchAll(/'(\w+)'/g)].map(([, one]) => one));
  const plain = tablesNamed(text).every((one) => own.has(one));
  return names.length > 0 && plain && names.every((one) => own.has(`sekisho.${one}`));
}

/** The clauses `add column …` of a statement. @param {string} text @returns {string[]} */
function columnsAdded(text) {
  if (!/\balter\s+table\b/.test(text)) return [];
  return clausesOf(text).filter((clause) =>
    /\badd\s+(?!constraint|check|unique|primary|foreign|exclude)/.test(clause),
  );
}

/** @param {string} clause */
function hasValue(clause) {
  return /\bdefault\b|\bgenerated\b/.test(clause);
}

/** Parts between commas that are in no brackets. @param {string} text @returns {string[]} */
function clausesOf(text) {
  /** @type {string[]} */
  const clauses = [''];
  let depth = 0;
  for (const sign of text) {
    if (sign === '(') depth += 1;
    if (sign === ')') depth -= 1;
    if (sign === ',' && depth === 0) clauses.push('');
    else clauses[clauses.length - 1] += sign;
  }
  return clauses;
}
