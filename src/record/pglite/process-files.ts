import { readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** Where Linux tells of the processes of its process namespace. */
export const PROC = '/proc';

export interface OnProcesses {
  /** Default `/proc`. */
  readonly proc?: string;
  /** Whose processes are this one's equals; default the user of this process. */
  readonly user?: number;
}

/**
 * Whether another process has both a socket and a directory open, and is of a user who may work in the directory: this
 * process's own, the owner of the directory, or root.
 *
 * A process that cannot be looked into counts when it is of this process's user and name: a node that may bind low ports
 * (`setcap`, `AmbientCapabilities`) is closed to its own user. Not so any other: for an ordinary user those of all others
 * are closed, and each of them could keep this one from starting. Nor is a process of another process namespace seen.
 *
 * @param socket its inode, as in `/proc/net/unix`.
 */
export function hasOpen(socket: string, directory: Stats, on: OnProcesses = {}): boolean {
  const proc = on.proc ?? PROC;
  const user = on.user ?? process.getuid?.();
  const self = orNull(() => readlinkSync(join(proc, 'self')));
  const name = orNull(() => readFileSync(join(proc, 'self/comm'), 'utf8'));
  for (const pid of orNull(() => readdirSync(proc)) ?? []) {
    // What this very process has is asked for by its marks alone.
    if (!/^\d+$/.test(pid) || pid === self) continue;
    const folder = join(proc, pid);
    const owner = realUser(folder);
    if (owner === null || ![user, directory.uid, 0].includes(owner)) continue;
    const open = openFiles(folder);
    if (open === 'closed') {
      const its = orNull(() => readFileSync(join(folder, 'comm'), 'utf8'));
      if (owner === user && its !== null && its === name) return true;
      continue;
    }
    if (![...open.values()].includes(`socket:[${socket}]`)) continue;
    for (const [path, target] of open) {
      if (target.startsWith('/') && isSame(path, directory)) return true;
    }
  }
  return false;
}

/** Who started it. The effective one may be another, of a program that runs as its owner (`setuid`), whoever starts it. */
function realUser(folder: string): number | null {
  const status = orNull(() => readFileSync(join(folder, 'status'), 'utf8'));
  const [, user] = /^Uid:\s+(\d+)/m.exec(status ?? '') ?? [];
  return user === undefined ? null : Number(user);
}

/** What each of its file descriptors leads to; nothing when it has ended. */
function openFiles(folder: string): Map<string, string> | 'closed' {
  const files = new Map<string, string>();
  const names = unlessClosed(() => readdirSync(join(folder, 'fd')));
  if (names === 'closed') return names;
  for (const name of names ?? []) {
    const path = join(folder, 'fd', name);
    // Of a process with more rights they are listed, and may not be followed.
    const target = unlessClosed(() => readlinkSync(path));
    if (target === 'closed') return target;
    if (target !== null) files.set(path, target);
  }
  return files;
}

function isSame(path: string, { dev, ino }: Stats): boolean {
  const there = orNull(() => statSync(path));
  return there !== null && there.dev === dev && there.ino === ino;
}

function unlessClosed<T>(read: () => T): T | 'closed' | null {
  try {
    return read();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    return code === 'EACCES' || code === 'EPERM' ? 'closed' : null;
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    // It has ended, or is closed to this process.
    return null;
  }
}
