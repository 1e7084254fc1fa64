/** One file or folder of a tar archive. */
export interface TarEntry {
  /** Relative to the archive's root, without a slash at the begin. */
  readonly name: string;
  readonly kind: 'file' | 'folder';
  /** A view of the archive: writing to it changes the archive. */
  readonly bytes: Uint8Array;
}

const BLOCK = 512;

/**
 * What is in a ustar archive, in order, as PGlite writes it: files and folders, names of up to 100 bytes.
 *
 * @throws Error when it ends early, or holds something else.
 */
export function* tarEntries(tar: Uint8Array): Generator<TarEntry> {
  const text = Buffer.from(tar.buffer, tar.byteOffset, tar.byteLength);
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const name = cString(text, at, 100);
    if (name === '') return;
    const size = Number.parseInt(cString(text, at + 124, 12), 8);
    const type = cString(text, at + 156, 1);
    const begin = at + BLOCK;
    const kind = type === '5' ? 'folder' : type === '0' || type === '' ? 'file' : null;
    if (kind === null || !Number.isSafeInteger(size) || begin + size > tar.length) {
      throw new Error(`The archive cannot be read at ${at}.`);
    }
    const clean = name.replace(/^\/+|\/+$/g, '');
    if (clean.split('/').includes('..'))
      throw new Error(`The archive leads out of itself: ${name}`);
    yield { name: clean, kind, bytes: tar.subarray(begin, begin + size) };
    at = begin + Math.ceil(size / BLOCK) * BLOCK;
  }
}

function cString(text: Buffer, from: number, length: number): string {
  const end = text.indexOf(0, from);
  const to = end < 0 ? from + length : Math.min(end, from + length);
  return text.toString('latin1', from, to).trim();
}
