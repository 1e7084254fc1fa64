import { readFileSync, type Stats, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Every Unix socket of this network namespace, with the path it was bound to; Linux alone has it. */
const TABLE = '/proc/net/unix';
/** Number, references, protocol, flags, type, state, inode, path. */
const ROW = /^\S+ \S+ \S+ ([0-9A-F]{8}) \S+ \S+ +\d+ (\/.*)$/;
/** `__SO_ACCEPTCON`: somebody listens. */
const LISTENS = 0x10000;

/**
 * The names of sockets in `directory` on which a process of this machine listens, by the names that they were bound to,
 * whether or not the files are still there. Paths differ and directories are what they are: compared is the directory itself.
 *
 * @param isWanted of a name; others are not looked at.
 * @returns none where the system has no such table. A process in another network namespace is not in it.
 */
export function listenersIn(directory: string, isWanted: (name: string) => boolean): string[] {
  let table: string;
  let own: Stats;
  try {
    table = readFileSync(TABLE, 'utf8');
    own = statSync(directory);
  } catch {
    return [];
  }
  const found: string[] = [];
  for (const line of table.split('\n')) {
    const [, flags = '', path = ''] = ROW.exec(line) ?? [];
    if ((Number.parseInt(flags, 16) & LISTENS) === 0 || !isWanted(basename(path))) continue;
    if (isSame(dirname(path), own)) found.push(basename(path));
  }
  return found;
}

function isSame(path: string, { dev, ino }: Stats): boolean {
  try {
    const there = statSync(path);
    return there.dev === dev && there.ino === ino;
  } catch {
    return false;
  }
}
