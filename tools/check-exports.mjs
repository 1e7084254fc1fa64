/**
 * Checks the package as its users get it: packs it, lets publint and attw look at the archive, then
 * installs it beside its own dependencies alone, and loads every export.
 */
import { spawnSync } from 'node:child_process';
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
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { brokenLinks } from './docs/links.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tools = join(root, 'node_modules/.bin');

/** `module` and `moduleResolution` of programs: of Node's own kind, and of a bundler's. */
const RESOLUTIONS = [
  ['node16', 'node16'],
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
];

/** @param {string} command @param {string[]} args @param {string} cwd */
function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    ...{ cwd, encoding: 'utf8', timeout: 120_000 },
  });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}\n${error?.message ?? ''}${stdout}${stderr}`);
  }
  return stdout;
}

/**
 * Lays the packed package into node_modules with its declared dependencies and no others, so that
 * an undeclared one is missed here and not at a user's.
 * @param {string} archive @param {string} folder
 */
function install(archive, folder) {
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'sekisho');
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', archive, '--strip-components=1', '-C', installed], folder);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  return { installed, manifest };
}

/** @param {string} installed @param {any} manifest @param {string} folder */
function loadEveryExport(installed, manifest, folder) {
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    const specifier = subpath === '.' ? 'sekisho' : `sekisho${subpath.slice(1)}`;
    if (typeof target === 'string') {
      if (!existsSync(join(installed, target))) throw new Error(`${specifier}: no file ${target}`);
      continue;
    }
    if (!existsSync(join(installed, target.types))) {
      throw new Error(`${specifier}: no types at ${target.types}`);
    }
    const script = `const m = await import('${specifier}'); console.log(Object.keys(m).length)`;
    const names = run(process.execPath, ['--input-type=module', '-e', script], folder).trim();
    console.log(`${specifier}: ${names} names`);
  }
}

/**
 * A bundler leaves out what `sideEffects` says has none; that `sekisho/testing` is refused in production must survive it.
 * @param {string} folder
 */
async function refusalSurvivesBundling(folder) {
  const input = join(folder, 'shaken.mjs');
  const file = join(folder, 'bundle.mjs');
  writeFileSync(
    input,
    "import { TEST_PASSWORD } from 'sekisho/testing'; console.log(TEST_PASSWORD);",
  );
  const external = (/** @type {string} */ id) => !/^[./]|^sekisho/.test(id);
  const build = await rolldown({ input, external, platform: 'node', logLevel: 'silent' });
  await build.write({ file, format: 'esm', codeSplitting: false });
  await build.close();
  const env = { ...process.env, NODE_ENV: 'production' };
  const { status, stderr } = spawnSync(process.execPath, [file], { env, encoding: 'utf8' });
  if (status === 0 || !stderr.includes('must not be loaded')) {
    throw new Error(`sekisho/testing, bundled, is loaded in production: ${status} ${stderr}`);
  }
}

/**
 * The client needs none of the package's dependencies, and its types need those of a browser alone.
 * @param {string} archive @param {string} folder
 */
function clientStandsAlone(archive, folder) {
  const installed = join(folder, 'node_modules/sekisho');
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', archive, '--strip-components=1', '-C', installed], folder);
  // It listens to other tabs, and must not keep a process alive that has nothing else to do.
  const script =
    "const { createClient } = await import('sekisho/client'); createClient({ baseUrl: 'http://localhost' }).subscribe(() => {})";
  run(process.execPath, ['--input-type=module', '-e', script], folder);
  compile(folder, { lib: ['es2023', 'dom'], types: [], skipLibCheck: false }, [
    "import { type Client, createClient, isClientError } from 'sekisho/client';",
    "export const client: Client = createClient({ baseUrl: '/auth', storage: sessionStorage, WebSocket });",
    "export const code = (error: unknown) => (isClientError(error) ? error.code : 'none');",
  ]);
}

/**
 * Every subpath has types that a strict program compiles with, however it finds modules; of other types it needs those of
 * Node alone, since no others come with the package.
 * @param {any} manifest @param {string} folder
 */
function typesOfEveryExport(manifest, folder) {
  const subpaths = Object.entries(manifest.exports).filter(
    ([, target]) => typeof target === 'object',
  );
  mkdirSync(join(folder, 'node_modules/@types'));
  for (const name of ['@types/node', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const lines = subpaths.map(
    ([subpath], at) =>
      `import * as all${at} from 'sekisho${subpath.slice(1)}'; export const names${at} = Object.keys(all${at});`,
  );
  for (const [module, moduleResolution] of RESOLUTIONS) {
    const options = { module, moduleResolution, types: ['node'], skipLibCheck: false };
    compile(folder, options, lines);
  }
}

/** @param {string} folder @param {object} options @param {string[]} lines */
function compile(folder, options, lines) {
  const compilerOptions = {
    ...{ module: 'nodenext', target: 'es2023', strict: true, noEmit: true },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, ...options },
  };
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'main.ts'), lines.join('\n'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['main.ts'] }),
  );
  run(join(tools, 'tsc'), ['-p', folder], folder);
}

/** Whatever the code reads at run time has to be in the archive. @param {string} installed */
function everyAssetIsPacked(installed) {
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true });
  for (const entry of sources) {
    if (!entry.isFile() || /\.[mc]?[jt]s$/.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name).slice(join(root, 'src').length + 1);
    if (!existsSync(join(installed, 'dist', file))) throw new Error(`not packed: src/${file}`);
  }
}

/**
 * Whoever reads the README in node_modules or at a registry can follow its links, and those of the pages. Tests and sources are
 * in the repository alone.
 * @param {string} installed
 */
function everyPageIsPacked(installed) {
  const docs = readdirSync(join(installed, 'docs'), { recursive: true, encoding: 'utf8' });
  const pages = [
    ...['README.md', 'README.ja.md', 'SECURITY.md', 'CHANGELOG.md'],
    ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ];
  const broken = brokenLinks(installed, pages).filter(
    (one) => !/^docs\/\S+ links to (test|src)\//.test(one),
  );
  if (broken.length > 0) throw new Error(`not packed:\n${broken.join('\n')}`);
  if (pages.length < 20) throw new Error('docs/ is not packed');
}

const folder = mkdtempSync(join(tmpdir(), 'sekisho-exports-'));
try {
  run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], root);
  const archive = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '');
  run(join(tools, 'publint'), ['run', archive, '--strict'], root);
  run(join(tools, 'attw'), [archive, '--profile', 'esm-only', '--no-emoji'], root);
  const { installed, manifest } = install(archive, folder);
  loadEveryExport(installed, manifest, folder);
  everyAssetIsPacked(installed);
  everyPageIsPacked(installed);
  await refusalSurvivesBundling(folder);
  typesOfEveryExport(manifest, folder);
  clientStandsAlone(archive, join(folder, 'browser'));
  for (const command of Object.values(manifest.bin ?? {})) {
    run(process.execPath, [join(installed, String(command)), '--help'], folder);
  }
  console.log('exports: as declared');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
