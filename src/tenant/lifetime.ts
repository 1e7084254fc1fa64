import type { Policy } from './types.ts';

/** What a session's row says of its life. */
export interface SessionLife {
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  /** As the policy was at login. */
  readonly idleTimeoutSeconds: number;
  readonly absoluteEndAtMs: number;
}

/**
 * The absolute end of a session: as the policy was at login, or by the present policy where that is earlier (ASVS 7.3.2).
 * A longer policy never makes a session live longer.
 */
export function absoluteEndMs(life: SessionLife, policy: Policy): number {
  return Math.min(life.absoluteEndAtMs, life.createdAtMs + policy.absolute_timeout * 1000);
}

/** The idle time that counts, seconds: the shorter of the one at login and the present one (ASVS 7.3.1). */
export function idleTimeoutSeconds(life: SessionLife, policy: Policy): number {
  return Math.min(life.idleTimeoutSeconds, policy.idle_timeout);
}

/**
 * Why a session has expired, or null while it lives. Idleness is judged against `sweptThroughMs`, up to which last-seen
 * times are known to be written: while nothing sweeps, that time stands still, and errors are in the user's favour.
 */
export function expiryOf(
  life: SessionLife,
  policy: Policy,
  nowMs: number,
  sweptThroughMs: number,
): 'absolute' | 'idle' | null {
  if (nowMs >= absoluteEndMs(life, policy)) {
    return 'absolute';
  }
  const idleEndMs = life.lastSeenAtMs + idleTimeoutSeconds(life, policy) * 1000;
  return idleEndMs < sweptThroughMs ? 'idle' : null;
}

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
