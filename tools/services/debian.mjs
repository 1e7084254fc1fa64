/** Finds the programs of servers that tests need, or installs them where that can be done unattended. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Under a lock, since several test processes may miss the same package at once. A package of a server
 * would also start it, on the usual port; tests start their own, so that is forbidden meanwhile
 * (policy-rc.d is Debian's way to say so).
 */
const install = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod 755 "$policy"
fi
apt-get -q -o DPkg::Lock::Timeout=300 update
apt-get -q -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
`;
const lockFile = '/run/sekisho-apt.lock';

/**
 * The absolute path of a program: on PATH, or where distributions put what is for administrators.
 * @param {string} name
 * @param {string[]} [folders] to look in besides
 * @returns {string | undefined}
 */
export function findProgram(name, folders = []) {
  const onPath = (process.env.PATH ?? '').split(delimiter);
  return [...onPath, '/usr/sbin', '/usr/local/sbin', '/sbin', ...folders]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/**
 * The program's path; its packages are installed if that is needed and possible (Debian, as root).
 * @param {string} name
 * @param {{ packages: string[], folders?: string[], advice: string }} options `advice` says what to
 *   install by hand, and ends the error's sentence
 * @returns {string}
 */
export function findOrInstall(name, { packages, folders = [], advice }) {
  const found = findProgram(name, folders);
  if (found !== undefined) return found;
  installPackages(packages, advice);
  const installed = findProgram(name, folders);
  if (installed === undefined) throw new Error(`${name} is not there after an install: ${advice}`);
  return installed;
}

/**
 * @param {string[]} packages
 * @param {string} advice
 */
export function installPackages(packages, advice) {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    throw new Error(`Cannot be installed unattended here: ${advice}`);
  }
  console.error(`apt-get install ${packages.join(' ')}`);
  const { status, stderr } = spawnSync(
    'flock',
    [lockFile, 'sh', '-c', install, 'install', ...packages],
    {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`apt-get failed: ${advice}\n${stderr}`);
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
