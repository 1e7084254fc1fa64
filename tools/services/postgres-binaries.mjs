/** Finds PostgreSQL's server programs, or installs them where that can be done unattended. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const oldestMajor = 15;
const advice = `PostgreSQL ${oldestMajor} or newer is needed: install its server package (Debian: apt-get install postgresql; macOS: brew install postgresql), or set POSTGRES_BIN to the folder that holds initdb and postgres`;

/** @returns {{ bin: string, major: number }} */
export function postgresBinaries() {
  const found = newestInstalled();
  if (found) return found;
  if (!canInstall()) throw new Error(advice);
  installOnDebian();
  const installed = newestInstalled();
  if (!installed) throw new Error(advice);
  return installed;
}

function newestInstalled() {
  const named = process.env.POSTGRES_BIN;
  const folders = named
    ? [named]
    : [...(process.env.PATH ?? '').split(delimiter), ...usualFolders()];
  return folders
    .filter((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')))
    .map((bin) => ({ bin, major: majorOf(bin) }))
    .filter(({ major }) => major >= oldestMajor)
    .sort((a, b) => b.major - a.major)[0];
}

/** Where distributions put the programs without adding them to PATH. */
function usualFolders() {
  return [
    ...versionsUnder('/usr/lib/postgresql', ''),
    ...versionsUnder('/usr', 'pgsql-'),
    ...versionsUnder('/opt/homebrew/opt', 'postgresql'),
    ...versionsUnder('/usr/local/opt', 'postgresql'),
  ];
}

/** @param {string} folder @param {string} prefix */
function versionsUnder(folder, prefix) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(folder, name, 'bin'));
}

/** @param {string} bin */
function majorOf(bin) {
  const { stdout } = spawnSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' });
  return Number(/ (\d+)/.exec(stdout ?? '')?.[1] ?? 0);
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

/**
 * The distribution would also create a cluster and start it, on the usual port; tests have their
 * own, so that is switched off while the package is installed.
 */
function installOnDebian() {
  const settings = '/etc/postgresql-common/createcluster.d';
  const noCluster = join(settings, 'sekisho-tests.conf');
  aptGet(['update']);
  aptGet(['install', '-y', '--no-install-recommends', 'postgresql-common']);
  mkdirSync(settings, { recursive: true });
  writeFileSync(noCluster, 'create_main_cluster = false\n');
  try {
    aptGet(['install', '-y', '--no-install-recommends', 'postgresql']);
  } finally {
    rmSync(noCluster);
  }
}

/** @param {string[]} args */
function aptGet(args) {
  console.error(`PostgreSQL is not installed: apt-get ${args.join(' ')}`);
  const { status, stderr } = spawnSync(
    'apt-get',
    ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args],
    {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed. ${advice}\n${stderr}`);
}
