import type { AuditEvent, NewAuditEvent } from '../audit/types.ts';
import type { Entry, Head, Lineage, SnapshotHeader, Subject } from '../revocation/types.ts';
import type { LoginLimit, Policy, Tenant, User } from '../tenant/types.ts';
import type { SweepStore } from './sweep-contract.ts';

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
  readonly attempts: AttemptStore;
  readonly audit: AuditStore;
  readonly keys: KeyStore;
  readonly maintenance: MaintenanceStore;
  readonly sweep: SweepStore;

  /** Embedded: resolves, with the reason, when the database has ended by itself. Nothing but a new start brings it back. */
  readonly crashed?: Promise<Error>;

  /** Brings the schema up to this release's; safe when two nodes start at once. */
  migrate(): Promise<void>;
  /** Statements sent so far, for tests of A6. */
  statementCount(): number;
  close(): Promise<void>;
}

// ── The revocation log ────────────────────────────────────────────────────────────────────────────────────────────

/** What every read of the protocol returns beside its result: results of a foreign history are dropped. */
export interface HistoryCheck {
  readonly head: Head;
  /** Whether the server's identity is the one in the head row; if not, begin a generation and ask again. */
  readonly identityAgrees: boolean;
}

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
  /** The digest of RECONCILE over positions `from` to `to`, both included: SHA-256 in hex, see revocation/digest.ts. */
  digest(from: number, to: number): Promise<HistoryCheck & { readonly digest: string }>;
}

export type OperationState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'committed'; readonly row: LogRow | null };

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
      readonly ifVersion: number | null;
    }
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
    };

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

