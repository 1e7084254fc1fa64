import type { Name } from './lineage.ts';
import type { Entry } from './types.ts';

/**
 * What a follower reports for logs and metrics. Ids only, never a token; nothing waits for the listener, and what it
 * throws is dropped.
 */
export type FollowerEvent =
  /** MEMBERS: the node may answer. */
  | {
      readonly kind: 'joined';
      readonly memberId: string;
      readonly generation: string;
      readonly applied: number;
    }
  /** MEMBERS: its row was gone; it has stopped answering and joins again under a new id. */
  | { readonly kind: 'removed'; readonly memberId: string }
  | { readonly kind: 'left'; readonly memberId: string }
  /** HEARTBEAT: one came back. `covered`: the node had applied what the head named. */
  | { readonly kind: 'heartbeat'; readonly tookMs: number; readonly covered: boolean }
  /** FOLLOW: entries were applied. */
  | {
      readonly kind: 'applied';
      readonly entries: number;
      readonly position: number;
      readonly from: Source;
    }
  /** FOLLOW: entries are missing and are fetched. */
  | { readonly kind: 'gap'; readonly applied: number; readonly position: number }
  /** UPGRADE: an entry that this release does not understand; the node cannot go on. */
  | { readonly kind: 'unknown_scope'; readonly position: number; readonly scope: string }
  /** GENERATION: this node began one. */
  | { readonly kind: 'generation_begun'; readonly generation: string; readonly parent: string }
  /** LINEAGE: the view goes on in another generation. */
  | { readonly kind: 'generation_entered'; readonly generation: string; readonly applied: number }
  /**
   * HAND IN: the view holds entries that the record has lost; the node answers nobody until they are in it again. What was
   * changed beside them (a password, a status, a role) is lost: an administrator must look at it.
   */
  | {
      readonly kind: 'entries_lost';
      readonly generation: string;
      readonly entries: readonly Entry[];
    }
  /** HAND IN: all of them are in the record again, in this generation, and in the view. */
  | {
      readonly kind: 'entries_handed_in';
      readonly generation: string;
      readonly entries: readonly HandedIn[];
    }
  /** RECONCILE: a defect; the view has been mended from the record. */
  | { readonly kind: 'view_differed'; readonly from: number; readonly to: number }
  /** WALL TIME: the record's clock and this node's time differ by more than MAX_SKEW; ignored until it has lasted. */
  | {
      readonly kind: 'wall_time_step';
      readonly differenceMs: number;
      /** It has lasted, this machine's clock agrees with the record's, and this node's time has been set by it. */
      readonly adopted: boolean;
    }
  /** MEMBERS: this node removed another one that had stopped. */
  | { readonly kind: 'member_removed'; readonly memberId: string }
  /** SOCKETS. */
  | { readonly kind: 'connections_killed'; readonly count: number; readonly why: string }
  /** BARRIER. */
  | {
      readonly kind: 'barrier';
      readonly effective: 'everywhere' | 'pending';
      readonly position: number;
      readonly members: number;
      readonly waitedMs: number;
    }
  /** Something failed and will be tried again; `what` names the rule. */
  | { readonly kind: 'failed'; readonly what: string; readonly error: unknown };

/** An entry under its old and its new name. `to` is null when another node handed it in and the record let go of it since. */
export interface HandedIn {
  readonly operationId: string;
  readonly from: Name;
  readonly to: Name | null;
}

/** Where entries came from. */
export type Source = 'own' | 'hub' | 'record' | 'snapshot';
