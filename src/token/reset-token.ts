import { sha256 } from './mac.ts';
import { makeTenantSecret, parseTenantSecret } from './tenant-secret.ts';

/** How long a password reset token may be used, seconds: one hour. */
export const RESET_TOKEN_SECONDS = 3600;

/** A one-time password reset token: `<tid>.<256 random bits>`. Only its hash is stored. */
export function makeResetToken(tid: string, random?: (bytes: number) => Buffer): string {
  return makeTenantSecret(tid, random);
}

/** The tenant of a reset token; null for anything but its one exact spelling. */
export function parseResetToken(token: unknown): { readonly tid: string } | null {
  return typeof token === 'string' ? parseTenantSecret(token) : null;
}

/** What the record keeps of a reset token: SHA-256, 32 bytes. */
export function hashResetToken(token: string): Buffer {
  return sha256(token);
}
