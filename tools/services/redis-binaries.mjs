/** Finds a Redis or Valkey server program, or installs Redis where that can be done unattended. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const oldestMajor = 7;
const advice = `Redis ${oldestMajor} or newer, or Valkey, is needed: install its server package (Debian: apt-get install redis-server; macOS: brew install redis), or set REDIS_BIN to the server program`;

/** @returns {{ server: string, kind: 'redis' | 'valkey', major: number }} `server` is a path */
export function redisBinaries() {
  const found = newestInstalled();
  if (found) return found;
  if (!canInstall()) throw new Error(advice);
  installOnDebian();
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

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version');
}

/**
 * The distribution would also start a server on the usual port; tests have their own. A policy file
 * that answers 101 keeps services from being started (invoke-rc.d and systemd's helper both ask it).
 */
function installOnDebian() {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  aptGet(['update']);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    aptGet(['install', '-y', '--no-install-recommends', 'redis-server']);
  } finally {
    if (ours) rmSync(policy);
  }
}

/** @param {string[]} args */
function aptGet(args) {
  console.error(`Redis is not installed: apt-get ${args.join(' ')}`);
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
