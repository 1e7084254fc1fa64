import { createHash } from 'node:crypto';
import { SekishoError } from '../errors.ts';

/** A caller's `Idempotency-Key` with a hash of what it was sent with. */
export interface Idempotency {
  readonly key: string;
  /** SHA-256. */
  readonly bodyHash: Uint8Array;
}

/** 1 to 255 visible characters (RFC 9110 section 5.6.2, without blanks). */
const KEY = /^[\x21-\x7e]{1,255}$/;

/** @throws SekishoError `invalid_request` when the field is there and is no key. */
export function idempotencyKeyOf(headers: Headers): string | null {
  const key = headers.get('idempotency-key');
  if (key === null || KEY.test(key)) return key;
  throw new SekishoError('invalid_request', 'Idempotency-Key must be 1 to 255 visible characters.');
}

/**
 * The hash covers the target too: the same key for another object is another request, and must not be answered with what
 * was done to the first.
 *
 * @param body after validation, with defaults, so that order and spelling of the JSON do not count.
 */
export function idempotencyOf(key: string, target: string, body: unknown): Idempotency {
  const hash = createHash('sha256').update(target).update('\0').update(canonical(body));
  return { key, bodyHash: hash.digest() };
}

/** JSON with sorted members. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
