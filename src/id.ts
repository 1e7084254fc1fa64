import { randomBytes } from 'node:crypto';

/** Bytes of randomness in an identifier: 128 bit (ASVS 7.2.3 asks for at least 128 from a CSPRNG). */
const ID_BYTES = 16;

/** The shape of every identifier that Sekisho makes: 16 random bytes in unpadded base64url. */
export const ID_PATTERN = /^[A-Za-z0-9_-]{22}$/;

/** A new identifier (`tid`, `uid`, `sid`, `jti`, member, operation, generation): 22 characters, never used again. */
export function newId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}

/** Whether `value` has the shape of an identifier. Says nothing about whether it exists. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID_PATTERN.test(value);
}
