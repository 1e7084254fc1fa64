import type { NewAuditEvent } from '../audit/types.ts';
import type { Entry, Head, Lineage, SnapshotHeader, Subject } from '../revocation/types.ts';
import type { Policy, User } from '../tenant/types.ts';
import type { OperationChange } from './operations-contract.ts';
import type { SessionRow } from './session-contract.ts';
import type { HistoryCheck, Page, RefreshSlots, StoredKey } from './shapes.ts';

export interface LogStore {
  head(): Promise<HistoryCheck & { readonly recordTimeMs: number }>;
  /**
   * FOLLOW: entries after `after`, in order, at most `limit`; also the pages of a snapshot. `horizon` is the last position
   * the record no longer keeps: when `after < horizon` a snapshot is needed instead.
   */
  fetch(
    after: number,
    limit: number,
  ): Promise<HistoryCheck & { readonly entries: readonly Entry[]; readonly horizon: number }>;
  /** FOLLOW: what a snapshot is of; its entries are fetched after its `horizon`, up to its head (revocation/snapshots.ts). */
  snapshot(): Promise<SnapshotHeader & { readonly identityAgrees: boolean }>;
  lineage(): Promise<HistoryCheck & { readonly lineage: Lineage }>;
  /**
   * GENERATION: under the head lock, when the head's generation still is `expected` and either the identity still
   * differs or `force` (an `applied` above the head was seen). Otherwise it leaves all as it is.
   */
  beginGeneration(expected: string, id: string, force: boolean): Promise<Head>;
  /** FIRST TERM: marks a generation as settled. */
  settle(generation: string): Promise<void>;
  /** Commits requests in one transaction, judged one after the other (COMMIT, AUTHORITY, BATCH); answers in order. */
  commit(requests: readonly CommitRequest[]): Promise<readonly CommitOutcome[]>;
  /** What became of an operation, in a tenant (null: operators' own). */
  operation(tid: string | null, operationId: string): Promise<OperationState>;
  /** UNKNOWN OUTCOME: the same, but an unknown id is inserted as abandoned, so that it cannot happen afterwards. */
  operationOrAbandon(tid: string | null, operationId: string): Promise<OperationState>;
  list(tid: string, page: Page): Promise<readonly LogRow[]>;
  /** Of each row's operation the last entry, in the same order: whoever has applied that one has applied all of it. */
  lastEntries(tid: string, rows: readonly LogRow[]): Promise<readonly LogRow[]>;
  /** The digest of RECONCILE over positions `from` to `to`, both included: SHA-256 in hex, see revocation/digest.ts. */
  digest(from: number, to: number): Promise<HistoryCheck & { readonly digest: string }>;
}

export type OperationState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'abandoned' }
  /** Of its first entry and of its last, which are one where it has only one; null: it appended none that is still kept. */
  | { readonly kind: 'committed'; readonly row: LogRow | null; readonly last: LogRow | null };

/** A line of the log with what people want to know of it. */
export interface LogRow {
  readonly operationId: string;
  readonly generation: string;
  readonly position: number;
  readonly scope: string;
  readonly tid: string | null;
  readonly uid: string | null;
  readonly sid: string | null;
  readonly sparedSid: string | null;
  readonly reason: string | null;
  readonly committedAtMs: number;
}

/**
 * One administrative write: who wants it, what it revokes, what it changes, how it is audited; all in one transaction.
 * A request without `revoke` takes no head lock.
 */
export interface CommitRequest {
  /** Unique for ever; repeating a committed id answers `duplicate`. With several entries, it names the first. */
  readonly operationId: string;
  readonly actor: Actor;
  /** Entries to append, in order. Entry n > 0 gets the operation id `${operationId}.${n}`. */
  readonly revoke: readonly Subject[];
  readonly change: Change | null;
  /** For people: why. ≤ 500 characters. */
  readonly reason: string | null;
  readonly nowMs: number;
  readonly audit: readonly NewAuditEvent[];
  /** Caller's `Idempotency-Key`, kept for 24 h per actor, and a hash of the body that came with it. */
  readonly idempotency: { readonly key: string; readonly bodyHash: Uint8Array } | null;
  /** HAND IN: the entry was committed in a history that is lost, so an abandonment does not hold it up. Default false. */
  readonly handIn?: boolean;
  /**
   * RESTORE: the id of a generation, unused until now, that is begun by force before anything else of this request, in the
   * same transaction. Open password resets go with it: some may have been used after the backup. Operators only.
   */
  readonly restored?: string;
  /** RESTORE: what becomes of the signing keys; with `restored` only. */
  readonly restoredKeys?: RestoredKeys;
}

/**
 * RESTORE: every signing key that is there counts as retired since `withdrawnAtMs`, and `key` signs in their place. Either
 * time is put earlier where the record's own clock has not come to it.
 */
export interface RestoredKeys {
  /** So long ago that no token of theirs is good any more. */
  readonly withdrawnAtMs: number;
  readonly key: StoredKey;
}

/** Whose authority a write rests on; AUTHORITY judges it after the last lock. */
export type Actor =
  /** The session must be alive and pass every floor; with `role`, its user must still have that role. */
  | {
      readonly kind: 'session';
      readonly tid: string;
      readonly uid: string;
      readonly sid: string;
      readonly role: string | null;
    }
  /** A verified access token that ends its own session: its entry is written whether or not a row is found. */
  | { readonly kind: 'token'; readonly tid: string; readonly uid: string; readonly sid: string }
  /** Whoever holds a one-time password reset token; it is used up. */
  | { readonly kind: 'reset'; readonly tid: string; readonly tokenHash: Uint8Array }
  /** The operator at the machine (control socket or data directory). */
  | { readonly kind: 'operator'; readonly name: string }
  /** Sekisho itself: theft, device cap, clean-up. */
  | { readonly kind: 'system' };

