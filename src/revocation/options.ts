import type { Clock } from '../clock.ts';
import { SekishoError } from '../errors.ts';
import type { Hub } from '../hub/contract.ts';
import { newId } from '../id.ts';
import type { LogStore, MemberStore } from '../record/contract.ts';
import {
  DEFAULT_LEASE_MS,
  DEFAULT_TOLERANCE_MS,
  driftMarginMs,
  HEARTBEATS_PER_LEASE,
  MAX_TERM_MS,
  MIN_LEASE_MS,
} from './constants.ts';
import type { FollowerEvent } from './events.ts';

/** What a follower works with. */
export interface FollowerOptions {
  readonly log: LogStore;
  readonly members: MemberStore;
  readonly hub: Hub;
  readonly clock: Clock;
  /** How old the newest covered proof may be. Milliseconds, 30 to 30,000. Default 750. */
  readonly leaseMs?: number;
  /** How much longer the node answers, as `stale`, when it can prove nothing. Milliseconds ≥ 0. Default 10,000. */
  readonly toleranceMs?: number;
  /** Where operators find this node; null when unknown, which is the default. */
  readonly address?: string | null;
  /**
   * Embedded: a lock proves that no other node exists. Joining removes all other members, begins a generation and settles
   * it at once (FIRST TERM), and the record's clock is this machine's. Default false.
   */
  readonly exclusive?: boolean;
  /** For logs and metrics. Default: nobody listens. */
  readonly onEvent?: (event: FollowerEvent) => void;
  /** Makes identifiers of members and generations. Default: 128 random bits. */
  readonly newId?: () => string;
}

/** The same with every default filled in, and what follows from it. */
export interface FollowerSettings extends Required<FollowerOptions> {
  readonly heartbeatMs: number;
}

/**
 * Whether a node may have that lease and that tolerance; for those who want to know before anything is opened.
 *
 * @throws SekishoError `invalid_configuration`
 */
export function assertTerm(
  leaseMs: number = DEFAULT_LEASE_MS,
  toleranceMs: number = DEFAULT_TOLERANCE_MS,
): void {
  if (!Number.isInteger(leaseMs) || leaseMs < MIN_LEASE_MS) {
    throw new SekishoError(
      'invalid_configuration',
      `The lease must be at least ${MIN_LEASE_MS} ms.`,
    );
  }
  if (!Number.isInteger(toleranceMs) || toleranceMs < 0) {
    throw new SekishoError(
      'invalid_configuration',
      'The tolerance must be a whole number of ms, 0 or more.',
    );
  }
  if (leaseMs + toleranceMs + driftMarginMs(0) > MAX_TERM_MS) {
    throw new SekishoError(
      'invalid_configuration',
      `Lease and tolerance (SEKISHO_LEASE_MS, SEKISHO_TOLERANCE_MS) together must stay below ${MAX_TERM_MS} ms.`,
    );
  }
}

/**
 * Checks the numbers and fills in the defaults.
 * @throws SekishoError `invalid_configuration` when lease and tolerance are out of bounds or exceed MAX_TERM together.
 */
export function followerSettings(options: FollowerOptions): FollowerSettings {
  const leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
  const toleranceMs = options.toleranceMs ?? DEFAULT_TOLERANCE_MS;
  assertTerm(leaseMs, toleranceMs);
  return Object.freeze({
    log: options.log,
    members: options.members,
    hub: options.hub,
    clock: options.clock,
    leaseMs,
    toleranceMs,
    address: options.address ?? null,
    exclusive: options.exclusive ?? false,
    onEvent: options.onEvent ?? (() => {}),
    newId: options.newId ?? newId,
    heartbeatMs: leaseMs / HEARTBEATS_PER_LEASE,
  });
}
