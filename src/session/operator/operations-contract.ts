import type { CleanupState } from '../../record/cleanup-contract.ts';
import type { OperationsState, Override, OverrideValue } from '../../record/operations-contract.ts';
import type { SweepState } from '../../record/sweep-contract.ts';
import type { LifetimeCeiling } from '../../tenant/ceiling.ts';
import type { LimitOverride } from '../../tenant/login-limit.ts';
import type { MemberState, Revocation } from '../types.ts';

/** When it ends by itself: ahead, by 30 days at most. */
export type OverrideEnd = { readonly untilMs: number } | { readonly forSeconds: number };

/** Whether every node has taken in what was decided. Each does within 5 s, whatever the hub does. */
export interface Told {
  readonly effective: 'everywhere' | 'pending';
  readonly members: number;
  /** Ids of members that have not said so yet. */
  readonly waitingFor: readonly string[];
}

export interface CleanupStatus extends CleanupState {
  readonly state: 'idle' | 'running' | 'paused';
  readonly paused: OperationsState['pause'];
  /** Sweeping of last-seen times, which is paused along with it. */
  readonly sweep: SweepState;
}

export interface OperationsStatus {
  /** In force, oldest first. */
  readonly overrides: readonly Override[];
  readonly paused: OperationsState['pause'];
  readonly cleanup: CleanupStatus;
  readonly members: readonly (MemberState & {
    /** Null: a logger of the program's own, or not known yet. */
    readonly logLevel: string | null;
  })[];
}

/**
 * What an operator decides for all tenants and nodes when there is trouble (A8). `by` is who, for the audit trail and for
 * whoever looks at it next. All of it is audited.
 */
export interface OperatorOperations {
  /** Clean-up and sweeping of last-seen times stop after the batch at work; nobody grows idle meanwhile. */
  pauseCleanup(input: { readonly by: string }): Promise<Told>;
  resumeCleanup(input: { readonly by: string }): Promise<Told>;
  cleanupStatus(): Promise<CleanupStatus>;

  /**
   * A ceiling over the lifetimes of every tenant's policy, existing sessions included: the record judges by it from the
   * commit on, and access tokens from before are superseded, so their clients refresh under it. In place of the one before;
   * `revocation` is null where that was as low in everything, so that no token lives longer.
   */
  overrideLifetimes(input: {
    readonly by: string;
    readonly ceiling: LifetimeCeiling;
    readonly end: OverrideEnd;
    /** BARRIER: 0 to 30000; null: 2000. */
    readonly waitMs: number | null;
  }): Promise<{
    readonly override: Override;
    /** The one that was in force until now, none of whose ceilings is any more; null: there was none. */
    readonly replaced: Override | null;
    readonly revocation: Revocation | null;
  }>;

  /** Tightens every tenant's `login_limit`; what is looser than a tenant's own changes nothing there. */
  overrideLimits(input: {
    readonly by: string;
    readonly limits: LimitOverride;
    readonly end: OverrideEnd;
  }): Promise<Told & { readonly override: Override }>;

  /** `node` null: all of them; one for a node goes before one for all. `end` null: until it is cleared. */
  overrideLogLevel(input: {
    readonly by: string;
    readonly level: string;
    readonly node: string | null;
    readonly end: OverrideEnd | null;
  }): Promise<Told & { readonly override: Override }>;

  /** Ends one early. @throws `not_found` when none is in force. */
  clearOverride(input: {
    readonly by: string;
    readonly kind: OverrideValue['kind'];
    readonly node: string | null;
  }): Promise<Told>;

  /**
   * Every access token of a tenant (null: of all) is superseded: each client refreshes at its next request, and gets a new
   * access token and a new refresh token; the one before is used up. Nobody is logged out.
   */
  regenerateSessions(input: {
    readonly by: string;
    /** Slug. */
    readonly tenant: string | null;
    readonly waitMs: number | null;
  }): Promise<Revocation>;

  operations(): Promise<OperationsStatus>;
}
