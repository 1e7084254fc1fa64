import type { Entry } from '../revocation/types.ts';
import type { Policy, User } from '../tenant/types.ts';
import type { SessionRow, TenantRow } from './contract.ts';
import type { RevocationTable, SessionTable, TenantTable, UserTable } from './tables.ts';

/** What a column of type `timestamptz` becomes: a Date in a row, text (RFC 3339) inside `jsonb`. */
export type Instant = Date | string;

/** A row that may have come through `jsonb`. */
export type Loose<Row> = {
  readonly [Key in keyof Row]: Row[Key] extends Date
    ? Instant
    : Row[Key] extends Date | null
      ? Instant | null
      : Row[Key];
};

/** `sekisho.user_json`, or the columns themselves. */
export type RawUser = Loose<Omit<UserTable, 'tid' | 'password_hash'>>;

/** `sekisho.tenant_json`, or the columns themselves. */
export type RawTenant = Loose<Pick<TenantTable, 'tid' | 'slug' | 'name' | 'status' | 'created_at'>>;

/** A row of `sekisho.judged_session`. */
export type RawSession = Loose<
  Pick<
    SessionTable,
    | 'tid'
    | 'sid'
    | 'uid'
    | 'device_name'
    | 'device_kind'
    | 'ip'
    | 'user_agent'
    | 'amr'
    | 'auth_time'
    | 'created_at'
    | 'last_seen_at'
    | 'generation'
    | 'epoch'
    | 'rot'
  >
> & { readonly expires_at: Instant; readonly state: SessionRow['state'] };

/** A row of `sekisho.revocation`. */
export type RawEntry = Loose<RevocationTable>;

/** What an entry is made of, of such a row. */
export type RawNamed = Pick<
  RawEntry,
  'generation' | 'position' | 'operation_id' | 'scope' | 'tid' | 'uid' | 'sid' | 'spared_sid'
>;

/** MintFacts as a verb returns them. */
export interface RawMint {
  readonly session: RawSession;
  readonly user: RawUser;
  readonly policy: Policy;
  readonly head: { readonly generation: string; readonly position: number };
}

export function msOf(at: Instant): number {
  return typeof at === 'string' ? Date.parse(at) : at.getTime();
}

export function userOf(row: RawUser): User {
  return {
    uid: row.uid,
    externalId: row.external_id,
    email: row.email,
    name: row.name,
    roles: row.roles,
    status: row.status,
    createdAtMs: msOf(row.created_at),
    lastLoginAtMs: row.last_login_at === null ? null : msOf(row.last_login_at),
    version: row.version,
  };
}

export function tenantOf(row: RawTenant): TenantRow {
  return {
    tid: row.tid,
    slug: row.slug,
    name: row.name,
    status: row.status,
    createdAtMs: msOf(row.created_at),
  };
}

export function sessionOf(row: RawSession): SessionRow {
  return {
    sid: row.sid,
    uid: row.uid,
    deviceName: row.device_name,
    deviceKind: row.device_kind,
    ip: row.ip,
    userAgent: row.user_agent,
    createdAtMs: msOf(row.created_at),
    lastSeenAtMs: msOf(row.last_seen_at),
    expiresAtMs: msOf(row.expires_at),
    authTimeMs: msOf(row.auth_time),
    amr: row.amr,
    generation: row.generation,
    epoch: row.epoch,
    rot: row.rot,
    state: row.state,
  };
}

export function entryOf(row: RawNamed): Entry {
  return {
    generation: row.generation,
    position: row.position,
    operationId: row.operation_id,
    scope: row.scope,
    tid: row.tid,
    uid: row.uid,
    sid: row.sid,
    sparedSid: row.spared_sid,
  };
}
