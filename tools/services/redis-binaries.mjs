/** Finds a Redis or Valkey server program, or installs Redis where that can be done unattended. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installPackages } from './debian.mjs';

const oldestMajor = 7;
const advice = `Redis ${oldestMajor} or newer, or Valkey, is needed: install its server package (Debian: apt-get install redis-server; macOS: brew install redis), or set REDIS_BIN to the server program`;

/** @returns {{ server: string, kind: 'redis' | 'valkey', major: number }} `server` is a path */
export function redisBinaries() {
  const found = newestInstalled();
  if (found) return found;
  installPackages(['redis-server'], advice);
  const installed = newestInstalled();
  if (!installed) throw new Error(advice);
  return installed;
}

function newestInstalled() {
  const named = process.env.REDIS_BIN;
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'],
  ];
  const programs = named
    ? [named]
    : ['redis-server', 'valkey-server'].flatMap((name) =>
        folders.filter((folder) => folder !== '').map((folder) => join(folder, name)),
      );
  return programs
    .filter((program) => existsSync(program))
    .map((server) => ({ server, ...versionOf(server) }))
    .find(({ major }) => major >= oldestMajor);
}

/** @param {string} server @returns {{ kind: 'redis' | 'valkey', major: number }} */
function versionOf(server) {
  const { stdout } = spawnSync(server, ['--version'], { encoding: 'utf8' });
  const [, name, major] = /^(Redis|Valkey) server v=(\d+)/i.exec(stdout ?? '') ?? [];
  return { kind: name?.toLowerCase() === 'valkey' ? 'valkey' : 'redis', major: Number(major ?? 0) };
}
