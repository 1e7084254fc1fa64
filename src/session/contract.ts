import type { ExportedLine, ExportFormat } from '../audit/export.ts';
import type { TrailStatus } from '../audit/trail.ts';
import type { AuditEvent } from '../audit/types.ts';
import type { CleanupKind, CleanupProgress } from '../record/cleanup-contract.ts';
import type {
  AuditFilter,
  LimitedAccount,
  LogRow,
  Page,
  SessionRow,
  TenantStats,
} from '../record/contract.ts';
import type { Connection, FollowerStatus, Judgement } from '../revocation/contract.ts';
import type { Policy, Tenant, User } from '../tenant/types.ts';
import type { BackupStatus } from './backups.ts';
import type { ClientAdministration, Clients } from './client-contract.ts';
import type { Subscriber } from './events.ts';
import type { Operator } from './operator/contract.ts';
import type { Caller, MemberState, Origin, PasswordReset, Revocation, Session } from './types.ts';

export type { BackupStatus } from './backups.ts';
export type {
  ActiveToken,
  CallingClient,
  Clients,
  ClientWithSecret,
  Introspection,
} from './client-contract.ts';
export type { Operator } from './operator/contract.ts';
export type { Caller, MemberState, Origin, PasswordReset, Revocation, Session } from './types.ts';

/**
 * The use cases: everything Sekisho does, without HTTP. All methods throw SekishoError. `Caller` is an authenticated
 * session; its tenant is the tenant of the call, nothing else is.
 */
export interface Engine {
  readonly authentication: Authentication;
  readonly logins: Logins;
  readonly ownSessions: OwnSessions;
  readonly administration: Administration;
  readonly clients: Clients;
  readonly operator: Operator;
  readonly sockets: Sockets;
  readonly events: Events;
  readonly maintenance: Maintenance;
  /** How the audit trail is sealed, as far as this node knows. */
  readonly trail: { status(): TrailStatus };
  /** Of a record in a data directory, which this process backs up; null for others. */
  readonly backups: { status(): BackupStatus } | null;
  /** Public keys, as a JWK Set (RFC 7517): active, coming and not yet expired ones. */
  jwks(): Promise<{ readonly keys: readonly Readonly<Record<string, unknown>>[] }>;
  /** `iss` of what is minted now; an operator may change it at run time. */
  readonly issuer: string;
  /** Whose tokens are good now: the issuer, and for some minutes around a change the other one. */
  issuers(): ReadonlySet<string>;
  readonly audience: string;
  status(): FollowerStatus;
}

export interface AuthenticateOptions {
  /** Any of these roles is enough. Default: none asked for. */
  readonly roles?: readonly string[];
  /** Exact: waits for a proof newer than this call, never answers within the tolerance. Default false. */
  readonly fresh?: boolean;
  /** 401 `reauthentication_required` when the last proof of identity is older. Seconds ≥ 0. */
  readonly maxAuthAgeSeconds?: number;
  /** Where the request came from: goes into the audit row when `roles` denies it. */
  readonly origin?: Origin;
}

export interface Authentication {
  /**
   * Judges an access token: by itself, by the view, then age and roles. Counts what it refuses (`countRefusal`) and
   * audits what it denies (`denied`) by itself; callers need not.
   * @throws SekishoError `invalid_token` `token_expired` `session_revoked` `token_superseded` `reauthentication_required`
   *   (401), `insufficient_role` (403), `store_unavailable` (503).
   */
  authenticate(token: string, options?: AuthenticateOptions): Promise<Session>;
  /** A token whose signature is good and that this deployment issued, expired or revoked or not; null otherwise. For logout. */
  verifySignature(token: string): Promise<Omit<Session, 'freshness'> | null>;
  /** Counts a refused token for the audit trail (written together, not one by one). */
  countRefusal(code: string, tenantId: string | null): void;
  /** Records a denied authorization in the audit trail. */
  denied(session: Session, needed: string, origin: Origin): void;
}

export interface TokenPair {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string;
  /** Until the session's absolute end. */
  readonly refreshExpiresInSeconds: number;
  readonly session: SessionRow;
  readonly user: User;
}

export interface DeviceInput {
  readonly name: string | null;
  readonly kind: string | null;
}

export interface LoginInput {
  /** Slug. */
  readonly tenant: string;
  readonly email: string;
  readonly password: string;
  readonly device: DeviceInput | null;
  /** From an earlier login's answer: gives an allowance of attempts of its own. */
  readonly deviceToken: string | null;
  readonly endSession?: EndSession;
}

/**
 * Which session (`sid`), or which of several, is to end where the device cap would refuse otherwise: the person's answer to
 * `session_limit_reached`. As many of them end as it takes, in this order, and none while there is room; one that is not
 * an alive session of this user counts for nothing. In the transaction that opens the new one.
 */
export type EndSession = string | readonly string[];

export interface LoginResult extends TokenPair {
  readonly deviceToken: string;
  /** The sessions that the device cap ended, if any. */
  readonly revocation: Revocation | null;
}

