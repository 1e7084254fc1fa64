import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import { addressKey } from '../login/address.ts';
import type { AttemptBucket, ReserveOutcome } from '../record/contract.ts';
import type { LoginLimit } from '../tenant/types.ts';
import { nowMs, type Services } from './services.ts';

/** Where attempts are counted for slugs that no tenant has. */
const UNKNOWN_TENANT = 'unknown';

/** What an attempt is counted under. */
export interface AttemptSubject {
  readonly tid: string | null;
  /** E-mail address in normal form, existing or not. Null: by address alone. */
  readonly email: string | null;
  /** A device that has logged in to this account before has an allowance of its own, instead of the account's. */
  readonly deviceId: string | null;
  readonly ip: string | null;
}

/** A counted attempt; taken back when it turns out to be none. */
export interface Reservation {
  /** The attempt was right: it is taken back and the account's count begins anew. */
  succeeded(): Promise<void>;
  /** The attempt was neither right nor wrong (another limit, an outage): it is taken back. */
  withdraw(): Promise<void>;
}

export type Reserved =
  | { readonly kind: 'reserved'; readonly reservation: Reservation }
  | {
      readonly kind: 'limited';
      readonly error: SekishoError;
      readonly bucket: AttemptBucket['kind'];
    };

/**
 * Counts an attempt before it is made, in all its buckets or in none (ASVS 6.3.1): parallel guesses cannot exceed a limit
 * that each of them has only looked at.
 */
export async function reserveAttempt(
  services: Pick<Services, 'record' | 'follower' | 'log'>,
  limit: LoginLimit,
  subject: AttemptSubject,
): Promise<Reserved> {
  const { attempts } = services.record;
  const tenantKey = subject.tid ?? UNKNOWN_TENANT;
  const buckets = bucketsOf(limit, subject);
  if (buckets.length === 0) return { kind: 'reserved', reservation: NOTHING_COUNTED };
  const attemptId = newId();
  const outcome = await attempts.reserve(tenantKey, buckets, attemptId, nowMs(services));
  if (outcome.kind === 'limited') {
    return { kind: 'limited', error: tooMany(outcome, buckets), bucket: outcome.bucket };
  }
  const giveBack = (clear: boolean): Promise<void> =>
    attempts.giveBack(tenantKey, buckets, attemptId, clear).catch((error: unknown) => {
      // The answer stands: what is not given back leaves its window by itself.
      services.log.warn(
        { err: error, tenant_id: subject.tid },
        'a login attempt could not be given back',
      );
    });
  return {
    kind: 'reserved',
    reservation: { succeeded: () => giveBack(true), withdraw: () => giveBack(false) },
  };
}

const NOTHING_COUNTED: Reservation = Object.freeze({
  succeeded: async () => {},
  withdraw: async () => {},
});

function bucketsOf(limit: LoginLimit, subject: AttemptSubject): readonly AttemptBucket[] {
  const { email, deviceId, ip } = subject;
  const maxWaitMs = limit.max_wait * 1000;
  const buckets: AttemptBucket[] = [];
  if (email !== null) {
    const rule = {
      attempts: limit.account_attempts,
      windowMs: limit.account_window * 1000,
      maxWaitMs,
    };
    buckets.push(
      deviceId === null
        ? { kind: 'account', key: email, ...rule }
        : { kind: 'device', key: `${email} ${deviceId}`, ...rule },
    );
  }
  if (ip !== null) {
    const windowMs = limit.address_window * 1000;
    const attempts = limit.address_attempts;
    buckets.push({ kind: 'address', key: addressKey(ip), attempts, windowMs, maxWaitMs });
  }
  return buckets;
}

/** @param policy name of the limit in the answer's `RateLimit` field. */
export function tooMany(
  outcome: Extract<ReserveOutcome, { kind: 'limited' }>,
  buckets: readonly AttemptBucket[],
  policy = 'login',
): SekishoError {
  const bucket = buckets.find((one) => one.kind === outcome.bucket);
  return new SekishoError('too_many_attempts', 'Too many attempts; wait before the next one.', {
    retryAfterSeconds: Math.max(1, Math.ceil(outcome.retryAfterMs / 1000)),
    rateLimit: {
      policy,
      limit: bucket?.attempts ?? 0,
      windowSeconds: Math.ceil((bucket?.windowMs ?? 0) / 1000),
      remaining: 0,
      resetSeconds: Math.max(1, Math.ceil(outcome.resetMs / 1000)),
    },
  });
}
