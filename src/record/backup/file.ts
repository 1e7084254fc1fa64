import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { isSekishoError, SekishoError } from '../../errors.ts';
import type { KeyRing, RingMember } from '../../token/secrets.ts';
import { decrypted, encrypted, fileKey } from './chunks.ts';
import { type BackupItem, itemsOf, linesOf } from './content.ts';
import {
  type BackupHeader,
  headerText,
  MAX_HEADER_BYTES,
  readHeader,
  rowsOf,
  unusable,
} from './header.ts';
import { type OpenFile, writeWholeFile } from './whole-file.ts';

/** Fast: most of a backup is random already. */
const GZIP_LEVEL = 3;
const SALT_BYTES = 32;

/** What a file is written from. */
export interface Content {
  readonly header: Omit<BackupHeader, 'keyId' | 'salt'>;
  readonly items: AsyncIterable<BackupItem>;
}

/**
 * Writes a backup, as `writeWholeFile` does it: whatever has this name is whole.
 *
 * @param openFile for tests.
 * @returns bytes written.
 * @throws SekishoError `conflict` when something has this name; `backup_unusable` when it cannot be written.
 */
export async function writeBackupFile(
  path: string,
  member: RingMember,
  { header, items }: Content,
  signal?: AbortSignal,
  openFile?: OpenFile,
): Promise<number> {
  const whole: BackupHeader = {
    ...header,
    keyId: member.keyId,
    salt: randomBytes(SALT_BYTES).toString('base64url'),
  };
  const text = headerText(whole);
  const key = fileKey(member.key('backup'), whole.salt, text);
  return await writeWholeFile(
    path,
    async (put) => {
      await put(Buffer.from(text));
      await pipeline(
        () => linesOf(items),
        createGzip({ level: GZIP_LEVEL }),
        (source) => encrypted(source as AsyncIterable<Buffer>, key),
        async (source: AsyncIterable<Buffer>) => {
          for await (const chunk of source) await put(chunk);
        },
        { signal },
      );
    },
    openFile,
  );
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
        (source) => decrypted(source as AsyncIterable<Buffer>, key),
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
