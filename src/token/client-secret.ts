import { randomBytes, timingSafeEqual } from 'node:crypto';
import { isId } from '../id.ts';
import { fromBase64url, sha256 } from './mac.ts';

/** Bytes of randomness in a client secret. */
const SECRET_BYTES = 32;

/** So that scanners of source code, and people, know one when they see it. */
const PREFIX = 'scs_';

/** A service client's secret: `scs_<tid>.<256 random bits>`. Only its hash is stored. */
export function makeClientSecret(
  tid: string,
  random: (bytes: number) => Buffer = randomBytes,
): string {
  return `${PREFIX}${tid}.${random(SECRET_BYTES).toString('base64url')}`;
}

/** The tenant of a client secret; null for anything but its one exact spelling. */
export function parseClientSecret(secret: unknown): { readonly tid: string } | null {
  if (typeof secret !== 'string' || !secret.startsWith(PREFIX)) {
    return null;
  }
  const [tid, random = '', ...rest] = secret.slice(PREFIX.length).split('.');
  return isId(tid) && rest.length === 0 && fromBase64url(random)?.length === SECRET_BYTES
    ? { tid }
    : null;
}

/** What the record keeps of a client secret: SHA-256, 32 bytes. */
export function hashClientSecret(secret: string): Buffer {
  return sha256(secret);
}

/** Compares two such hashes in constant time. */
export function isSameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
