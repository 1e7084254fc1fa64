/** Processes whose wall clock is wrong while their monotonic clock is right, by libfaketime. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from './debian.mjs';

const advice =
  'install libfaketime (Debian: apt-get install libfaketime; macOS: brew install libfaketime), or set LIBFAKETIME to its shared library';

/** The one for programs with several threads, as Node is. */
const names = ['libfaketimeMT.so.1', 'libfaketime.so.1', 'libfaketime.1.dylib'];

/**
 * Environment variables for a Node process whose `Date` is off by so much from its start on and runs at the
 * usual rate. `performance.now()`, `process.hrtime()`, timers, timed waits and the times of files are
 * left alone. Processes that it starts inherit them.
 * @param {{ offsetMs: number }} options negative: its clock is slow
 * @returns {Record<string, string>}
 */
export function shiftedWallClock({ offsetMs }) {
  const sign = offsetMs < 0 ? '-' : '+';
  const variable = process.platform === 'darwin' ? 'DYLD_INSERT_LIBRARIES' : 'LD_PRELOAD';
  return {
    [variable]: faketimeLibrary(),
    FAKETIME: `${sign}${(Math.abs(offsetMs) / 1000).toFixed(3)}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}

/** The library's path; it is installed if that is needed and possible. @returns {string} */
export function faketimeLibrary() {
  const found = installed();
  if (found !== undefined) return found;
  installPackages(['libfaketime'], advice);
  const now = installed();
  if (now === undefined) throw new Error(`libfaketime is not there after an install: ${advice}`);
  return now;
}

function installed() {
  const named = process.env.LIBFAKETIME;
  if (named !== undefined) return existsSync(named) ? named : undefined;
  const folders = [
    ...under('/usr/lib', 'faketime'), // Debian: /usr/lib/<architecture>/faketime
    ...['/usr/lib/faketime', '/usr/lib64/faketime', '/usr/local/lib/faketime'],
    '/opt/homebrew/lib/faketime',
  ];
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** @param {string} parent @param {string} name */
function under(parent, name) {
  if (!existsSync(parent)) return [];
  return readdirSync(parent).map((folder) => join(parent, folder, name));
}
