import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Room for a path in `sockaddr_un`: 108 bytes on Linux, 104 elsewhere, with the final zero. What is longer is cut off in silence. */
const MAX_SOCKET_PATH = 103;
const LINK = 'd';
/** With what `mkdtemp` puts in the place of its six letters. */
const LINK_BYTES = 'sekisho-XXXXXX/d/'.length;

/** A directory by a path that is short enough for the sockets in it. */
export interface SocketDirectory {
  pathOf(name: string): string;
  /**
   * Makes the way there anew where somebody has tidied it away. What stands in its place is left alone.
   *
   * @throws Error when it cannot be made.
   */
  reopen(): void;
  close(): void;
}

/**
 * When the directory's own path is too long, a symbolic link of this process's own in the temporary directory leads to it. The
 * sockets still stand in the directory itself, so processes with other temporary directories (PrivateTmp, another TMPDIR)
 * find the same ones.
 *
 * @param longestName bytes of the longest socket name that will be used
 * @throws Error `ENOENT` when the directory is not there; without a code when there is no place for the link.
 */
export function openSocketDirectory(directory: string, longestName: number): SocketDirectory {
  const real = realpathSync(directory);
  if (bytesOf(real) + 1 + longestName <= MAX_SOCKET_PATH) {
    return { pathOf: (name) => join(real, name), reopen: () => {}, close: () => {} };
  }
  const folder = makeFolder(MAX_SOCKET_PATH - LINK_BYTES - longestName - 1);
  const link = join(folder, LINK);
  symlinkSync(real, link);
  return {
    pathOf: (name) => join(link, name),
    reopen() {
      if (lstatSync(link, { throwIfNoEntry: false }) !== undefined) return;
      // By the same name: the paths of the sockets are in use.
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      symlinkSync(real, link);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** @param most bytes of the path of the folder in which it is made. */
function makeFolder(most: number): string {
  const tried: string[] = [];
  for (const place of new Set([tmpdir(), '/tmp'])) {
    try {
      if (bytesOf(place) <= most) return mkdtempSync(join(place, 'sekisho-'));
      tried.push(`the path of ${place} is too long for that`);
    } catch (error) {
      tried.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    `its path is too long for a socket, and a link to it cannot be made: ${tried.join('; ')}. Set TMPDIR to a short path, of ${most} bytes at most`,
  );
}

function bytesOf(path: string): number {
  return Buffer.byteLength(path);
}
