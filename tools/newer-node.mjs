/**
 * Runs the suites that need Node alone on another release of Node:
 *   node tools/newer-node.mjs 22 [arguments of vitest]
 * The release comes from the package registry and lives in a temporary folder.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [major = '22', ...vitestArguments] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sekisho-node-'));
// The package for one platform holds the program itself and needs no install script.
const name = `node-${process.platform}-${process.arch}`;

/** @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env */
function run(command, args, env = process.env) {
  const { status, error } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? status}`);
}

try {
  run('npm', ['install', '--no-save', '--silent', '--prefix', folder, `${name}@${major}`]);
  const bin = join(folder, 'node_modules', name, 'bin');
  // First on PATH too, so that the processes that tests start are of the same release.
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  run(join(bin, 'node'), ['--version'], env);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  run(join(bin, 'node'), [vitest, 'run', '--project', 'node', ...vitestArguments], env);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
