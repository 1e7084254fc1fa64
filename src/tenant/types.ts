/** A customer of the product; nothing is shared between tenants. */
export interface Tenant {
  readonly tid: string;
  /** What people type at login: 1 to 63 of `a-z 0-9 -`, beginning and ending with a letter or digit; unique. */
  readonly slug: string;
  readonly name: string;
}

/**
 * `suspended`: nobody logs in, and nobody's session counts. `deleting`: the same, and its rows are going; there is no way
 * back.
 */
export type TenantStatus = 'active' | 'suspended' | 'deleting';

/** A tenant as the record has it. */
export interface TenantState extends Tenant {
  readonly status: TenantStatus;
}

/** A user of one tenant; unique only together with it. */
export interface User {
  readonly uid: string;
  /** The product's own id of this person, when it brings its own user table; unique within the tenant. */
  readonly externalId: string | null;
  /** Lower case, NFC, ≤ 254 characters; unique within the tenant. */
  readonly email: string;
  readonly name: string;
  /** `admin` and `member` are built in, others are the application's own words. */
  readonly roles: readonly string[];
  readonly status: 'active' | 'disabled';
  readonly createdAtMs: number;
  readonly lastLoginAtMs: number | null;
  /** Counts changes, for `ETag` and `If-Match`. */
  readonly version: number;
}

/** A tenant's policy. Durations are seconds. Defaults and bounds are in tenant/policy.ts. */
export interface Policy {
  readonly access_ttl: number;
  readonly idle_timeout: number;
  readonly absolute_timeout: number;
  readonly refresh_grace: number;
  readonly max_sessions_per_user: number;
  readonly on_session_limit: 'revoke_oldest' | 'reject';
  readonly login_limit: LoginLimit;
}

export interface LoginLimit {
  /** Failed attempts on one account within the window before waits begin. */
  readonly account_attempts: number;
  readonly account_window: number;
  /** The same from one address. */
  readonly address_attempts: number;
  readonly address_window: number;
  /** The longest wait between two attempts, seconds. */
  readonly max_wait: number;
}
