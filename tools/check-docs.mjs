// Fails when a page of docs/ has fallen behind the code: every error code must stand in docs/errors.md, every setting in
// docs/configuration.md, and every link of a page must lead to a file that is there, and to a heading of it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokenLinks } from './docs/links.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @param {string} path */
const read = (path) => readFileSync(join(root, path), 'utf8');
/** @type {string[]} */
const problems = [];

const codes =
  /ERROR_STATUS = \{(.*?)\} as const/s
    .exec(read('src/errors.ts'))?.[1]
    ?.matchAll(/^ {2}(\w+):/gm) ?? [];
const errors = read('docs/errors.md');
let count = 0;
for (const [, code] of codes) {
  count += 1;
  if (!errors.includes(`\`${code}\``)) problems.push(`docs/errors.md does not list ${code}`);
}
if (count === 0) problems.push('no error codes found in src/errors.ts: mend tools/check-docs.mjs');

const settings = new Set(
  read('src/config.ts').match(/\b(?:SEKISHO_[A-Z][A-Z_]*[A-Z]|DATABASE_URL|REDIS_URL)\b/g) ?? [],
);
const configuration = read('docs/configuration.md');
for (const name of settings) {
  if (!configuration.includes(name)) problems.push(`docs/configuration.md does not list ${name}`);
}
if (settings.size === 0)
  problems.push('no settings found in src/config.ts: mend tools/check-docs.mjs');

const pages = [
  ...readdirSync(root),
  ...['docs', 'src', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => `${folder}/${name}`),
  ),
].filter((name) => name.endsWith('.md'));
problems.push(...brokenLinks(root, pages));

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`docs: ${count} error codes, ${settings.size} settings, ${pages.length} pages`);
