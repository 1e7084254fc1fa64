import type {
  BackupSummary,
  Page,
  ServiceClient,
  SessionRow,
  TenantRow,
  TenantStats,
} from '../../record/contract.ts';
import type { Tenant, User } from '../../tenant/types.ts';
import type {
  ChangedPolicy,
  NewUser,
  UserPatch,
  VersionedPolicy,
} from '../administration-contract.ts';
import type { BackupStatus } from '../backups.ts';
import type { ClientWithSecret } from '../client-contract.ts';
import type { MemberState, PasswordReset, Revocation } from '../types.ts';
import type { OperatorAudit } from './audit-contract.ts';
import type { OperatorKeys } from './keys-contract.ts';
import type { OperatorOperations } from './operations-contract.ts';
import type { OnProgress } from './progress.ts';
import type { SessionEnd, SessionSeen } from './sessions-contract.ts';

export type { OnProgress, Progress } from './progress.ts';

/**
 * The operator at the machine: through the control socket, or on the record while nothing runs. Every verb takes one JSON
 * value, those with long work `onProgress` after it, and resolves with a JSON value.
 */
export interface Operator
  extends OperatorTenants,
    OperatorPolicies,
    OperatorUsers,
    OperatorSessions,
    OperatorKeys,
    OperatorClients,
    OperatorBackups,
    OperatorRecord,
    OperatorAudit,
    OperatorOperations {}

export interface OperatorTenants {
  createTenant(input: {
    readonly slug: string;
    readonly name: string | null;
    readonly adminEmail: string;
    readonly adminPassword: string;
  }): Promise<{ readonly tenant: Tenant; readonly admin: User }>;
  /** First start only; null when the record has a tenant already. */
  bootstrap(input: {
    readonly slug: string;
    readonly adminEmail: string;
    readonly adminPassword: string;
  }): Promise<{ readonly tenant: Tenant; readonly admin: User } | null>;
  /** In the order of `TenantStore.list`; the next page's cursor is the last row's time and id. */
  listTenants(page: Page): Promise<readonly TenantSeen[]>;
  /** `tenant` is everywhere the slug or the id. */
  getTenant(input: { readonly tenant: string }): Promise<{
    readonly tenant: TenantSeen;
    readonly stats: TenantStats;
  }>;
  /** Nobody logs in any more (403 `tenant_suspended`), and every session ends at once. Once more does no harm. */
  suspendTenant(
    input: { readonly tenant: string } & Revoking,
  ): Promise<{ readonly tenant: TenantSeen; readonly revocation: Revocation }>;
  /** Logins work again; sessions from before the suspension stay ended. */
  resumeTenant(input: { readonly tenant: string }): Promise<{ readonly tenant: TenantSeen }>;
  /**
   * Ends every session, and removes the tenant with all its rows, batch by batch; one that was interrupted goes on when it is
   * asked for again. Then the slug is free; the ids are never used again. The audit trail stays. `revocation` is null where
   * it had been begun before.
   */
  deleteTenant(
    input: { readonly tenant: string } & Revoking,
    onProgress?: OnProgress,
  ): Promise<{
    readonly tenant: TenantSeen;
    readonly revocation: Revocation | null;
    readonly rows: number;
  }>;
}

export interface OperatorPolicies {
  getTenantPolicy(input: { readonly tenant: string }): Promise<VersionedPolicy>;
  /**
   * Replaces the fields that are named, `login_limit.max_wait` and the like among them, in what is in force: an override keeps
   * its end, and `endPolicyOverride` is how one is ended.
   */
  setTenantPolicy(input: {
    readonly tenant: string;
    readonly set: Readonly<Record<string, number | string>>;
    /** Null: whatever it is now. */
    readonly ifVersion: number | null;
    /** Holds for so long, 30 days at most, over what is there for good; absent: as what is in force does. */
    readonly forMs?: number | null;
  }): Promise<ChangedPolicy>;
  /**
   * Ends an override early: what is there for good is in force again. @throws SekishoError `not_found` where none is in force;
   * `precondition_failed`.
   */
  endPolicyOverride(input: {
    readonly tenant: string;
    /** Null: whatever it is now. */
    readonly ifVersion: number | null;
  }): Promise<ChangedPolicy>;
}

/** A tenant with what operators see of it. */
export type TenantSeen = TenantRow;

/** What may be said of whatever revokes. */
export interface Revoking {
  /** For people: why. ≤ 500 characters. */
  readonly reason: string | null;
  /** BARRIER: 0 to 30000; null: 2000. */
  readonly waitMs: number | null;
}

