import type { LifetimeCeiling } from '../tenant/ceiling.ts';
import type { LimitOverride } from '../tenant/login-limit.ts';

/** What operators decide for all tenants or nodes, for a while (docs/operations.md). One of a kind, and node, at a time. */
export type Override = {
  readonly id: string;
  /** Who, in the operator's own words. */
  readonly by: string;
  readonly begunAtMs: number;
} & OverrideValue;

export type OverrideValue =
  | {
      readonly kind: 'lifetimes';
      readonly value: LifetimeCeiling;
      readonly node: null;
      readonly untilMs: number;
    }
  | {
      readonly kind: 'limits';
      readonly value: LimitOverride;
      readonly node: null;
      readonly untilMs: number;
    }
  | {
      readonly kind: 'log_level';
      readonly value: { readonly level: string };
      /** A member; null: all of them. */
      readonly node: string | null;
      /** Null: until somebody clears it. */
      readonly untilMs: number | null;
    };

/** A `Change` of a commit; of no tenant. */
export type OperationChange = { readonly tid: null; readonly by: string } & (
  | ({ readonly kind: 'override_put'; readonly id: string } & {
      readonly override: OverrideValue['kind'];
      readonly node: string | null;
      readonly value: OverrideValue['value'];
      readonly untilMs: number | null;
      /** Id of what must be in force of this kind until then; outcome `precondition_failed`. Default: whatever is, or nothing. */
      readonly replaces?: string;
    })
  /** Outcome `not_found` when none is in force. */
  | {
      readonly kind: 'override_end';
      readonly override: OverrideValue['kind'];
      readonly node: string | null;
    }
  | { readonly kind: 'cleanup_pause'; readonly paused: boolean }
);

export interface OperationsState {
  /** Grows with every change. */
  readonly version: number;
  /** Clean-up and sweeping are paused. `by`: null when a program did it. */
  readonly pause: { readonly by: string | null; readonly atMs: number | null } | null;
  /** What is in force, oldest first. */
  readonly overrides: readonly Override[];
  /** By member: up to which version it has taken in all of this, and at which level it logs (null: a logger of its own). */
  readonly seen: Readonly<
    Record<string, { readonly version: number; readonly logLevel: string | null }>
  >;
}

export interface OperationsStore {
  state(nowMs: number): Promise<OperationsState>;
  /** The member has taken in everything up to `version`. */
  see(memberId: string, version: number, logLevel: string | null): Promise<void>;
}
