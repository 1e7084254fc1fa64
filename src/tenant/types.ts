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

/** A tenant's policy: whole numbers, durations in seconds. New tenants have `DEFAULT_POLICY`. */
export interface Policy {
  /** How long an access token lives: 30 to 900, default 300; at most `idle_timeout`. */
  readonly access_ttl: number;
  /** After so long without an authenticated request a session ends: 30 to 2,592,000 (30 days), default 3,600. */
  readonly idle_timeout: number;
  /** After so long it ends in any case: 30 to 2,592,000, default 86,400; at least `idle_timeout`. */
  readonly absolute_timeout: number;
  /** How long a repeated refresh gets the same answer: 0 to 60, default 10. It does not slide. */
  readonly refresh_grace: number;
  /** The device cap: 1 to 1,000, default 10. */
  readonly max_sessions_per_user: number;
  /** What a login above the cap does: end the session that was seen longest ago (default), or be refused. */
  readonly on_session_limit: 'revoke_oldest' | 'reject';
  readonly login_limit: LoginLimit;
}

/** How many logins may fail before whoever tries has to wait; waits double from one second (ASVS 6.3.1). */
export interface LoginLimit {
  /** Failed attempts on one account within the window before waits begin: 1 to 100, default 10. */
  readonly account_attempts: number;
  /** How long an attempt counts, seconds: 10 to 86,400, default 900. */
  readonly account_window: number;
  /** The same from one address: 1 to 100,000, default 300. */
  readonly address_attempts: number;
  /** Seconds: 10 to 86,400, default 900. */
  readonly address_window: number;
  /** The longest wait between two attempts, seconds: 1 to 3,600, default 900. */
  readonly max_wait: number;
}
