import { readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import type { SocketDirectory } from './socket-path.ts';

/** Says that the last holder has given the directory back. */
const RELEASED = '.released';

/**
 * Takes away everything that proves the end of the last holder. Only one of several can take a file away, and whoever holds
 * the directory has taken all of them, so that none is there while somebody holds it.
 *
 * @param dead marks of holders to whose sockets nobody listens.
 * @returns whether there was one.
 */
export function takeTokens(sockets: SocketDirectory, dead: Iterable<string>): boolean {
  return [RELEASED, ...dead].map((name) => take(sockets.pathOf(name))).includes(true);
}

function take(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Says that this process, which holds the directory, will not touch it any more. Where nothing is kept, nothing is left. */
export function leaveToken(sockets: SocketDirectory): void {
  try {
    if (isUnused(sockets)) return;
    writeFileSync(sockets.pathOf(RELEASED), '', { mode: 0o600 });
  } catch {
    // No room, or no directory: the next start waits instead.
  }
}

/** Whether nobody has kept anything in the directory, so that there is nothing that two could both have open. */
export function isUnused(sockets: SocketDirectory): boolean {
  return !readdirSync(sockets.pathOf('.')).some(
    (name) => name === 'secret' || name.startsWith('postgres'),
  );
}
