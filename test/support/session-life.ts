import type { Policy } from '../../src/tenant/types.ts';

/** What a session's row says of its life. */
export interface SessionLife {
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  /** As the policy was at login. */
  readonly idleTimeoutSeconds: number;
  readonly absoluteEndAtMs: number;
}

/**
 * Whether a session is alive, without a record: the model that src/record/sql/judged_session.sql is compared with. Of both
 * lifetimes the earlier end counts, that of the login or that of the present policy (ASVS 7.3.1, 7.3.2). Idleness is judged
 * against `sweptThroughMs`, up to which last-seen times are known to be written.
 */
export function isAliveBy(
  life: SessionLife,
  policy: Pick<Policy, 'idle_timeout' | 'absolute_timeout'>,
  nowMs: number,
  sweptThroughMs: number,
): boolean {
  const endMs = Math.min(life.absoluteEndAtMs, life.createdAtMs + policy.absolute_timeout * 1000);
  const idleSeconds = Math.min(life.idleTimeoutSeconds, policy.idle_timeout);
  return nowMs < endMs && life.lastSeenAtMs + idleSeconds * 1000 >= sweptThroughMs;
}
