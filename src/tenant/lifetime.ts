import type { Policy } from './types.ts';

/** `iat` and `exp` of an access token, seconds since 1970: it never outlives its session (ASVS 7.4.1). */
export function accessTokenTimes(
  policy: Policy,
  sessionEndsAtMs: number,
  nowMs: number,
): { readonly issuedAtSeconds: number; readonly expiresAtSeconds: number } {
  const issuedAtSeconds = Math.floor(nowMs / 1000);
  const expiresAtSeconds = Math.min(
    issuedAtSeconds + policy.access_ttl,
    Math.floor(sessionEndsAtMs / 1000),
  );
  return { issuedAtSeconds, expiresAtSeconds };
}
