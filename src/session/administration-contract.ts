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
  /**
   * Newest first, each with what is true now of the whole operation that it is of, as `getRevocation` says it: barriers of
   * their own, commonly one for all of the page.
   */
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
  listLimited(caller: Caller, page: Page): Promise<readonly LimitedAccount[]>;
  liftLimit(caller: Caller, email: string): Promise<void>;
  nodes(caller: Caller): Promise<readonly NodeState[]>;
  stats(caller: Caller): Promise<TenantStats>;
}

/** The same for administrators: no address. */
export type NodeState = Omit<MemberState, 'address'>;
