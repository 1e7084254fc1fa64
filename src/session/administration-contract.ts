import type { ExportedLine, ExportFormat } from '../audit/export.ts';
import type { AuditEvent } from '../audit/types.ts';
import type {
  AuditFilter,
  AuditLook,
  LimitedAccount,
  LogRow,
  Page,
  SessionRow,
  TenantStats,
} from '../record/contract.ts';
import type { Policy, User } from '../tenant/types.ts';
import type { ClientAdministration } from './client-contract.ts';
import type { Caller, MemberState, PasswordReset, Revocation } from './types.ts';

/** What may be said of whatever revokes. */
export interface RevokeOptions {
  /** For people: why. At most 500 characters. */
  readonly reason: string | null;
  /** BARRIER: how long to wait for `everywhere`. Milliseconds, 0 to 30,000. */
  readonly waitMs: number;
  /** Whether the caller's own session ends too, where it is concerned. */
  readonly includeSelf: boolean;
  /** A repeat with the same key and body does nothing, and gets the answer of the first one. */
  readonly idempotency: { readonly key: string; readonly bodyHash: Uint8Array } | null;
}

/** A tenant's policy as it is in force. */
export interface VersionedPolicy {
  readonly policy: Policy;
  /** Counts changes, and the end of an override as one. */
  readonly version: number;
  /** Up to when, and what follows; null: for good. */
  readonly override: { readonly untilMs: number; readonly after: Policy } | null;
}

/** `revocation`: of tokens that would live longer than the policy allows now; null where none do. */
export type ChangedPolicy = VersionedPolicy & { readonly revocation: Revocation | null };

export interface NewUser {
  readonly email: string;
  /** Null: a one-time link is made. */
  readonly password: string | null;
  readonly name: string | null;
  /** Null: `member`. */
  readonly roles: readonly string[] | null;
}

/** What is to be different of a user; what is absent stays. */
export interface UserPatch {
  readonly name?: string;
  readonly roles?: readonly string[];
  readonly status?: 'active' | 'disabled';
}

/**
 * What an administrator does in their own tenant. What is not there, or is another tenant's, is `not_found`. Lists are newest
 * first. `ifVersion` (`If-Match`): `precondition_failed` where it is another one by now; null: whichever it is.
 *
 * @throws SekishoError of every write `session_revoked`, `session_expired` and `insufficient_role`, as AUTHORITY judges the
 *   caller when it is committed; 503 of all of them, and of writes `outcome_unknown`.
 */
export interface Administration extends ClientAdministration {
  listUsers(caller: Caller, page: Page): Promise<readonly User[]>;
  getUser(caller: Caller, uid: string): Promise<User>;
  /** @throws SekishoError `email_taken`, `validation_failed`. */
  createUser(
    caller: Caller,
    input: NewUser,
  ): Promise<{ readonly user: User; readonly reset: PasswordReset | null }>;
  /**
   * Disabling ends all sessions; changed roles apply at once, without logging out.
   *
   * @throws SekishoError `last_administrator`, `validation_failed`.
   */
  patchUser(
    caller: Caller,
    uid: string,
    patch: UserPatch,
    ifVersion: number | null,
  ): Promise<{ readonly user: User; readonly revocation: Revocation | null }>;
  /** Ends all sessions of the user, and removes them. @throws SekishoError `last_administrator`. */
  deleteUser(
    caller: Caller,
    uid: string,
    ifVersion: number | null,
  ): Promise<{ readonly revocation: Revocation }>;
  /** The old password is dead, every session ends; the link sets a new one. */
  resetPassword(
    caller: Caller,
    uid: string,
  ): Promise<{ readonly reset: PasswordReset; readonly revocation: Revocation }>;
  /** @param uid null: of all users. */
  listSessions(
    caller: Caller,
    uid: string | null,
    state: SessionRow['state'] | 'all',
    page: Page,
  ): Promise<readonly SessionRow[]>;
  /** Ends every session of the user. @throws SekishoError `idempotency_key_reused`. */
  revokeUser(
    caller: Caller,
    uid: string,
    options: RevokeOptions,
  ): Promise<{ readonly revocation: Revocation }>;
  /** @throws SekishoError `conflict` for the own one without `includeSelf`, `idempotency_key_reused`. */
  revokeSession(
    caller: Caller,
    sid: string,
    options: RevokeOptions,
  ): Promise<{ readonly revocation: Revocation }>;
  /** Ends every session of the tenant. @throws SekishoError `idempotency_key_reused`. */
  revokeAll(caller: Caller, options: RevokeOptions): Promise<{ readonly revocation: Revocation }>;
  /**
   * Each with what is true now of the whole operation that it is of, as `getRevocation` says it: barriers of their own,
   * commonly one for all of the page.
   */
  listRevocations(
    caller: Caller,
    page: Page,
  ): Promise<readonly { readonly row: LogRow; readonly revocation: Revocation }[]>;
  /** Runs a barrier of its own, so that the answer is true now. */
  getRevocation(caller: Caller, id: string): Promise<Revocation>;
  getPolicy(caller: Caller): Promise<VersionedPolicy>;
  /**
   * Replaces all of it, an override too. With `overrideUntilMs`, ahead by 30 days at most, until then: what was there for
   * good before is in force again from that moment on, without anybody doing anything.
   *
   * @throws SekishoError `validation_failed`.
   */
  putPolicy(
    caller: Caller,
    policy: Policy,
    ifVersion: number | null,
    overrideUntilMs?: number | null,
  ): Promise<ChangedPolicy>;
  listAudit(caller: Caller, filter: AuditFilter, page: Page): Promise<readonly AuditEvent[]>;
  /**
   * The same by a bounded number of short looks: where a filter fits few rows of a long trail, a page has few or none, and `next`
   * says where to go on; null at the end.
   */
  lookAudit(caller: Caller, filter: AuditFilter, page: Page): Promise<AuditLook>;
  /**
   * The trail up to now, oldest first, page by page as somebody asks for the next one. Leaves an audit row before the first.
   */
  exportAudit(
    caller: Caller,
    filter: AuditFilter,
    format: ExportFormat,
  ): Promise<AsyncIterable<readonly ExportedLine[]>>;
  /** Accounts that have to wait before the next login; the last to try first. */
  listLimited(caller: Caller, page: Page): Promise<readonly LimitedAccount[]>;
  /** Lets an account try again at once. @throws SekishoError `not_found` where nothing is counted. */
  liftLimit(caller: Caller, email: string): Promise<void>;
  /** The members, as they are at this moment. */
  nodes(caller: Caller): Promise<readonly NodeState[]>;
  stats(caller: Caller): Promise<TenantStats>;
}

/** The same for administrators: no address. */
export type NodeState = Omit<MemberState, 'address'>;
