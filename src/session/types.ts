import type { WatchedMember } from '../record/contract.ts';
import type { BarrierResult } from '../revocation/contract.ts';
import type { Freshness } from '../revocation/types.ts';

/** Where a request came from; goes into sessions, audit rows and logs. */
export interface Origin {
  readonly requestId: string;
  /** Of the client, behind trusted proxies; null when it is not known. */
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** An authenticated request: what `authenticate` resolves to. Frozen. */
export interface Session {
  readonly tenantId: string;
  readonly userId: string;
  readonly sessionId: string;
  /** Those in the access token. */
  readonly roles: readonly string[];
  /** Seconds since 1970 when the user last proved who they are. */
  readonly authTime: number;
  /** How they did (RFC 8176), such as `["pwd"]`. */
  readonly amr: readonly string[];
  /** `client_id` of the token (RFC 9068); `sekisho` for whoever logged in here. */
  readonly clientId: string;
  /** Seconds since 1970 when this access token ends. */
  readonly expiresAt: number;
  /** `stale`: judged within the tolerance, while the record could not be reached. */
  readonly freshness: Freshness;
}

/** An authenticated session, and where its request came from. */
export interface Caller {
  readonly session: Session;
  readonly origin: Origin;
}

/** What came of a revoking call. */
export interface Revocation {
  /** To ask with what became of it (`GET /v1/admin/revocations/{id}`). */
  readonly id: string;
  /** Of its first entry in the log. */
  readonly position: number;
  /** `all`, `tenant`, `user`, `session` or `reissue`. */
  readonly scope: string;
  /** Whom it befell; null where its scope is wider. */
  readonly subject: {
    readonly tid: string | null;
    readonly uid: string | null;
    readonly sid: string | null;
  };
  /** What was made before this position of the log is revoked. */
  readonly epoch: number;
  readonly reason: string | null;
  /** Whether every node knows of it by now. */
  readonly barrier: BarrierResult;
}

/** A one-time link's token, to be delivered by the application. */
export interface PasswordReset {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A member as operators see it. */
export interface MemberState extends Omit<WatchedMember, 'beatAgeMs'> {
  readonly self: boolean;
  /** Entries that it had not applied at its last heartbeat. */
  readonly lag: number;
  /**
   * Milliseconds of lease left, negative when it is over; null before the first heartbeat. A node knows its own; that of
   * another is reckoned in the record from when its last heartbeat came, for display only.
   */
  readonly leaseLeftMs: number | null;
  readonly freshness: Freshness | 'unavailable';
}
