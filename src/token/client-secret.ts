import { timingSafeEqual } from 'node:crypto';
import { sha256 } from './mac.ts';
import { makeTenantSecret, parseTenantSecret } from './tenant-secret.ts';

/** So that scanners of source code, and people, know one when they see it. */
const PREFIX = 'scs_';

/** A service client's secret: `scs_<tid>.<256 random bits>`. Only its hash is stored. */
export function makeClientSecret(tid: string, random?: (bytes: number) => Buffer): string {
  return PREFIX + makeTenantSecret(tid, random);
}

/** The tenant of a client secret; null for anything but its one exact spelling. */
export function parseClientSecret(secret: unknown): { readonly tid: string } | null {
  if (typeof secret !== 'string' || !secret.startsWith(PREFIX)) return null;
  return parseTenantSecret(secret.slice(PREFIX.length));
}

/** What the record keeps of a client secret: SHA-256, 32 bytes. */
export function hashClientSecret(secret: string): Buffer {
  return sha256(secret);
}

/** Compares two such hashes in constant time. */
export function isSameHash(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
