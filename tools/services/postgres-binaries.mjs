/** Finds PostgreSQL's server programs, or installs them where that can be done unattended. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { installPackages } from './debian.mjs';

const oldestMajor = 15;
const advice = `PostgreSQL ${oldestMajor} or newer is needed: install its server package (Debian: apt-get install postgresql; macOS: brew install postgresql), or set POSTGRES_BIN to the folder that holds initdb and postgres`;

/** @type {{ bin: string, major: number } | undefined} */
let known;

/** @returns {{ bin: string, major: number }} */
export function postgresBinaries() {
  known ??= search();
  return known;
}

function search() {
  const found = newestInstalled();
  if (found) return found;
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
  return (
    folders
      .filter((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')))
      // Where a folder holds links to some of the programs, the others are beside their targets.
      .map((bin) => dirname(realpathSync(join(bin, 'postgres'))))
      .map((bin) => ({ bin, major: majorOf(bin) }))
      .filter(({ major }) => major >= oldestMajor)
      .sort((a, b) => b.major - a.major)[0]
  );
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

/** The distribution would also create a cluster; tests have their own, so that is switched off. */
function installOnDebian() {
  const settings = '/etc/postgresql-common/createcluster.d';
  const noCluster = join(settings, 'sekisho-tests.conf');
  installPackages(['postgresql-common'], advice);
  mkdirSync(settings, { recursive: true });
  writeFileSync(noCluster, 'create_main_cluster = false\n');
  try {
    installPackages(['postgresql'], advice);
  } finally {
    rmSync(noCluster);
  }
}
