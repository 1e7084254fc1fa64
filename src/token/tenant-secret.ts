import { randomBytes } from 'node:crypto';
import { isId } from '../id.ts';
import { fromBase64url } from './mac.ts';

/** Bytes of randomness in a secret that is hashed without a salt or a cost: nobody guesses 256 bits. */
export const SECRET_BYTES = 32;

/** `<tid>.<256 random bits>`: the form of what is handed to somebody of a tenant once, and stored as a hash alone. */
export function makeTenantSecret(
  tid: string,
  random: (bytes: number) => Buffer = randomBytes,
): string {
  return `${tid}.${random(SECRET_BYTES).toString('base64url')}`;
}

/** The tenant of such a secret; null for anything but its one exact spelling. */
export function parseTenantSecret(text: string): { readonly tid: string } | null {
  const [tid, secret = '', ...rest] = text.split('.');
  return isId(tid) && rest.length === 0 && fromBase64url(secret)?.length === SECRET_BYTES
    ? { tid }
    : null;
}
