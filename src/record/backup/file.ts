import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { isSekishoError, SekishoError } from '../../errors.ts';
import type { KeyRing, RingMember } from '../../token/secrets.ts';
import { fileKey, opened, sealed } from './chunks.ts';
import { type BackupItem, itemsOf, linesOf } from './content.ts';
import {
  type BackupHeader,
  headerText,
  MAX_HEADER_BYTES,
  readHeader,
  rowsOf,
  unusable,
} from './header.ts';

/** Fast: most of a backup is random already. */
const GZIP_LEVEL = 3;
const SALT_BYTES = 32;

/** What a file is written from. */
export interface Content {
  readonly header: Omit<BackupHeader, 'keyId' | 'salt'>;
  readonly items: AsyncIterable<BackupItem>;
}

/**
 * Writes a backup: aside first, then flushed to the disk, then under its name, so that whatever has this name is whole.
 *
 * @returns bytes written.
 * @throws SekishoError `conflict` when something has this name; `backup_unusable` when it cannot be written.
 */
export async function writeBackupFile(
  path: string,
  member: RingMember,
  { header, items }: Content,
  signal?: AbortSignal,
): Promise<number> {
  assertFree(path);
  const whole: BackupHeader = {
    ...header,
    keyId: member.keyId,
    salt: randomBytes(SALT_BYTES).toString('base64url'),
  };
  const text = headerText(whole);
  const key = fileKey(member.key('backup'), whole.salt, text);
  const aside = partialOf(path);
  let bytes = 0;
  try {
    const file = await open(aside, 'wx', 0o600);
    try {
      const put = async (piece: Buffer): Promise<void> => {
        await file.write(piece);
        bytes += piece.length;
      };
      await put(Buffer.from(text));
      await pipeline(
        () => linesOf(items),
        createGzip({ level: GZIP_LEVEL }),
        (source) => sealed(source as AsyncIterable<Buffer>, key),
        async (source: AsyncIterable<Buffer>) => {
          for await (const chunk of source) await put(chunk);
        },
        { signal },
      );
      await file.sync();
    } finally {
      await file.close();
    }
    assertFree(path);
    await rename(aside, path);
    await syncFolder(dirname(path));
    return bytes;
  } catch (error) {
    await rm(aside, { force: true });
    if (isSekishoError(error) || !isFileError(error)) throw error;
    throw unusable(`cannot be written to ${path}: ${error.message}`, error);
  }
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
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A backup that can be opened with the secret at hand. */
export interface BackupFile {
  readonly path: string;
  readonly header: BackupHeader;
  readonly bytes: number;
  /**
   * Everything in it, from the beginning, each item authentic.
   *
   * @throws SekishoError `backup_unusable`, at the latest at the end: what was given before is not to be used then.
   */
  items(): AsyncGenerator<BackupItem>;
}

/**
 * Opens a backup and reads its header.
 *
 * @throws SekishoError `backup_unusable` when it cannot be read or is none; `invalid_configuration` when it was made under a
 *   secret that `ring` lacks.
 */
export async function openBackupFile(path: string, ring: KeyRing): Promise<BackupFile> {
  const { bytes, head } = await readHead(path);
  const read = readHeader(head);
  if (read === null) throw unusable('was cut off: its header is missing');
  const { header, text } = read;
  const member = ring.find(header.keyId);
  if (member === null) {
    throw new SekishoError(
      'invalid_configuration',
      `SEKISHO_SECRET must hold the secret under which the backup was made (key id ${header.keyId}); the one given has ${ring.members.map(({ keyId }) => keyId).join(', ')}.`,
    );
  }
  const key = fileKey(member.key('backup'), header.salt, text);
  return {
    path,
    header,
    bytes,
    async *items() {
      const file = createReadStream(path, { start: Buffer.byteLength(text) });
      const gunzip = createGunzip();
      // A failure of any part ends the reader below with that part's error.
      const flowing = pipeline(
        file,
        (source) => opened(source as AsyncIterable<Buffer>, key),
        gunzip,
      );
      flowing.catch(() => {});
      try {
        yield* itemsOf(gunzip, rowsOf(header));
        await flowing;
      } catch (error) {
        // The first part that failed knows why; what came after it only saw its input end.
        gunzip.destroy();
        const first = await flowing.then(
          () => error,
          (cause: unknown) => (isSekishoError(cause) ? cause : error),
        );
        throw isSekishoError(first) ? first : unusable('was changed or damaged', first);
      } finally {
        file.destroy();
        gunzip.destroy();
      }
    },
  };
}

/** Reads all of a backup, and so finds out whether it is whole and unchanged. @throws SekishoError `backup_unusable` */
export async function verifyBackup(
  backup: BackupFile,
  onProgress?: (progress: { readonly done: number; readonly total: number | null }) => void,
): Promise<void> {
  const total = rowsOf(backup.header);
  let done = 0;
  for await (const item of backup.items()) {
    if (item.kind !== 'rows') continue;
    done += item.rows.length;
    onProgress?.({ done, total });
  }
}

async function readHead(path: string): Promise<{ readonly bytes: number; readonly head: Buffer }> {
  try {
    const { size } = await stat(path);
    const file = await open(path, 'r');
    try {
      const head = Buffer.alloc(Math.min(size, MAX_HEADER_BYTES));
      const { bytesRead } = await file.read(head, 0, head.length, 0);
      return { bytes: size, head: head.subarray(0, bytesRead) };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unusable(`${path} cannot be read: ${(error as Error).message}`, error);
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