/** What a session's row keeps of its refresh chain when a token is issued. */
export interface RefreshSlots {
  /** Hash of the token that is being issued. */
  readonly currentHash: Uint8Array;
  /** Hash of its successor, HMAC-SHA-256(key, token), derived with `successorKeyId`. */
  readonly successorHash: Uint8Array;
  readonly successorKeyId: string;
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
  /** UPGRADE: a member of an older release does not know the scope of an entry yet. */
  | { readonly kind: 'members_behind' }
  /** The server's identity is not the head's: begin a generation and repeat. Nothing of the batch was written. */
  | { readonly kind: 'identity_changed'; readonly head: Head };

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

/** Keyset page: rows after `cursor` in the verb's own order. */
export interface Page {
  /** 1 to 200. */
  readonly limit: number;
  /** Sort key of the last row seen: its time and its id (or position as a string). */
  readonly cursor: { readonly atMs: number; readonly id: string } | null;
}

export interface TenantStore {
  bySlug(slug: string): Promise<(Tenant & { readonly status: 'active' | 'suspended' }) | null>;
  byId(tid: string): Promise<(Tenant & { readonly status: 'active' | 'suspended' }) | null>;
  list(page: Page): Promise<readonly (Tenant & { readonly createdAtMs: number })[]>;
  policy(tid: string): Promise<{ readonly policy: Policy; readonly version: number } | null>;
  stats(tid: string, nowMs: number): Promise<TenantStats>;
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

// ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────

export interface SessionRow {
  readonly sid: string;
  readonly uid: string;
  readonly deviceName: string | null;
  readonly deviceKind: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly createdAtMs: number;
  readonly lastSeenAtMs: number;
  /** The absolute end under the session's own and the tenant's present policy, whichever is earlier. */
  readonly expiresAtMs: number;
  readonly authTimeMs: number;
  readonly amr: readonly string[];
  readonly generation: string;
  readonly epoch: number;
  readonly rot: number;
  readonly state: 'active' | 'expired' | 'revoked';
}

/** EPOCH: everything a login decides by, read in one statement together with the head. */
export interface LoginFacts extends HistoryCheck {
  readonly tenant: (Tenant & { readonly status: 'active' | 'suspended' }) | null;
  readonly policy: Policy | null;
  readonly user: User | null;
  readonly passwordHash: string | null;
}

export interface NewSession {
  readonly sid: string;
  readonly uid: string;
  readonly deviceName: string | null;
  readonly deviceKind: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly amr: readonly string[];
  readonly refresh: RefreshSlots;
  /** Head of the statement that read the credentials. */
  readonly epoch: Head;
  readonly nowMs: number;
  /** One for `session_created` and the login; the eviction of another session is audited by the verb itself. */
  readonly audit: readonly NewAuditEvent[];
}

/** What an access token is minted from; read by one statement. */
export interface MintFacts {
  readonly session: SessionRow;
  readonly user: User;
  readonly policy: Policy;
  /** Generation and `token_epoch` of the token. */
  readonly head: Head;
}

export type OpenOutcome =
  | {
      readonly kind: 'opened';
      readonly mint: MintFacts;
      /** Entries of the sessions that the device cap ended. */
      readonly evicted: readonly Entry[];
    }
  | { readonly kind: 'session_limit_reached'; readonly sessions: readonly SessionRow[] }
  /** A revocation, a disabling or a password change won; or the user or tenant is gone. */
  | { readonly kind: 'superseded' }
  | { readonly kind: 'generation_changed' }
  | { readonly kind: 'identity_changed'; readonly head: Head };

/** One candidate a key of the ring: what the presented token's successor would be under that key. */
export interface RefreshCandidate {
  readonly keyId: string;
  readonly successorHash: Uint8Array;
  /** Hash of the successor's successor, under the newest key. */
  readonly afterHash: Uint8Array;
}

export interface RotateRequest {
  readonly sid: string;
  readonly presentedHash: Uint8Array;
  /** One a key of the ring, newest first. */
  readonly candidates: readonly RefreshCandidate[];
  /** The highest `rot` of an access token of this session that this node has seen and not yet reported; 0: none. */
  readonly seenRot: number;
  readonly nowMs: number;
  /** Audit row of a rotation (a replay is not audited); a lost answer becomes `authn_token_answer_lost`. */
  readonly audit: NewAuditEvent;
}

/** What an answer with tokens is made from. */
interface RefreshAnswer {
  /** One successor a key id is derived, in order; the last is the live token. */
  readonly keyIds: readonly string[];
  readonly mint: MintFacts;
  /**
   * For so long after `nowMs` no other answer takes this one's place. What would be delivered later is not delivered: the
   * client's repeat may have got another answer, and this one would look like a thief's.
   */
  readonly deliverWithinMs: number;
}

/** docs/refresh.md has the whole table. */
export type RotateOutcome =
  /** The live token was used. */
  | (RefreshAnswer & { readonly kind: 'rotated' })
  /** A used one within its window. Nothing was written but when it was answered. */
  | (RefreshAnswer & { readonly kind: 'replayed' })
  /** The last used one after its window, and nothing shows that anybody got its answer: the same again, next `rot`. */
  | (RefreshAnswer & { readonly kind: 'answer_lost' })
  /** The live token, too often: wait. It stays the live one. */
  | {
      readonly kind: 'limited';
      readonly attempts: number;
      readonly windowMs: number;
      readonly retryAfterMs: number;
    }
  /** Of a chain that re-authentication ended: 401. Nothing says that it is stolen. */
  | { readonly kind: 'superseded'; readonly withinWindow: boolean }
  /** A stolen one. The caller revokes the session (reason `token_reuse`). */
  | { readonly kind: 'reused'; readonly uid: string }
  | { readonly kind: 'revoked' }
  /** `first`: found by this call, and audited by it. */
  | {
      readonly kind: 'expired';
      readonly uid: string;
      readonly why: 'idle' | 'absolute';
      readonly first: boolean;
    }
  /** No such session, or no such secret: 401 and nothing else. */
  | { readonly kind: 'unknown' }
  /** The row names a key that is not among the candidates: 503. */
  | { readonly kind: 'key_missing'; readonly keyId: string }
  | { readonly kind: 'identity_changed'; readonly head: Head };

/** A node verified an access token of this `rot`: somebody got that answer. */
export interface Sight {
  readonly tid: string;
  readonly sid: string;
  readonly rot: number;
}

/** The sight of an answer that was taken for lost, and replaced. */
export interface ReplacedSight extends Sight {
  readonly uid: string;
}

export interface SessionStore {
  /** EPOCH: one statement, whether or not tenant and user exist. `email` is already lower case and NFC. */
  loginFacts(slug: string, email: string): Promise<LoginFacts>;
  /** The same for products that log people in themselves. */
  subjectFacts(tid: string, uid: string): Promise<LoginFacts>;
  /** MINT of a login: device cap, floors, status and generation under the user's lock. */
  open(tid: string, session: NewSession): Promise<OpenOutcome>;
  /** Refresh: judges, rotates and returns what to mint from, in one statement. */
  rotate(tid: string, request: RotateRequest): Promise<RotateOutcome>;
  /** The session that a refresh token speaks of, alive or not; null when its secret was never one of that session's. */
  ofRefreshToken(
    tid: string,
    sid: string,
    tokenHash: Uint8Array,
    nowMs: number,
  ): Promise<SessionRow | null>;
  get(tid: string, sid: string, nowMs: number): Promise<SessionRow | null>;
  /** Everything `GET /v1/session` shows, in one statement. */
  details(
    tid: string,
    sid: string,
    nowMs: number,
  ): Promise<{ readonly tenant: Tenant; readonly user: User; readonly session: SessionRow } | null>;
  /** Newest first. `uid` null: all of the tenant. */
  list(
    tid: string,
    uid: string | null,
    state: SessionRow['state'] | 'all',
    page: Page,
    nowMs: number,
  ): Promise<readonly SessionRow[]>;
  /** Last-seen in batches, of any tenants; never moves one back, never revives a session. */
  touch(
    seen: readonly { readonly tid: string; readonly sid: string; readonly atMs: number }[],
    sweptThroughMs: number,
  ): Promise<void>;
  /**
   * First sights in batches, of any tenants: raises what is known to have been delivered. Returns those of answers that
   * were replaced, in sessions that are alive, at each call anew: the caller ends these sessions as stolen.
   */
  sighted(sights: readonly Sight[], nowMs: number): Promise<readonly ReplacedSight[]>;
  /** Uses up a socket ticket's id; false when it was used before. */
  useTicket(tid: string, jti: string, expiresAtMs: number): Promise<boolean>;
}

// ── Login attempts ────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── Audit, keys, maintenance ──────────────────────────────────────────────────────────────────────────────────────

export interface AuditFilter {
  readonly actor?: string;
  readonly action?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
}

export interface AuditStore {
  /** Rows that belong to no other write (refused tokens, denied authorizations, failed logins). `tid` null: operators'. */
  append(events: readonly NewAuditEvent[]): Promise<void>;
  /** Newest first. */
  list(tid: string, filter: AuditFilter, page: Page): Promise<readonly AuditEvent[]>;
}

export interface StoredKey {
  readonly kid: string;
  readonly purpose: 'access';
  readonly alg: 'ES256' | 'EdDSA' | 'RS256';
  readonly publicJwk: Readonly<Record<string, unknown>>;
  /** PKCS #8, encrypted with a key derived from SEKISHO_SECRET. */
  readonly privateSealed: Uint8Array;
  /** Not used for signing before; published from creation on. */
  readonly activeFromMs: number;
  /** Not used for signing after; published until its last token has expired. Null: still in use. */
  readonly retiredAtMs: number | null;
}

export interface KeyStore {
  list(): Promise<readonly StoredKey[]>;
  /** Inserts `key` unless one with the same purpose became active at or after `unlessActiveSinceMs`; true if inserted. */
  add(key: StoredKey, unlessActiveSinceMs: number): Promise<boolean>;
  retire(kid: string, atMs: number): Promise<void>;
  /** Settings kept in the record from the first start on (issuer …): stores `value` unless one is there; returns what is there. */
  setting(name: string, value: string): Promise<string>;
  /** Puts `value` in place of `expected`, where that still stands. @returns what is there afterwards. */
  replaceSetting(name: string, expected: string, value: string): Promise<string>;
}

export interface MaintenanceStore {
  /** Removes at most `batch` sessions (with their used hashes, tickets …) that ended before `beforeMs`; how many it removed. */
  deleteEndedSessions(beforeMs: number, batch: number): Promise<number>;
  deleteOldAttempts(beforeMs: number, batch: number): Promise<number>;
  deleteOldTickets(beforeMs: number, batch: number): Promise<number>;
  deleteOldIdempotencyKeys(beforeMs: number, batch: number): Promise<number>;
  deleteOldResets(beforeMs: number, batch: number): Promise<number>;
  /**
   * FORGET: entries committed before `beforeMs` are no longer given to nodes (`horizon`); administrators still read them.
   * It must lie further back than the longest access token lives, and MAX_TERM. Returns the horizon.
   */
  forgetLog(beforeMs: number): Promise<number>;
  /** PGlite only: CHECKPOINT and VACUUM (it does neither by itself); nothing on PostgreSQL. */
  checkpoint(): Promise<void>;
}
