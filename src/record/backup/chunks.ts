import {
  createCipheriv,
  createDecipheriv,
  createHash,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { unusable } from './header.ts';

/**
 * The content of a backup is cut into chunks, each encrypted and authenticated by itself (AES-256-GCM, NIST SP 800-38D), so
 * that a file of any size is read as a stream and nothing of it is believed before it was checked:
 *
 *     flag (1 byte: 1 for the last chunk)  length (4 bytes, big-endian)  ciphertext  tag (16 bytes)
 *
 * The nonce is flag and number of the chunk under a key that only this file has, derived from the header's very bytes: a
 * chunk that was changed, moved, left out, added or taken from another file does not open, and a file that ends before its
 * last chunk was cut off.
 */
const HEAD_BYTES = 5;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
/** Of what is read at once; what is written is smaller. */
const MAX_CHUNK_BYTES = 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;

/** The key of one file: from the deployment's key for backups and everything that stands before the content. */
export function fileKey(key: KeyObject, salt: string, headerText: string): Buffer {
  const info = createHash('sha256').update(headerText).digest();
  return Buffer.from(hkdfSync('sha256', key, Buffer.from(salt, 'base64url'), info, 32));
}

/** Encrypts `source` chunk by chunk. */
export async function* encrypted(
  source: AsyncIterable<Buffer>,
  key: Buffer,
): AsyncGenerator<Buffer> {
  let number = 0;
  let rest: Buffer[] = [];
  let length = 0;
  for await (const piece of source) {
    rest.push(piece);
    length += piece.length;
    if (length < CHUNK_BYTES) continue;
    const all = Buffer.concat(rest, length);
    let from = 0;
    for (; all.length - from >= CHUNK_BYTES; from += CHUNK_BYTES) {
      yield encrypt(key, number++, false, all.subarray(from, from + CHUNK_BYTES));
    }
    rest = [all.subarray(from)];
    length = all.length - from;
  }
  yield encrypt(key, number, true, Buffer.concat(rest, length));
}

/**
 * Decrypts what `encrypted` made; gives nothing that is not authentic.
 *
 * @throws SekishoError `backup_unusable` when the content was changed or cut off.
 */
export async function* decrypted(
  source: AsyncIterable<Buffer>,
  key: Buffer,
): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  let ended = false;
  for await (const piece of source) {
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    while (rest.length >= HEAD_BYTES) {
      const length = rest.readUInt32BE(1);
      if (ended || (rest[0] ?? 2) > 1 || length > MAX_CHUNK_BYTES) throw changed();
      const end = HEAD_BYTES + length + TAG_BYTES;
      if (rest.length < end) break;
      ended = rest[0] === 1;
      yield decrypt(key, number++, rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    if (ended && rest.length > 0) throw changed();
  }
  if (!ended) throw unusable('was cut off: its end is missing');
}

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce[0] = last ? 1 : 0;
  nonce.writeUInt32BE(number, NONCE_BYTES - 4);
  return nonce;
}

function encrypt(key: Buffer, number: number, last: boolean, content: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(number, last));
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = last ? 1 : 0;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, number: number, chunk: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(number, chunk[0] === 1), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(chunk.subarray(chunk.length - TAG_BYTES));
  try {
    const content = decipher.update(chunk.subarray(HEAD_BYTES, chunk.length - TAG_BYTES));
    return Buffer.concat([content, decipher.final()]);
  } catch (error) {
    throw changed(error);
  }
}

function changed(cause?: unknown): Error {
  return unusable('was changed or damaged: its content is not what was written', cause);
}
