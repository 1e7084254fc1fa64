import type { Buffer } from 'node:buffer';

/** Bytes of an identifier of ours: its 22 characters are unpadded base64url. */
export const PACKED_BYTES = 16;
const PACKED_CHARACTERS = 22;

/** What each character of base64url stands for; 64 for what is none. */
const SIXTETS = new Uint8Array(128).fill(64);
for (const [sixtet, character] of [
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
].entries()) {
  SIXTETS[character.charCodeAt(0)] = sixtet;
}

/**
 * Writes the 16 bytes that `id` stands for at `at`. By hand: a node that starts packs some millions of them, and a call
 * into the decoder of Buffer costs several times as much.
 * @returns false, with nothing of use written, when `id` is not the canonical text of 16 bytes.
 */
export function packId(id: string, bytes: Buffer, at: number): boolean {
  if (id.length !== PACKED_CHARACTERS) return false;
  let to = at;
  for (let from = 0; from < 20; from += 4) {
    const a = sixtetAt(id, from);
    const b = sixtetAt(id, from + 1);
    const c = sixtetAt(id, from + 2);
    const d = sixtetAt(id, from + 3);
    if ((a | b | c | d) > 63) return false;
    bytes[to] = (a << 2) | (b >> 4);
    bytes[to + 1] = ((b & 15) << 4) | (c >> 2);
    bytes[to + 2] = ((c & 3) << 6) | d;
    to += 3;
  }
  const a = sixtetAt(id, 20);
  const b = sixtetAt(id, 21);
  // The last character carries two bits; the others must be 0, or unpacking would make another text of it.
  if ((a | b) > 63 || (b & 15) !== 0) return false;
  bytes[to] = (a << 2) | (b >> 4);
  return true;
}

/** A hash of any text, 32 bits (FNV-1a). Never 0. Identifiers are random and ours, so nobody can choose what collides. */
export function hashId(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  }
  // The low bits, by which a slot is chosen, get something of the high ones.
  return (hash ^ (hash >>> 15)) >>> 0 || 1;
}

function sixtetAt(id: string, at: number): number {
  return SIXTETS[id.charCodeAt(at)] ?? 64;
}
