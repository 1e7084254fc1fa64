import type { VerifiedCacheStatus } from '../token/verified-cache.ts';
import type { Origin, Session } from './types.ts';

/** What a request must be beyond having a good token. */
export interface AuthenticateOptions {
  /** Any of these roles is enough. Default: none asked for. */
  readonly roles?: readonly string[];
  /** Exact: waits for a proof newer than this call, never answers within the tolerance. Default false. */
  readonly fresh?: boolean;
  /** 401 `reauthentication_required` when the last proof of identity is older. Seconds ≥ 0. */
  readonly maxAuthAgeSeconds?: number;
  /** Where the request came from: goes into the audit row when `roles` denies it. */
  readonly origin?: Origin;
}

export interface Authentication {
  /**
   * Judges an access token: by itself, by the view, then age and roles. Counts what it refuses (`countRefusal`) and
   * audits what it denies (`denied`) by itself; callers need not.
   * @throws SekishoError `invalid_token` `token_expired` `session_revoked` `token_superseded` `reauthentication_required`
   *   (401), `insufficient_role` (403), `store_unavailable` (503).
   */
  authenticate(token: string, options?: AuthenticateOptions): Promise<Session>;
  /** A token whose signature is good and that this deployment issued, expired or revoked or not; null otherwise. For logout. */
  verifySignature(token: string): Promise<Omit<Session, 'freshness'> | null>;
  /** Counts a refused token for the audit trail (written together, not one by one). */
  countRefusal(code: string, tenantId: string | null): void;
  /** Records a denied authorization in the audit trail. */
  denied(session: Session, needed: string, origin: Origin): void;
}

/** What became of the access tokens that this node was asked about, and which of them it knows. */
export interface TokenStatus extends VerifiedCacheStatus {
  /** Those that were let through. */
  readonly passed: number;
  /** The others, by the code of their error. */
  readonly refused: ReadonlyMap<string, number>;
}