/** `user` is everywhere the e-mail address or the id. */
export interface OperatorUsers {
  /** Newest first. */
  listUsers(input: { readonly tenant: string; readonly page: Page }): Promise<readonly User[]>;
  getUser(input: { readonly tenant: string; readonly user: string }): Promise<User>;
  /** Without a password the answer has a one-time link's token. */
  createUser(
    input: { readonly tenant: string } & NewUser,
  ): Promise<{ readonly user: User; readonly reset: PasswordReset | null }>;
  /** Disabling ends all sessions; changed roles apply at once without logging out. */
  patchUser(
    input: {
      readonly tenant: string;
      readonly user: string;
      readonly waitMs: number | null;
      /** As in `Revoking`; absent: null. */
      readonly reason?: string | null;
    } & UserPatch,
  ): Promise<{ readonly user: User; readonly revocation: Revocation | null }>;
  deleteUser(input: {
    readonly tenant: string;
    readonly user: string;
    readonly waitMs: number | null;
    readonly reason?: string | null;
  }): Promise<{ readonly user: User; readonly revocation: Revocation }>;
  /** A new way in for somebody who has forgotten everything: the old password is dead, sessions are revoked. `makeAdmin`: also gives the role back. */
  resetUser(input: {
    readonly tenant: string;
    /** E-mail address or id. */
    readonly email: string;
    readonly password: string | null;
    readonly makeAdmin: boolean;
  }): Promise<{
    readonly user: User;
    readonly reset: PasswordReset | null;
    readonly revocation: Revocation;
  }>;
}

/** Service clients of the tenant with this slug. All throw `not_found`. */
export interface OperatorClients {
  createClient(input: {
    readonly tenant: string;
    readonly name: string;
    /** How long the secret is good; null: without an end. */
    readonly expiresInSeconds: number | null;
  }): Promise<ClientWithSecret>;
  addClientSecret(input: {
    readonly tenant: string;
    readonly id: string;
    readonly expiresInSeconds: number | null;
    /** How long the secret until now goes on; null: a day. */
    readonly overlapSeconds: number | null;
  }): Promise<ClientWithSecret>;
  /** Newest first. */
  listClients(input: {
    readonly tenant: string;
    readonly page: Page;
  }): Promise<readonly ServiceClient[]>;
  deleteClient(input: {
    readonly tenant: string;
    readonly id: string;
  }): Promise<{ readonly deleted: string }>;
}

export interface OperatorSessions {
  /** Newest first. `user` null: all of the tenant. */
  listSessions(input: {
    readonly tenant: string;
    readonly user: string | null;
    readonly state: SessionRow['state'] | 'all';
    readonly page: Page;
  }): Promise<readonly SessionSeen[]>;
  /** `end` is null unless it was revoked, and where nothing tells of it. */
  getSession(input: {
    readonly tenant: string;
    readonly session: string;
  }): Promise<SessionSeen & { readonly end: SessionEnd | null }>;
  /** Ends sessions: one, those of a user, of a tenant, or of all tenants. */
  revokeSessions(input: RevokedSubject & Revoking): Promise<Revocation>;
  /** What became of a revocation; runs a barrier of its own, so that the answer is true now. `tenant` null: one of scope all. */
  getRevocation(input: {
    readonly tenant: string | null;
    readonly id: string;
    readonly waitMs: number | null;
  }): Promise<Revocation>;
}

export type RevokedSubject =
  | { readonly scope: 'all' }
  | { readonly scope: 'tenant'; readonly tenant: string }
  | { readonly scope: 'user'; readonly tenant: string; readonly user: string }
  | { readonly scope: 'session'; readonly tenant: string; readonly session: string };

export interface OperatorBackups {
  /**
   * Writes all that the record holds at this moment to a new file (docs/backup.md).
   *
   * @throws SekishoError as `BackupStore.write`; `invalid_request` for a record in memory or a path that is not absolute.
   */
  backUp(input: { readonly path: string }, onProgress?: OnProgress): Promise<BackupSummary>;
  /** How backups of an embedded record are; null for others. */
  backupStatus(): Promise<BackupStatus | null>;
}

/** What concerns the record and its nodes as a whole. */
export interface OperatorRecord {
  /**
   * RESTORE: the record was put back from a backup by other means. Every session of every tenant ends, since what was
   * revoked after the backup must not come back, and open password resets with them; no signing key of before is good any
   * more, and another one signs. Passwords, roles and status are those of the backup: an administrator must look at them.
   * On PostgreSQL it is pending for MAX_TERM at first (FIRST TERM). Without `input`: `waitMs` null, as in `Revoking`.
   */
  declareRestored(input?: { readonly waitMs: number | null }): Promise<Revocation>;
  members(): Promise<readonly MemberState[]>;
}
