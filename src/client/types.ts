/** What the API answers, as it stands in docs/http.md: names in snake case, times as RFC 3339 in UTC. */

/** One login on one device. */
export interface Session {
  id: string;
  user_id: string;
  device: { name: string | null; kind: string | null };
  ip: string | null;
  user_agent: string | null;
  created_at: string;
  last_seen_at: string;
  /** The absolute end, under the policy as it is now. */
  expires_at: string;
  /** Whether it is the session that asks. */
  current?: boolean | undefined;
  /** To administrators. */
  state?: 'active' | 'expired' | 'revoked' | undefined;
}

/** A user of one tenant. */
export interface User {
  id: string;
  /** The application's own id of this person. */
  external_id?: string | undefined;
  email: string;
  name: string;
  roles: string[];
  status: 'active' | 'disabled';
  created_at: string;
  last_login_at: string | null;
}

export interface Tenant {
  id: string;
  /** What people type at login. */
  slug: string;
  name: string;
}

/** What ended, and whether it has ended on every node. */
export interface Revocation {
  id: string;
  position: number;
  /** `all`, `tenant`, `user`, `session` or `reissue`. */
  scope: string;
  subject: { tenant_id: string | null; user_id: string | null; session_id: string | null };
  epoch: number;
  reason: string | null;
  /** `everywhere`: no node accepts what was revoked any more. */
  effective: 'everywhere' | 'pending';
  /** When `pending`: the time at which the last node stops answering without it. */
  deadline?: string | undefined;
  /** Nodes that had to acknowledge, and those that did. */
  members: number;
  acknowledged: number;
  waited_ms: number;
}

/** The session that the client holds. */
export interface CurrentSession {
  tenant: Tenant;
  user: User;
  session: Session;
  /** Those in the access token. */
  roles: string[];
  /** `stale`: judged within the tolerance, while the record could not be reached. */
  freshness: 'fresh' | 'stale';
}

/** One page of the own sessions. */
export interface SessionPage {
  sessions: Session[];
  /** For the page after this one; null on the last. */
  next_cursor: string | null;
}

/** Who logs in, and on what. */
export interface LoginInput {
  /** Slug. */
  readonly tenant: string;
  readonly email: string;
  readonly password: string;
  /** How the list of sessions calls this device. */
  readonly device?: string | { readonly name?: string; readonly kind?: string };
  /** After `session_limit_reached`: the session that is to end for this one, or as many as `sessions_to_end` says. */
  readonly endSession?: string | readonly string[];
}

/** Who is logged in. Tokens stay inside of the client. */
export interface LoggedIn {
  readonly session: Session;
  readonly user: User;
  /** What ended with it: sessions beyond the device cap, the others after a changed password. */
  readonly revocation?: Revocation;
}

/** The answer of the routes that end in tokens. */
export interface TokensAnswer {
  readonly access_token?: string;
  /** Seconds. */
  readonly expires_in: number;
  readonly refresh_token?: string;
  readonly device_token?: string;
  readonly session: Session;
  readonly user: User;
  readonly revocation?: Revocation;
}
