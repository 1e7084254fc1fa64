import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Room for a path in `sockaddr_un`: 108 bytes on Linux, 104 elsewhere, with the final zero. */
const MAX_SOCKET_PATH = 103;

/** A directory by a path that is short enough for the sockets in it. */
export interface SocketDirectory {
  pathOf(name: string): string;
  close(): void;
}

/**
 * When the directory's own path is too long, a symbolic link of this process's own in the temporary directory leads to it. The
 * sockets still stand in the directory itself, so processes with other temporary directories (PrivateTmp, another TMPDIR)
 * find the same ones.
 *
 * @param longestName bytes of the longest socket name that will be used
 */
export function openSocketDirectory(directory: string, longestName: number): SocketDirectory {
  const real = realpathSync(directory);
  if (Buffer.byteLength(real) + 1 + longestName <= MAX_SOCKET_PATH) {
    return { pathOf: (name) => join(real, name), close: () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-'));
  const link = join(folder, 'd');
  symlinkSync(real, link);
  return {
    pathOf: (name) => join(link, name),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
