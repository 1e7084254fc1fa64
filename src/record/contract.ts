import type { AuditEvent, NewAuditEvent } from '../audit/types.ts';
import type { Head } from '../revocation/types.ts';
import type { LoginLimit, Policy, TenantState, User } from '../tenant/types.ts';
import type { AttemptStore } from './attempt-contract.ts';
import type { BackupStore } from './backup-contract.ts';
import type { CleanupStore } from './cleanup-contract.ts';
import type { ClientStore } from './client-contract.ts';
import type { LogStore } from './log-contract.ts';
import type { OperationsStore } from './operations-contract.ts';
import type { SessionStore } from './session-contract.ts';
import type { AuditFilter, HistoryCheck, Page, RecordSchema, StoredKey } from './shapes.ts';
import type { SweepStore } from './sweep-contract.ts';
import type { TrailStore } from './trail-contract.ts';

export type {
  AttemptBucket,
  AttemptStore,
  LimitedAccount,
  ReserveOutcome,
} from './attempt-contract.ts';
export type { BackupStore, BackupSummary } from './backup-contract.ts';
export type { ClientCredentials, ClientStore, ServiceClient } from './client-contract.ts';
export type {
  Actor,
  Change,
  CommitOutcome,
  CommitRequest,
  LogRow,
  LogStore,
  NewClientSecret,
  OperationState,
  Regenerate,
  RestoredKeys,
} from './log-contract.ts';
export type {
  LoginFacts,
  MintFacts,
  NewSession,
  OpenOutcome,
  RefreshCandidate,
  ReplacedSight,
  RotateOutcome,
  RotateRequest,
  SessionRow,
  SessionStore,
  Sight,
} from './session-contract.ts';
export type {
  AuditFilter,
  HistoryCheck,
  LiveMember,
  Page,
  RecordSchema,
  RefreshSlots,
  StoredKey,
} from './shapes.ts';

/**
 * The record: the only source of truth. One verb is one atomic operation; those of a tenant take the tenant first; what
 * can happen is a discriminated union, and "absent" is never "unreachable": that is a thrown SekishoError
 * (`store_unavailable`: nothing was done; `outcome_unknown`: it may have been).
 *
 * Times come in as milliseconds since 1970 from the caller's wall time; SQL never calls now() for a lifetime.
 * Hashes are raw SHA-256 bytes (32).
 */
export interface RecordStore {
  readonly kind: 'pglite' | 'postgres';
  readonly log: LogStore;
  readonly members: MemberStore;
  readonly tenants: TenantStore;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly clients: ClientStore;
  readonly attempts: AttemptStore;
  readonly audit: AuditStore;
  readonly trail: TrailStore;
  readonly keys: KeyStore;
  readonly maintenance: MaintenanceStore;
  readonly cleanup: CleanupStore;
  readonly operations: OperationsStore;
  readonly sweep: SweepStore;
  /** Not of a record in memory. */
  readonly backups?: BackupStore;

  /** Embedded: resolves, with the reason, when the database has ended by itself. Nothing but a new start brings it back. */
  readonly crashed?: Promise<Error>;

  /** Brings the schema up to this release's; safe when two nodes start at once. */
  migrate(): Promise<void>;
  /** What stands in it about its schema. */
  schema(): Promise<RecordSchema>;
  /** Statements sent so far, for tests of A6. */
  statementCount(): number;
  close(): Promise<void>;
}

// ── Members ───────────────────────────────────────────────────────────────────────────────────────────────────────

export interface NewMember {
  readonly id: string;
  readonly leaseMs: number;
  readonly toleranceMs: number;
  /** Of the protocol, not of the package. */
  readonly version: number;
  /** Where operators find it, such as `http://127.0.0.1:4001`; null when unknown. */
  readonly address: string | null;
}

export interface MemberRow extends NewMember {
  readonly beat: number;
  readonly generation: string | null;
  readonly applied: number;
  readonly joinedAtMs: number;
}

/** What a heartbeat tells operators of its node. No rule of the protocol reads any of it. */
export interface MemberReport {
  /** Milliseconds that the heartbeat before it took; null before the first. */
  readonly lastHeartbeatMs: number | null;
  readonly hub: string;
  readonly hubWorking: boolean;
}

/** A member as operators see it. */
export interface WatchedMember extends MemberRow {
  /** Null before its first heartbeat. */
  readonly report: MemberReport | null;
  /**
   * Milliseconds since its last heartbeat by the record's clock; null before the first. For display only: the protocol
   * compares no timestamps (MEMBERS).
   */
  readonly beatAgeMs: number | null;
}

export interface MemberStore {
  /** MEMBERS, first step. Returns the record's time, for WALL TIME. */
  join(member: NewMember): Promise<HistoryCheck & { readonly recordTimeMs: number }>;
  /** HEARTBEAT: proves, renews and acknowledges in one write. `urgent`: it goes before all other statements. */
  heartbeat(
    id: string,
    generation: string,
    applied: number,
    report?: MemberReport,
  ): Promise<Heartbeat>;
  /** BARRIER: an UPDATE of the caller's own row that returns all members; `removed` when that row is gone. */
  listForBarrier(id: string): Promise<
    | (HistoryCheck & {
        readonly kind: 'members';
        readonly settled: boolean;
        readonly members: readonly MemberRow[];
      })
    | { readonly kind: 'removed' }
  >;
  list(): Promise<readonly MemberRow[]>;
  /** For operators: the members and the head in one read, which waits for a second at most. */
  watch(): Promise<{ readonly head: Head; readonly members: readonly WatchedMember[] }>;
  leave(id: string): Promise<void>;
  /** Removes a member if its beat still is `beat`. */
  remove(id: string, beat: number): Promise<boolean>;
  /** Embedded only: the holder of the directory's lock deletes all other rows. */
  removeAllBut(id: string): Promise<void>;
}

