import type { WatchedMember } from '../record/contract.ts';
import type { BarrierResult } from '../revocation/contract.ts';
import type { Freshness } from '../revocation/types.ts';

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