export interface CreateSessionInput {
  /** Slug or tid. */
  readonly tenant: string;
  /** `{ externalId }` makes the user on first sight, with e-mail, name and roles; they are brought up to date on every call. */
  readonly user:
    | { readonly uid: string }
    | {
        readonly externalId: string;
        readonly email: string;
        readonly name?: string;
        readonly roles?: readonly string[];
      };
  /** RFC 8176 methods, such as `["pwd", "otp"]`; at least one. */
  readonly amr: readonly string[];
  readonly device?: DeviceInput;
  readonly endSession?: EndSession;
}

export interface Logins {
  /** @throws `invalid_credentials`, `too_many_attempts`, `session_limit_reached`, `tenant_suspended`, 503. */
  login(input: LoginInput, origin: Origin): Promise<LoginResult>;
  /** @throws `invalid_refresh_token`, `token_superseded`, `session_revoked`, `session_expired`, `too_many_attempts`, 503. */
  refresh(refreshToken: string, origin: Origin): Promise<TokenPair>;
  /** Null revocation: it was logged out or expired already. @throws `credentials_required` when nothing verifiable was presented. */
  logout(
    presented: { readonly accessToken: string | null; readonly refreshToken: string | null },
    origin: Origin,
  ): Promise<{ readonly revocation: Revocation | null }>;
  reauthenticate(
    caller: Caller,
    password: string,
  ): Promise<TokenPair & { readonly revocation: Revocation }>;
  changePassword(
    caller: Caller,
    currentPassword: string,
    newPassword: string,
  ): Promise<TokenPair & { readonly revocation: Revocation }>;
  resetPassword(
    token: string,
    newPassword: string,
    origin: Origin,
  ): Promise<{ readonly revocation: Revocation }>;
  /** For products that log people in themselves. */
  createSession(
    input: CreateSessionInput,
    origin: Origin,
  ): Promise<TokenPair & { readonly revocation: Revocation | null }>;
}

export interface OwnSessions {
  current(
    caller: Caller,
  ): Promise<{ readonly tenant: Tenant; readonly user: User; readonly session: SessionRow }>;
  /** Alive ones, newest first. */
  list(caller: Caller, page: Page): Promise<readonly SessionRow[]>;
  revoke(caller: Caller, sid: string): Promise<{ readonly revocation: Revocation }>;
  revokeOthers(caller: Caller): Promise<{ readonly revocation: Revocation }>;
}

export interface RevokeOptions {
  readonly reason: string | null;
  /** 0 to 30000, default 2000. */
  readonly waitMs: number;
  readonly includeSelf: boolean;
  readonly idempotency: { readonly key: string; readonly bodyHash: Uint8Array } | null;
}

/** A tenant's policy as it is in force. */
export interface TenantPolicyState {
  readonly policy: Policy;
  /** Counts changes, and the end of an override as one. */
  readonly version: number;
  /** Up to when, and what follows; null: for good. */
  readonly override: { readonly untilMs: number; readonly after: Policy } | null;
}

export interface Administration extends ClientAdministration {
  listUsers(caller: Caller, page: Page): Promise<readonly User[]>;
  getUser(caller: Caller, uid: string): Promise<User>;
  createUser(
    caller: Caller,
    input: {
      readonly email: string;
      readonly password: string | null;
      readonly name: string | null;
      readonly roles: readonly string[] | null;
    },
  ): Promise<{ readonly user: User; readonly reset: PasswordReset | null }>;
  patchUser(
    caller: Caller,
    uid: string,
    patch: {
      readonly name?: string;
      readonly roles?: readonly string[];
      readonly status?: 'active' | 'disabled';
    },
    ifVersion: number | null,
  ): Promise<{ readonly user: User; readonly revocation: Revocation | null }>;
  deleteUser(
    caller: Caller,
    uid: string,
    ifVersion: number | null,
  ): Promise<{ readonly revocation: Revocation }>;
  resetPassword(
    caller: Caller,
    uid: string,
  ): Promise<{ readonly reset: PasswordReset; readonly revocation: Revocation }>;
  listSessions(
    caller: Caller,
    uid: string | null,
    state: SessionRow['state'] | 'all',
    page: Page,
  ): Promise<readonly SessionRow[]>;
  revokeUser(
    caller: Caller,
    uid: string,
    options: RevokeOptions,
  ): Promise<{ readonly revocation: Revocation }>;
  revokeSession(
    caller: Caller,
    sid: string,
    options: RevokeOptions,
  ): Promise<{ readonly revocation: Revocation }>;
  revokeAll(caller: Caller, options: RevokeOptions): Promise<{ readonly revocation: Revocation }>;
  /** Newest first, each with what is true of it now: barriers of their own, one or two for all of the page. */
  listRevocations(
    caller: Caller,
    page: Page,
  ): Promise<readonly { readonly row: LogRow; readonly revocation: Revocation }[]>;
  /** Runs a barrier of its own, so that the answer is true now. */
  getRevocation(caller: Caller, id: string): Promise<Revocation>;
  getPolicy(caller: Caller): Promise<TenantPolicyState>;
  /**
   * Replaces all of it, an override too. With `overrideUntilMs`, ahead by 30 days at most, until then: what was there for
   * good before is in force again from that moment on, without anybody doing anything.
   */
  putPolicy(
    caller: Caller,
    policy: Policy,
    ifVersion: number | null,
    overrideUntilMs?: number | null,
  ): Promise<TenantPolicyState & { readonly revocation: Revocation | null }>;
  listAudit(caller: Caller, filter: AuditFilter, page: Page): Promise<readonly AuditEvent[]>;
  /**
   * The trail up to now, oldest first, page by page as somebody asks for the next one. Leaves an audit row before the first.
   */
  exportAudit(
    caller: Caller,
    filter: AuditFilter,
    format: ExportFormat,
  ): Promise<AsyncIterable<readonly ExportedLine[]>>;
  listLimited(caller: Caller, page: Page): Promise<readonly LimitedAccount[]>;
  liftLimit(caller: Caller, email: string): Promise<void>;
  nodes(caller: Caller): Promise<readonly NodeState[]>;
  stats(caller: Caller): Promise<TenantStats>;
}

