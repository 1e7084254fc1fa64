/** Processes whose wall clock is wrong while their monotonic clock is right, by libfaketime. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
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
  return { ...preloaded(), FAKETIME: offsetOf(offsetMs) };
}

/**
 * The same for a clock that jumps while its process runs: `env` is for processes without a `FAKETIME` of their own, all
 * of which `move` moves. It is right at first.
 * @param {string} file that holds the offset; written here
 * @returns {{ env: Record<string, string>, move: (offsetMs: number) => void }}
 */
export function movableWallClock(file) {
  /** @param {number} offsetMs */
  const move = (offsetMs) => {
    // In one step, since it is read all the time.
    writeFileSync(`${file}.next`, `${offsetOf(offsetMs)}\n`);
    renameSync(`${file}.next`, file);
  };
  move(0);
  return {
    env: { ...preloaded(), FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' },
    move,
  };
}

/** @returns {Record<string, string>} */
function preloaded() {
  const variable = process.platform === 'darwin' ? 'DYLD_INSERT_LIBRARIES' : 'LD_PRELOAD';
  return {
    [variable]: faketimeLibrary(),
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}

/** @param {number} offsetMs */
function offsetOf(offsetMs) {
  return `${offsetMs < 0 ? '-' : '+'}${(Math.abs(offsetMs) / 1000).toFixed(3)}`;
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
