// Compiles every TypeScript example of README.md and docs/ against the built package, under the strictest settings, as a
// reader would who pastes it into a file of their own. A block that begins with `// name.ts` is told by that name.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'node_modules/.cache/sekisho/examples');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const pages = [
  'README.md',
  'README.ja.md',
  ...readdirSync(join(root, 'docs'), { recursive: true }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md') && readable(name));

let count = 0;
for (const page of pages) {
  const text = readFileSync(join(root, page), 'utf8');
  // A folder a page: programs of one page may take something from each other.
  const own = join(folder, page.replaceAll('/', '-').replace(/\.md$/, ''));
  mkdirSync(own);
  for (const match of text.matchAll(/^```(tsx?)\n(.*?)^```/gms)) {
    const [, kind, source = ''] = match;
    const line = text.slice(0, match.index).split('\n').length + 1;
    const name = /^\/\/ ([\w-]+)\.(?:tsx?|mjs)$/m.exec(source)?.[1] ?? `example-${line}`;
    // As many empty lines before it as on the page, so that an error names the page's line.
    const file = join(own, `${basename(name)}.${kind}`);
    writeFileSync(file, `${'\n'.repeat(line - 1)}${source}`, { flag: 'wx' });
    count += 1;
  }
}
if (count === 0) throw new Error('no examples found: mend tools/check-examples.mjs');

writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
writeFileSync(
  join(folder, 'tsconfig.json'),
  JSON.stringify({
    extends: '../../../../tsconfig.base.json',
    compilerOptions: {
      noEmit: true,
      incremental: false,
      types: ['node'],
      lib: ['es2023', 'dom'],
      // What an example brings along without using it is no mistake; what it uses wrongly is.
      paths: { sekisho: ['../../../../dist/index.d.ts'], 'sekisho/*': typesOfSubpaths() },
    },
    include: ['*/*.ts', '*/*.tsx'],
  }),
);
const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder],
  { encoding: 'utf8' },
);
if (status !== 0) {
  console.error(`${stdout}${stderr}`);
  process.exit(1);
}
console.log(`examples: ${count} compiled, from ${pages.length} pages`);

/** @param {string} name */
function readable(name) {
  try {
    readFileSync(join(root, name));
    return true;
  } catch {
    return false;
  }
}

/** Where the declarations of `sekisho/<subpath>` lie, by the package's own `exports`. */
function typesOfSubpaths() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const patterns = Object.entries(exports)
    .filter(([subpath, target]) => subpath.startsWith('./') && typeof target === 'object')
    .map(([subpath, target]) => `../../../../${target.types}`.replace(subpath.slice(2), '*'));
  return [...new Set(patterns)];
}