export type Change =
  | {
      readonly kind: 'user_create';
      readonly tid: string;
      readonly uid: string;
      readonly email: string;
      readonly name: string;
      readonly roles: readonly string[];
      readonly externalId: string | null;
      readonly passwordHash: string | null;
      readonly reset: NewReset | null;
    }
  | {
      readonly kind: 'user_patch';
      readonly tid: string;
      readonly uid: string;
      readonly ifVersion: number | null;
      /** For products that bring their own users (`sessions.create`); outcome `email_taken`. */
      readonly email?: string;
      readonly name?: string;
      readonly roles?: readonly string[];
      readonly status?: 'active' | 'disabled';
    }
  | {
      readonly kind: 'user_delete';
      readonly tid: string;
      readonly uid: string;
      /** `If-Match`; outcome `precondition_failed`. */
      readonly ifVersion?: number | null;
    }
  /** A new password; every open reset token of the user dies with it. With `kind: 'reset'` actors uid is null. */
  | {
      readonly kind: 'password_set';
      readonly tid: string;
      readonly uid: string | null;
      readonly passwordHash: string;
      readonly regenerate: Regenerate | null;
    }
  /** The old password is dead, a reset token is made. */
  | {
      readonly kind: 'password_reset';
      readonly tid: string;
      readonly uid: string;
      readonly reset: NewReset;
    }
  /** Re-authentication: a new chain of refresh tokens and a new `auth_time` for the same session. */
  | {
      readonly kind: 'session_regenerate';
      readonly tid: string;
      readonly uid: string;
      readonly regenerate: Regenerate;
    }
  /** Marks sessions as ended in the record: `sid`, or all of `uid` or the tenant but the spared one. */
  | {
      readonly kind: 'session_end';
      readonly tid: string;
      readonly uid: string | null;
      readonly sid: string | null;
      readonly sparedSid: string | null;
      readonly how: 'revoked' | 'logout';
    }
  | {
      readonly kind: 'policy_put';
      readonly tid: string;
      readonly policy: Policy;
      /** Up to when it takes the place of the one that is there, which is in force again then. Default: for good. */
      readonly overrideUntilMs?: number | null;
      readonly ifVersion: number | null;
    }
  | OperationChange
  | {
      readonly kind: 'tenant_create';
      readonly tid: string;
      readonly slug: string;
      readonly name: string;
      readonly policy: Policy;
      readonly admin: {
        readonly uid: string;
        readonly email: string;
        readonly name: string;
        readonly passwordHash: string;
      };
      /** True: only when the record has no tenant at all (bootstrap); otherwise the outcome is `not_first`. */
      readonly onlyFirst: boolean;
    }
  /** What is being deleted cannot be changed any more: `not_found`. */
  | {
      readonly kind: 'tenant_patch';
      readonly tid: string;
      readonly name?: string;
      readonly status?: 'active' | 'suspended';
    }
  /** The tenant's rows go afterwards (`TenantStore.deleteRows`); once more does no harm. */
  | { readonly kind: 'tenant_delete'; readonly tid: string }
  | {
      readonly kind: 'client_create';
      readonly tid: string;
      readonly cid: string;
      readonly name: string;
      readonly secret: NewClientSecret;
    }
  /** A new secret; the newest until now is good until `oldEndsAtMs`, or its own end where that is earlier. */
  | {
      readonly kind: 'client_secret';
      readonly tid: string;
      readonly cid: string;
      readonly secret: NewClientSecret;
      readonly oldEndsAtMs: number;
    }
  | { readonly kind: 'client_delete'; readonly tid: string; readonly cid: string };

export interface NewClientSecret {
  readonly hash: Uint8Array;
  /** Null: without an end. */
  readonly endsAtMs: number | null;
}

export interface NewReset {
  readonly tokenHash: Uint8Array;
  readonly expiresAtMs: number;
}

export interface Regenerate {
  readonly sid: string;
  readonly refresh: RefreshSlots;
  readonly authTimeMs: number;
  readonly amr: readonly string[];
  /** As in `RotateRequest`. */
  readonly seenRot: number;
}

export type CommitOutcome =
  | {
      readonly kind: 'committed';
      /** The entries that were appended, in order (none when nothing was revoked). */
      readonly entries: readonly Entry[];
      /** The head after the commit: generation and `token_epoch` of a token minted from this outcome. */
      readonly head: Head;
      /** The user after the change, where one was changed. */
      readonly user: User | null;
      /** The session after the change (`password_set`, `session_regenerate`). */
      readonly session: SessionRow | null;
      /** The policy's version after `policy_put`. */
      readonly version: number | null;
    }
  /** This operation id, or this idempotency key, was committed before; `row` is its first entry, if it had one. */
  | { readonly kind: 'duplicate'; readonly operationId: string; readonly row: LogRow | null }
  | { readonly kind: 'idempotency_key_reused' }
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'actor_revoked' | 'actor_expired' | 'role_lost' }
  | { readonly kind: 'reset_unknown' }
  | { readonly kind: 'last_administrator' }
  /** The object does not exist in this tenant. */
  | { readonly kind: 'not_found' }
  | { readonly kind: 'email_taken' | 'external_id_taken' | 'slug_taken' | 'not_first' }
  | { readonly kind: 'precondition_failed' }
  /** `policy_put`: time-outs would have been longer again after shorter ones more often than the record keeps, 100 times. */
  | { readonly kind: 'too_many_policies' }
  /** UPGRADE: a member of an older release does not know the scope of an entry yet. */
  | { readonly kind: 'members_behind' }
  /** The server's identity is not the head's: begin a generation and repeat. Nothing of the batch was written. */
  | { readonly kind: 'identity_changed'; readonly head: Head };
