import { readFileSync, type Stats, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasOpen, type OnProcesses, PROC } from './process-files.ts';

/** Number, references, protocol, flags, type, state, inode, path. */
const ROW = /^\S+ \S+ \S+ ([0-9A-F]{8}) \S+ \S+ +(\d+) (\/.*)$/;
/** `__SO_ACCEPTCON`: somebody listens. */
const LISTENS = 0x10000;

/**
 * The names of Unix sockets on which a process that has `directory` open listens, by the names that they were bound to,
 * whether or not the files are still there. Linux alone lists them (`/proc/net/unix`), for its own network namespace.
 *
 * What is listed is what somebody typed, and anybody may have: no path is looked up, since it leads elsewhere by now, or in
 * another container. Believed is a row whose socket is in a process that may work in the directory (`hasOpen`); a name
 * has a line break in it where its owner likes, so a row may be invented as a whole.
 *
 * @param isWanted of a name; others are not looked at. Which directory is meant has to be in the name.
 * @returns none where the system has no such table.
 */
export function listenersIn(
  directory: string,
  isWanted: (name: string) => boolean,
  on: OnProcesses = {},
): string[] {
  let table: string;
  let own: Stats;
  try {
    table = readFileSync(join(on.proc ?? PROC, 'net/unix'), 'utf8');
    own = statSync(directory);
  } catch {
    return [];
  }
  const found: string[] = [];
  for (const line of table.split('\n')) {
    const [, flags = '', inode = '', path = ''] = ROW.exec(line) ?? [];
    if ((Number.parseInt(flags, 16) & LISTENS) === 0 || !isWanted(basename(path))) continue;
    if (hasOpen(inode, own, on)) found.push(basename(path));
  }
  return found;
}
