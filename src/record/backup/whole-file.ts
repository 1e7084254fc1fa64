import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSekishoError, SekishoError } from '../../errors.ts';
import { unusable } from './header.ts';

/** What of a file is used here, so that tests can have one that fails. */
export type WritableHandle = Pick<FileHandle, 'write' | 'sync' | 'close'>;
export type OpenFile = (path: string, flags: string, mode?: number) => Promise<WritableHandle>;

/** What file systems answer that know no flushing of a folder. */
const NO_FOLDER_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/**
 * Writes a file that nobody has: aside first, then flushed to the disk, then under its name, so that whatever has this name
 * is whole. When anything fails, closing included, nothing is left of it.
 *
 * @param fill is given what writes one piece behind the other, each in full.
 * @returns bytes written.
 * @throws SekishoError `conflict` when something has this name; `backup_unusable` when it cannot be written; what `fill` throws.
 */
export async function writeWholeFile(
  path: string,
  fill: (put: (piece: Buffer) => Promise<void>) => Promise<void>,
  openFile: OpenFile = open,
): Promise<number> {
  assertFree(path);
  const aside = partialOf(path);
  let bytes = 0;
  let named = false;
  try {
    await withHandle(await openFile(aside, 'wx', 0o600), async (file) => {
      await fill(async (piece) => {
        await writeAll(file, piece);
        bytes += piece.length;
      });
      await file.sync();
    });
    assertFree(path);
    await rename(aside, path);
    named = true;
    await syncFolder(dirname(path), openFile);
    return bytes;
  } catch (error) {
    await rm(named ? path : aside, { force: true });
    if (isSekishoError(error) || !isFileError(error)) throw error;
    throw unusable(`cannot be written to ${path}: ${error.message}`, error);
  }
}

/** A file may take less than it is given (write(2)): where it is nearly full, or on some networks. */
async function writeAll(file: WritableHandle, piece: Buffer): Promise<void> {
  for (let from = 0; from < piece.length; ) {
    const { bytesWritten } = await file.write(piece, from, piece.length - from);
    if (bytesWritten === 0) {
      throw Object.assign(new Error('the file takes no more'), { syscall: 'write' });
    }
    from += bytesWritten;
  }
}

/** Closing may be what fails: what was written before is not on the disk then. The first failure is the one that is told. */
async function withHandle(
  file: WritableHandle,
  use: (file: WritableHandle) => Promise<void>,
): Promise<void> {
  try {
    await use(file);
  } catch (error) {
    await file.close().catch(() => {});
    throw error;
  }
  await file.close();
}

/** The name of what is not whole yet, beside the one it will get. */
function partialOf(path: string): string {
  const mark = randomBytes(6).toString('hex');
  return join(dirname(path), `.${basename(path)}.${mark}.partial`);
}

function assertFree(path: string): void {
  if (existsSync(path)) {
    throw new SekishoError('conflict', `${path} is there already: name another file.`);
  }
}

/** So that the name survives a power loss, too. */
async function syncFolder(path: string, openFile: OpenFile): Promise<void> {
  await withHandle(await openFile(path, 'r'), async (folder) => {
    try {
      await folder.sync();
    } catch (error) {
      if (!NO_FOLDER_SYNC.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  });
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
