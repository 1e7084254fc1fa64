import { randomBytes } from 'node:crypto';
import { isId } from '../id.ts';
import { fromBase64url, sha256 } from './mac.ts';

const SECRET_BYTES = 32;

/** How long a password reset token may be used, seconds: one hour. */
export const RESET_TOKEN_SECONDS = 3600;

/** A one-time password reset token: `<tid>.<256 random bits>`. Only its hash is stored. */
export function makeResetToken(
  tid: string,
  random: (bytes: number) => Buffer = randomBytes,
): string {
  return `${tid}.${random(SECRET_BYTES).toString('base64url')}`;
}

/** The tenant of a reset token; null for anything but its one exact spelling. */
export function parseResetToken(token: unknown): { readonly tid: string } | null {
  if (typeof token !== 'string') {
    return null;
  }
  const [tid, secret = '', ...rest] = token.split('.');
  return isId(tid) && rest.length === 0 && fromBase64url(secret)?.length === SECRET_BYTES
    ? { tid }
    : null;
}

/** What the record keeps of a reset token: SHA-256, 32 bytes. */
export function hashResetToken(token: string): Buffer {
  return sha256(token);
}