export type Heartbeat =
  | (HistoryCheck & { readonly kind: 'beat'; readonly recordTimeMs: number })
  | { readonly kind: 'removed' };

// ── Tenants and users ─────────────────────────────────────────────────────────────────────────────────────────────

export interface TenantRow extends TenantState {
  readonly createdAtMs: number;
}

export interface TenantStore {
  bySlug(slug: string): Promise<TenantRow | null>;
  byId(tid: string): Promise<TenantRow | null>;
  /** Newest first. */
  list(page: Page): Promise<readonly TenantRow[]>;
  policy(tid: string, nowMs: number): Promise<TenantPolicy | null>;
  stats(tid: string, nowMs: number): Promise<TenantStats>;
  /** Rows that `deleteRows` would remove; of each table at most `most` are counted, and null says that some has more. */
  countRows(tid: string, most: number): Promise<number | null>;
  /**
   * Removes at most `batch` rows of a tenant that is being deleted; `done` when the tenant's own went, and its slug with it:
   * then `audit` was written. What outlives a tenant stays: its entries, floors and reissues, operations, audit trail.
   */
  deleteRows(
    tid: string,
    batch: number,
    audit: readonly NewAuditEvent[],
  ): Promise<{ readonly kind: 'removed' | 'done' | 'not_found'; readonly rows: number }>;
}

/** A tenant's policy at a time. */
export interface TenantPolicy {
  /** The tenant's own that is in force. */
  readonly policy: Policy;
  /** Counts changes, and the end of an override as one. */
  readonly version: number;
  /** Up to when it is in force, and what is then; null: until somebody changes it. */
  readonly override: { readonly untilMs: number; readonly after: Policy } | null;
  /** The limits under what operators have decided for all tenants. */
  readonly loginLimit: LoginLimit;
}

export interface TenantStats {
  readonly users: number;
  readonly activeUsers: number;
  readonly activeSessions: number;
  readonly logins24h: number;
  readonly failedLogins24h: number;
  readonly revocations24h: number;
}

export interface UserStore {
  get(tid: string, uid: string): Promise<User | null>;
  byEmail(tid: string, email: string): Promise<User | null>;
  byExternalId(tid: string, externalId: string): Promise<User | null>;
  /** Newest first. */
  list(tid: string, page: Page): Promise<readonly User[]>;
  /** Replaces a hash made with older parameters, only if it still is `oldHash`. */
  rehash(tid: string, uid: string, oldHash: string, newHash: string): Promise<void>;
}

// ── Audit, keys, maintenance ──────────────────────────────────────────────────────────────────────────────────────

export interface AuditStore {
  /** Rows that belong to no other write (refused tokens, denied authorizations, failed logins). `tid` null: operators'. */
  append(events: readonly NewAuditEvent[]): Promise<void>;
  /** Newest first. `tid` '': operators'. As many looks as it takes until the page is full. */
  list(tid: string, filter: AuditFilter, page: Page): Promise<readonly AuditEvent[]>;
  /**
   * The same by one look, at `ROWS_A_LOOK` rows at most, so that a filter that fits few of them keeps nobody else waiting.
   * `next`: where to go on, also behind a page with few rows or none; null at the end.
   */
  look(tid: string, filter: AuditFilter, page: Page): Promise<AuditLook>;
}

export interface AuditLook {
  readonly rows: readonly AuditEvent[];
  readonly next: Page['cursor'];
}

export interface KeyStore {
  list(): Promise<readonly StoredKey[]>;
  /**
   * Inserts `key`, with `audit`, unless one with the same purpose became active at or after `unlessActiveSinceMs`; true if
   * inserted.
   */
  add(
    key: StoredKey,
    unlessActiveSinceMs: number,
    audit?: readonly NewAuditEvent[],
  ): Promise<boolean>;
  /** It signs no more from `atMs` on, and `audit` says so; of several retirements the earliest holds. */
  retire(kid: string, atMs: number, audit?: readonly NewAuditEvent[]): Promise<void>;
  /** Settings kept in the record from the first start on (issuer …): stores `value` unless one is there; returns what is there. */
  setting(name: string, value: string): Promise<string>;
  /** Puts `value` in place of `expected`, where that still stands. @returns what is there afterwards. */
  replaceSetting(name: string, expected: string, value: string): Promise<string>;
  /** The issuers of the tokens as JSON (token/issuer.ts); null where the first one was never changed. */
  issuerSchedule(): Promise<string | null>;
  /** Stores another schedule where `expected` still stands, with `audit`; false where it does not. */
  changeIssuer(
    expected: string | null,
    schedule: string,
    newest: string,
    audit: readonly NewAuditEvent[],
  ): Promise<boolean>;
}

export interface MaintenanceStore {
  /**
   * FORGET: entries committed before `beforeMs` are no longer given to nodes (`horizon`); administrators still read them.
   * It must lie further back than the longest access token lives, and MAX_TERM. Returns the horizon.
   */
  forgetLog(beforeMs: number): Promise<number>;
  /**
   * PGlite only: CHECKPOINT, and with `whole` (the default) VACUUM before it (it does neither by itself); nothing on
   * PostgreSQL.
   */
  checkpoint(whole?: boolean): Promise<void>;
  /**
   * PGlite only: VACUUM of the tables in which many rows have been removed since the last one. In the middle of a long
   * clean-up, so that none of them holds the database up for long; nothing where there is little to do.
   */
  vacuumDue(): Promise<void>;
}
