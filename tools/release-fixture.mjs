/**
 * Keeps a release for the tests of later ones. A maintainer runs it at each release:
 *   node tools/release-fixture.mjs [commit]
 * Default: HEAD. It writes test/fixtures/releases/<version>/, with the version of that commit's package.json:
 *   release.json.br  the release's own code, compiled, with its SQL, Lua and the suites that its record and its engine passed
 *   release.json     what can be read of it: version, commit, checksums of its migrations
 * So a node of that release can be run, and its suites played, beside any later one (test/upgrade/).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const compiled = /\.[mc]?[jt]s$/;
/** The suites that are kept, with everything that they need. */
const suites = ['test/conformance/record', 'test/session/story.ts'];

/** @param {string} command @param {string[]} args @param {string} cwd */
function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? ''}${stdout}${stderr}`);
  return stdout.trim();
}

/** @param {string} folder @param {string} under @returns {string[]} paths from `folder` */
function filesUnder(folder, under) {
  return readdirSync(join(folder, under), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Compiles src and the suites as they were. @param {string} checkout @param {string} out */
function compile(checkout, out) {
  const compilerOptions = {
    ...{ rootDir: '.', outDir: out, removeComments: true, incremental: false },
    ...{ sourceMap: false, declaration: false, noEmit: false },
  };
  const config = join(checkout, 'tsconfig.fixture.json');
  const include = ['src', ...suites];
  writeFileSync(
    config,
    JSON.stringify({ extends: './tsconfig.base.json', compilerOptions, include }),
  );
  run(join(root, 'node_modules/.bin/tsc'), ['-p', config], checkout);
}

/** What the entries import, and what that imports. @param {string} out @param {string[]} entries */
function reachable(out, entries) {
  const found = new Set(entries);
  for (const file of found) {
    const text = readFileSync(join(out, file), 'utf8');
    for (const [, specifier = ''] of text.matchAll(
      /(?:from|import|import\()\s*['"](\.[^'"]+)['"]/g,
    )) {
      const target = normalize(join(dirname(file), specifier));
      if (compiled.test(target) && existsSync(join(out, target))) found.add(target);
    }
  }
  return [...found].sort();
}

/** @param {string} text */
function checksumOf(text) {
  return createHash('sha256').update(text).digest('hex');
}

const commit = run('git', ['rev-parse', `${process.argv[2] ?? 'HEAD'}^{commit}`], root);
const folder = mkdtempSync(join(tmpdir(), 'sekisho-release-'));
try {
  const checkout = join(folder, 'checkout');
  const out = join(folder, 'out');
  const archive = join(folder, 'archive.tar');
  mkdirSync(checkout);
  run('git', ['archive', '--output', archive, commit], root);
  run('tar', ['-xf', archive, '-C', checkout], root);
  symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
  compile(checkout, out);

  const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  const { name, version, type } = manifest;
  /** @type {Record<string, string>} */
  const files = { 'package.json': JSON.stringify({ name, version, type }) };
  const entries = filesUnder(out, '.').filter((file) =>
    ['src/', ...suites.map((name) => name.replace('.ts', '.js'))].some((start) =>
      file.startsWith(start),
    ),
  );
  for (const file of reachable(out, entries)) files[file] = readFileSync(join(out, file), 'utf8');
  for (const file of filesUnder(checkout, 'src')) {
    if (!compiled.test(file)) files[file] = readFileSync(join(checkout, file), 'utf8');
  }
  const migrations = Object.fromEntries(
    Object.keys(files)
      .filter((file) => file.startsWith('src/record/migrations/'))
      .map((file) => [file.slice('src/record/migrations/'.length), checksumOf(files[file] ?? '')]),
  );

  const target = join(root, 'test/fixtures/releases', version);
  mkdirSync(target, { recursive: true });
  const packed = brotliCompressSync(JSON.stringify(files), {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    },
  });
  writeFileSync(join(target, 'release.json.br'), packed);
  const checksum = createHash('sha256').update(packed).digest('hex');
  const shown = { version, commit, checksum, migrations };
  writeFileSync(join(target, 'release.json'), `${JSON.stringify(shown, null, 2)}\n`);
  console.log(
    `${target}: ${Object.keys(files).length} files of ${version}, ${packed.length} bytes`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
