import type { NewAuditEvent } from '../audit/types.ts';
import type { Entry, Head } from '../revocation/types.ts';
import type { LimitOverride } from '../tenant/login-limit.ts';
import type { Policy, Tenant, TenantState, User } from '../tenant/types.ts';
import type { HistoryCheck, Page, RefreshSlots } from './shapes.ts';

/** One login on one device, judged at the time of the call. Times are milliseconds since 1970. */
export interface SessionRow {
  readonly sid: string;
  readonly uid: string;
  /** As the device named itself at login; null where it did not. */
  readonly deviceName: string | null;
  readonly deviceKind: string | null;
  /** Where the login came from. */
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly createdAtMs: number;
  /** The last authenticated request, as far as it has been written. */
  readonly lastSeenAtMs: number;
  /** The absolute end under the session's own and the tenant's present policy, whichever is earlier. */
  readonly expiresAtMs: number;
  /** When the user last proved who they are, and how (RFC 8176). */
  readonly authTimeMs: number;
  readonly amr: readonly string[];
  /** EPOCH: the head of the log when its credentials were read. */
  readonly generation: string;
  readonly epoch: number;
  /** Refreshes so far. */
  readonly rot: number;
  /** What a refresh would say of it: `expired` is idle for too long, or past its absolute end. */
  readonly state: 'active' | 'expired' | 'revoked';
}

/** EPOCH: everything a login decides by, read in one statement together with the head. */
export interface LoginFacts extends HistoryCheck {
  readonly tenant: TenantState | null;
  /** As it is in force, under what operators have decided for all tenants. */
  readonly policy: Policy | null;
  /** What they have decided of login limits, which holds for tenants that do not exist, too; null: nothing. */
  readonly limits: LimitOverride | null;
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
  /**
   * Sessions that the person would rather end than be refused by the device cap: as many of them as it takes, in this order,
   * and none while there is room. What is no alive session of this user counts for nothing. Default none.
   */
  readonly endSids?: readonly string[];
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
  | {
      readonly kind: 'session_limit_reached';
      /** The alive ones, the one that was used least first. */
      readonly sessions: readonly SessionRow[];
      /** How many of them must end before one may begin: more than one where the policy has lowered the cap. */
      readonly surplus: number;
    }
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
      readonly uid: string;
      readonly attempts: number;
      readonly windowMs: number;
      readonly retryAfterMs: number;
    }
  /** Of a chain that re-authentication ended: 401. Nothing says that it is stolen. */
  | { readonly kind: 'superseded'; readonly uid: string; readonly withinWindow: boolean }
  /** A stolen one. The caller revokes the session (reason `token_reuse`). */
  | { readonly kind: 'reused'; readonly uid: string }
  | { readonly kind: 'revoked'; readonly uid: string }
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
  loginFacts(slug: string, email: string, nowMs: number): Promise<LoginFacts>;
  /** The same for products that log people in themselves. */
  subjectFacts(tid: string, uid: string, nowMs: number): Promise<LoginFacts>;
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
  /**
   * The session whose live refresh token has this hash, alive, of an active user and tenant; null otherwise. `issuedAtMs`:
   * null where the record has lost the rotation that issued it.
   */
  ofLiveRefreshToken(
    tid: string,
    sid: string,
    tokenHash: Uint8Array,
    nowMs: number,
  ): Promise<{
    readonly session: SessionRow;
    readonly user: User;
    readonly issuedAtMs: number | null;
  } | null>;
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
