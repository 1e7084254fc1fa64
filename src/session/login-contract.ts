import type { SessionRow } from '../record/contract.ts';
import type { User } from '../tenant/types.ts';
import type { Caller, Origin, Revocation } from './types.ts';

/** What whoever is logged in gets. */
export interface TokenPair {
  /** A JWT (RFC 9068), for `Authorization: Bearer`. */
  readonly accessToken: string;
  /** Until the access token's end. */
  readonly expiresInSeconds: number;
  /** Opaque; used once, for the next pair. */
  readonly refreshToken: string;
  /** Until the session's absolute end. */
  readonly refreshExpiresInSeconds: number;
  readonly session: SessionRow;
  readonly user: User;
}

/** How the list of sessions calls a device. */
export interface DeviceInput {
  /** Such as `Work laptop`. */
  readonly name: string | null;
  /** Such as `desktop`. */
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

/** Whose session a product makes that has authenticated them itself. */
export interface CreateSessionInput {
  /** Slug or tid. */
  readonly tenant: string;
  /**
   * A user that is there, by `uid`; or the product's own id of them (1 to 200 characters), which makes the user on first
   * sight: e-mail, name and roles are then brought up to date on every call. Roles at first default to `member`.
   */
  readonly user:
    | { readonly uid: string }
    | {
        readonly externalId: string;
        readonly email: string;
        readonly name?: string;
        readonly roles?: readonly string[];
      };
  /** How they proved who they are: 1 to 16 names of methods (RFC 8176), such as `["pwd", "otp"]`. */
  readonly amr: readonly string[];
  /** Default: none. */
  readonly device?: DeviceInput;
  /** Default: none, so that the policy's device cap may refuse (`session_limit_reached`). */
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
