import type { Page, ServiceClient } from '../../record/contract.ts';
import type { Tenant, User } from '../../tenant/types.ts';
import type { ClientWithSecret } from '../client-contract.ts';
import type { MemberState, PasswordReset, Revocation } from '../types.ts';

/** How far long work has come, in whatever it counts; `total` is null where nobody knows. */
export interface Progress {
  readonly done: number;
  readonly total: number | null;
}

/** Hears now and then how far a verb has come. */
export type OnProgress = (progress: Progress) => void;

/**
 * The operator at the machine: through the control socket, or on the record while nothing runs. Every verb takes one JSON
 * value, those with long work `onProgress` after it, and resolves with a JSON value.
 */
export interface Operator extends OperatorTenants, OperatorUsers, OperatorClients, OperatorRecord {}

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
  listTenants(page: Page): Promise<readonly (Tenant & { readonly createdAtMs: number })[]>;
}

export interface OperatorUsers {
  /** A new way in for somebody who has forgotten everything: the old password is dead, sessions are revoked. `makeAdmin`: also gives the role back. */
  resetUser(input: {
    readonly tenant: string;
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

/** What concerns the record and its nodes as a whole. */
export interface OperatorRecord {
  /**
   * RESTORE: the record was put back from a backup by other means. Every session of every tenant ends, since what was
   * revoked after the backup must not come back, and open password resets with them. Passwords, roles and status are those
   * of the backup: an administrator must look at them.
   */
  declareRestored(): Promise<Revocation>;
  members(): Promise<readonly MemberState[]>;
}
