/**
 * The part of the build that the compiler does not do: copies the files that the code reads at run
 * time (SQL, Lua and the like) from src/ to dist/, removes from dist/ what src/ no longer has, and
 * makes the command executable. The image of the database (tools/make-image.mjs) stays.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const src = join(root, 'src');
const dist = join(root, 'dist');
const image = /^record\/pglite\/image-[0-9a-f]+\.tar\.br$/;
const compiled = new Set(['.ts', '.js', '.mts', '.mjs']);

/** @param {string} folder @returns {string[]} */
function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** @type {Set<string>} */
const expected = new Set(['.tsbuildinfo']);
for (const file of filesUnder(src)) {
  const extension = extname(file);
  if (!compiled.has(extension)) {
    expected.add(file);
    mkdirSync(dirname(join(dist, file)), { recursive: true });
    copyFileSync(join(src, file), join(dist, file));
    continue;
  }
  const stem = file.slice(0, -extension.length);
  const module = extension.startsWith('.m') ? 'm' : '';
  for (const end of [`.${module}js`, `.${module}js.map`, `.d.${module}ts`]) {
    expected.add(stem + end);
  }
}
for (const file of filesUnder(dist)) {
  if (!expected.has(file) && !image.test(file)) rmSync(join(dist, file));
}

const command = join(dist, 'cli/main.js');
if (existsSync(command)) chmodSync(command, 0o755);
