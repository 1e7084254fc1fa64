// Generates the pages of docs/ that say what the code says. Needs a build.
//
//   node tools/reference.mjs           writes them
//   node tools/reference.mjs --check   fails when one is out of date
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandsPage } from './reference/commands.mjs';
import { configurationPage } from './reference/configuration.mjs';
import { errorsPage } from './reference/errors.mjs';
import { httpPage } from './reference/http.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const check = process.argv.includes('--check');

/** @type {Readonly<Record<string, () => string | Promise<string>>>} */
const pages = {
  'docs/commands.md': commandsPage,
  'docs/configuration.md': configurationPage,
  'docs/errors.md': errorsPage,
  'docs/http.md': httpPage,
};

const stale = [];
for (const [page, make] of Object.entries(pages)) {
  const path = join(root, page);
  const text = await make();
  if (check && (!existsSync(path) || readFileSync(path, 'utf8') !== text)) stale.push(page);
  else if (!check) writeFileSync(path, text);
}
if (stale.length > 0) {
  console.error(`${stale.join(', ')}: out of date; run node tools/reference.mjs`);
  process.exit(1);
}
console.log(`reference: ${Object.keys(pages).length} pages`);
