import type { NewAuditEvent } from '../audit/types.ts';
import type { LoginLimit } from '../tenant/types.ts';
import type { Page } from './shapes.ts';

/**
 * Counts login attempts exactly under parallel guesses: an attempt is reserved first and given back on success.
 *
 * The rule is a sliding window with a rising wait (ASVS 6.3.1, NIST SP 800-63B-4 section 3.2.2). An attempt at time `a`
 * counts until `a + windowMs`, that moment excluded. While fewer than `attempts` count, one passes. Otherwise it must wait
 * `min(maxWaitMs, 1 s · 2^(count − attempts))` since the last counted one: the attempt after `attempts` is the first to be
 * refused, and waits double from one second. Refused tries are not counted, so that a guesser cannot keep the owner out by
 * hammering, and `maxWaitMs` bounds every wait. An attempt with a time after `nowMs` counts: another node took its time a
 * little later and its lock a little earlier. A model of the rule in the tests holds every implementation to it.
 */
export interface AttemptStore {
  /** `tenantKey` is the tid, or `unknown` for slugs that no tenant has. All buckets must pass, or nothing is counted. */
  reserve(
    tenantKey: string,
    buckets: readonly AttemptBucket[],
    attemptId: string,
    nowMs: number,
  ): Promise<ReserveOutcome>;
  /** Takes a reserved attempt back; with `clear`, the account's buckets are emptied (success resets). */
  giveBack(
    tenantKey: string,
    buckets: readonly AttemptBucket[],
    attemptId: string,
    clear: boolean,
  ): Promise<void>;
  /** Accounts that would have to wait at `nowMs`. */
  listLimited(
    tid: string,
    nowMs: number,
    page: Page,
    limit: LoginLimit,
  ): Promise<readonly LimitedAccount[]>;
  /** Lifts the limits of one account (its devices' buckets included); false, and no audit row, when there was none. */
  lift(tid: string, account: string, audit: readonly NewAuditEvent[]): Promise<boolean>;
}

export interface AttemptBucket {
  readonly kind: 'account' | 'device' | 'address';
  /** E-mail address, `<e-mail> <device id>`, or IP address (IPv6 as its /64). */
  readonly key: string;
  readonly attempts: number;
  readonly windowMs: number;
  readonly maxWaitMs: number;
}

export type ReserveOutcome =
  | { readonly kind: 'reserved'; readonly remaining: number; readonly resetMs: number }
  | {
      readonly kind: 'limited';
      readonly bucket: AttemptBucket['kind'];
      readonly retryAfterMs: number;
      readonly resetMs: number;
    };

export interface LimitedAccount {
  readonly email: string;
  readonly attempts: number;
  readonly lastAttemptAtMs: number;
  readonly retryAtMs: number;
}
