import { createHash } from 'node:crypto';
import { mkdir, open, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SekishoError } from '../../errors.ts';

/** Where the sockets of a data directory are. */
export interface Place {
  /** The directory that lists them. */
  readonly directory: string;
  /** A path by which the socket `name` can be bound and connected to. */
  path(name: string): string;
  close(): Promise<void>;
}

/** Bytes of a socket's path that every system allows (macOS 104, Linux 108, with the closing zero). */
const MAX_PATH_BYTES = 103;
/** The longest name that a socket here gets. */
const LONGEST_NAME = 'taking.4194304.0123456789ab.sock';

/**
 * Finds room for the sockets of `directory`: in the directory itself wherever possible. A socket's path is limited to about a
 * hundred bytes; where the directory's is longer, Linux reaches it through an open descriptor, other systems use a
 * directory of this user's below /tmp, named by a hash (not TMPDIR: two processes may have different ones).
 */
export async function openPlace(directory: string): Promise<Place> {
  const real = await realpath(directory);
  if (fits(real))
    return { directory: real, path: (name) => join(real, name), close: async () => {} };
  if (process.platform === 'linux') {
    const handle = await open(real, 'r');
    const short = `/proc/self/fd/${handle.fd}`;
    return {
      directory: real,
      path: (name) => join(short, name),
      close: () => handle.close(),
    };
  }
  const parent = `/tmp/sekisho-${process.getuid?.() ?? 'user'}`;
  const short = join(parent, createHash('sha256').update(real).digest('hex').slice(0, 16));
  await mkdir(short, { recursive: true, mode: 0o700 });
  const { uid, mode } = await stat(parent);
  if (uid !== process.getuid?.() || (mode & 0o077) !== 0) {
    throw new SekishoError(
      'data_directory_unusable',
      `${parent} belongs to somebody else or is open to others; use a data directory with a shorter path.`,
    );
  }
  return { directory: short, path: (name) => join(short, name), close: async () => {} };
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, LONGEST_NAME)) <= MAX_PATH_BYTES;
}
