import type { WatchedMember } from '../record/contract.ts';
import type { BarrierResult } from '../revocation/contract.ts';
import type { Freshness } from '../revocation/types.ts';

/** Where a request came from; goes into sessions, audit rows and logs. */
export interface Origin {
  readonly requestId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** An authenticated request: what `authenticate` resolves to. Frozen. */
export interface Session {
  readonly tenantId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly roles: readonly string[];
  /** Seconds since 1970 when the user last proved who they are. */
  readonly authTime: number;
  readonly amr: readonly string[];
  readonly clientId: string;
  /** Seconds since 1970 when this access token ends. */
  readonly expiresAt: number;
  readonly freshness: Freshness;
}

/** An authenticated session, and where its request came from. */
export interface Caller {
  readonly session: Session;
  readonly origin: Origin;
}

/** What came of a revoking call. */
export interface Revocation {
  readonly id: string;
  readonly position: number;
  readonly scope: string;
  readonly subject: {
    readonly tid: string | null;
    readonly uid: string | null;
    readonly sid: string | null;
  };
  readonly epoch: number;
  readonly reason: string | null;
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