/** The same for administrators: no address. */
export type NodeState = Omit<MemberState, 'address'>;

export interface Sockets {
  issueTicket(
    caller: Caller,
  ): Promise<{ readonly ticket: string; readonly expiresInSeconds: number }>;
  /** Redeems a ticket once. @throws `invalid_token` when it is unknown, used or too old. */
  redeemTicket(ticket: string): Promise<SocketSession>;
  /**
   * SOCKETS: registers a long-lived connection (a socket, an event stream) and judges it in one synchronous block. `kill`
   * is called synchronously when it may no longer live, before any acknowledgement, and must cut it before it returns; it
   * is called at most once, and never after `disconnect`. A judgement other than `pass` registers nothing.
   */
  connect(session: SocketSession, kill: Connection['kill']): LiveConnection;
}

/** A registered connection. */
export interface LiveConnection {
  readonly judgement: Judgement;
  /**
   * Judges one frame, in or out, like a request. A verdict other than `pass` means: cut it. `activity`: the frame came from
   * the person, so it moves last-seen (a ping or a notification does not). Default false.
   */
  checkNow(activity?: boolean): Judgement | { readonly kind: 'ended' };
  disconnect(): void;
}

/** What a ticket stands for: enough to judge a connection without its access token. */
export interface SocketSession {
  readonly session: Session;
  readonly generation: string;
  readonly epoch: number;
  readonly tokenEpoch: number;
  /** The session's absolute end, wall milliseconds. */
  readonly endsAtMs: number;
}

export interface Events {
  /**
   * The tenant's events from now on, or behind the event that some node gave the id `after`, for as long as nobody calls the
   * returned function.
   */
  subscribe(tenantId: string, after: string | null, subscriber: Subscriber): () => void;
  /** The facts by which a long-lived answer (an event stream) opened with `token` is judged. */
  connectionOf(token: string): Promise<SocketSession>;
}

/** Clean-up of what has ended, sweeping of last-seen times, CHECKPOINT and VACUUM of the embedded database. */
export interface Maintenance {
  /**
   * Stops clean-up, sweeping and retention after the batch that is running: here at once, on every other node within a second of
   * when it resolves. Nobody grows idle meanwhile. Rejects when the record could not be told.
   */
  pause(): Promise<void>;
  resume(): Promise<void>;
  status(): MaintenanceStatus;
}

export interface MaintenanceStatus {
  readonly state: 'idle' | 'running' | 'paused';
  /** Wall milliseconds of the last complete run; null before the first. */
  readonly lastRunAtMs: number | null;
  /** Rows that this node removed since its start, by kind. */
  readonly removed: Readonly<Record<CleanupKind, number>>;
  /** Of this node's run that is at work, or its last one. */
  readonly progress: CleanupProgress;
  /** FORGET: nodes that join take in the log above this position; null before the first run. */
  readonly horizon: number | null;
  /** Batches that failed since the start; they are tried again in the next run. */
  readonly failures: number;
  /** Sweeping of last-seen times out of the hub; null where they go straight to the record. */
  readonly sweep: SweepStatus | null;
}

/** What this node knows of sweeping: of its own sweep, or of another node's when it last looked. */
export interface SweepStatus {
  /** `running`: here. */
  readonly state: 'idle' | 'running' | 'paused';
  /** Which member sweeps. */
  readonly holder: string | null;
  readonly number: number;
  /** Of the sweep at work, or of the last one: keys read, sessions written to the record, masters gone through. */
  readonly keysSeen: number;
  readonly swept: number;
  readonly mastersDone: number;
  readonly masters: number;
  /** Up to when last-seen is complete in the record, wall milliseconds; null before this node's first sweep. */
  readonly sweptThroughMs: number | null;
  readonly lastFinishedAtMs: number | null;
  /** The member that has written the least: the one to look at when `sweptThroughMs` stands still. */
  readonly heldBackBy: string | null;
  /** Sweeps that did not end since the start; each began anew. */
  readonly failures: number;
}
