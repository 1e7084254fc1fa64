import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyRing, Purpose, RingMember } from './secrets.ts';

/** HMAC-SHA-256 (32 bytes) of `text` in UTF-8 under one member's key for `purpose`. */
export function mac(member: RingMember, purpose: Purpose, text: string): Buffer {
  return createHmac('sha256', member.key(purpose)).update(text, 'utf8').digest();
}

/** Whether any member of the ring made `presented` for `text`; compared in constant time. */
export function macMatches(
  ring: KeyRing,
  purpose: Purpose,
  text: string,
  presented: Uint8Array,
): boolean {
  let matches = false;
  for (const member of ring.members) {
    const expected = mac(member, purpose, text);
    if (presented.length === expected.length && timingSafeEqual(presented, expected)) {
      matches = true;
    }
  }
  return matches;
}

/** SHA-256 of `text` in UTF-8: what is stored of a token with 256 bit of randomness, which needs no slow hash. */
export function sha256(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/**
 * The bytes of unpadded base64url, or null when `text` is anything but their one canonical spelling (RFC 4648 section
 * 3.5: unused bits are zero), so that no token has two spellings.
 */
export function fromBase64url(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : null;
}
