import { z } from 'zod';
import type { AuditActor, AuditEvent } from '../audit/types.ts';
import type {
  LimitedAccount,
  LogRow,
  ServiceClient,
  SessionRow,
  TenantStats,
} from '../record/contract.ts';
import type {
  MemberState,
  NodeState,
  Revocation,
  TenantPolicyState,
  TokenPair,
} from '../session/contract.ts';
import { policySchema } from '../tenant/policy.ts';
import type { Tenant, User } from '../tenant/types.ts';

/** The objects of the API: one schema each, and the function that makes it from what the use cases return. */

const id = z.string().meta({ examples: ['hQ2mZ7xW0rTn5bJ8cK1vYA'] });
const time = z.iso.datetime().meta({ examples: ['2026-11-21T11:10:00.000Z'] });
const count = z.int().min(0);

/** RFC 3339, UTC. */
export function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

const timeOrNull = (ms: number | null) => (ms === null ? null : timeOf(ms));

export const tenantSchema = z
  .strictObject({
    id,
    slug: z.string().meta({ examples: ['acme'] }),
    name: z.string().meta({ examples: ['Acme Ltd'] }),
  })
  .meta({ id: 'Tenant' });

export function tenantOf({ tid, slug, name }: Tenant): z.infer<typeof tenantSchema> {
  return { id: tid, slug, name };
}

export const userSchema = z
  .strictObject({
    id,
    external_id: z.string().optional().describe("The application's own id of this person."),
    email: z.string().meta({ examples: ['yuki@acme.example'] }),
    name: z.string().meta({ examples: ['Yuki Mori'] }),
    roles: z.array(z.string()).meta({ examples: [['admin', 'member']] }),
    status: z.enum(['active', 'disabled']),
    created_at: time,
    last_login_at: time.nullable(),
  })
  .meta({ id: 'User' });

export function userOf(user: User): z.infer<typeof userSchema> {
  return {
    id: user.uid,
    ...(user.externalId === null ? {} : { external_id: user.externalId }),
    email: user.email,
    name: user.name,
    roles: [...user.roles],
    status: user.status,
    created_at: timeOf(user.createdAtMs),
    last_login_at: timeOrNull(user.lastLoginAtMs),
  };
}

export const sessionSchema = z
  .strictObject({
    id,
    user_id: id,
    device: z.strictObject({
      name: z
        .string()
        .nullable()
        .meta({ examples: ['Work laptop'] }),
      kind: z
        .string()
        .nullable()
        .meta({ examples: ['desktop'] }),
    }),
    ip: z
      .string()
      .nullable()
      .meta({ examples: ['192.0.2.7'] }),
    user_agent: z.string().nullable(),
    created_at: time,
    last_seen_at: time,
    expires_at: time.describe('The absolute end, under the policy as it is now.'),
    current: z.boolean().optional().describe('Whether this is the session that asks.'),
    state: z.enum(['active', 'expired', 'revoked']).optional().describe('To administrators.'),
  })
  .meta({ id: 'Session' });

/** @param currentSid the session that asks, where that is of interest. */
export function sessionOf(row: SessionRow, currentSid?: string): z.infer<typeof sessionSchema> {
  return {
    id: row.sid,
    user_id: row.uid,
    device: { name: row.deviceName, kind: row.deviceKind },
    ip: row.ip,
    user_agent: row.userAgent,
    created_at: timeOf(row.createdAtMs),
    last_seen_at: timeOf(row.lastSeenAtMs),
    expires_at: timeOf(row.expiresAtMs),
    ...(currentSid === undefined ? {} : { current: row.sid === currentSid }),
  };
}

/** As administrators see it. */
export function anySessionOf(row: SessionRow, currentSid: string): z.infer<typeof sessionSchema> {
  return { ...sessionOf(row, currentSid), state: row.state };
}

const subjectSchema = z
  .strictObject({
    tenant_id: id.nullable(),
    user_id: id.nullable(),
    session_id: id.nullable(),
  })
  .describe('What was revoked: the narrowest id that is set.');

function subjectOf(subject: { tid: string | null; uid: string | null; sid: string | null }) {
  return { tenant_id: subject.tid, user_id: subject.uid, session_id: subject.sid };
}

const scope = z
  .string()
  .describe('`all`, `tenant`, `user`, `session`, or `reissue` (sessions live on, tokens refresh).')
  .meta({ examples: ['user'] });

export const revocationSchema = z
  .strictObject({
    id,
    position: z.int().min(1).describe('Its number in the revocation log.'),
    scope,
    subject: subjectSchema,
    epoch: z.int().min(1).describe('Sessions of the subject with an older epoch are over.'),
    reason: z.string().nullable(),
    effective: z
      .enum(['everywhere', 'pending'])
      .describe('`everywhere`: no node accepts what was revoked any more.'),
    deadline: time
      .optional()
      .describe('When `pending`: the time at which the last node stops answering without it.'),
    members: count.describe('Nodes that had to acknowledge.'),
    acknowledged: count.describe('Nodes that did, or whose right to answer has run out.'),
    waited_ms: z.number().min(0),
  })
  .meta({ id: 'Revocation' });

export function revocationOf(revocation: Revocation): z.infer<typeof revocationSchema> {
  const { barrier } = revocation;
  return {
    id: revocation.id,
    position: revocation.position,
    scope: revocation.scope,
    subject: subjectOf(revocation.subject),
    epoch: revocation.epoch,
    reason: revocation.reason,
    effective: barrier.effective,
    ...(barrier.effective === 'pending' && barrier.deadlineMs !== null
      ? { deadline: timeOf(barrier.deadlineMs) }
      : {}),
    members: barrier.members,
    acknowledged: barrier.acknowledged,
    waited_ms: Math.round(barrier.waitedMs * 1000) / 1000,
  };
}

export const logRowSchema = revocationSchema
  .extend({
    spared_session_id: id.nullable().describe('The one session that goes on.'),
    created_at: time,
  })
  .meta({ id: 'RevocationLogEntry' });

export function logRowOf({
  row,
  revocation,
}: {
  readonly row: LogRow;
  readonly revocation: Revocation;
}): z.infer<typeof logRowSchema> {
  return {
    ...revocationOf(revocation),
    spared_session_id: row.sparedSid,
    created_at: timeOf(row.committedAtMs),
  };
}

const token = z.string().meta({ examples: ['eyJhbGciOiJFUzI1NiIs…'] });

/** The answer of everything that ends in tokens. */
export const tokensSchema = z
  .strictObject({
    token_type: z.literal('Bearer'),
    access_token: token.optional().describe('Absent with `"transport": "cookie"`.'),
    expires_in: z
      .int()
      .describe('Seconds until the access token ends.')
      .meta({ examples: [300] }),
    refresh_token: z
      .string()
      .optional()
      .describe('Absent with `"transport": "cookie"`.')
      .meta({ examples: ['hQ2mZ7xW0rTn5bJ8cK1vYA.3sNq…'] }),
    refresh_expires_in: z
      .int()
      .describe("Seconds until the session's absolute end.")
      .meta({ examples: [86400] }),
    device_token: z
      .string()
      .optional()
      .describe(
        'At login by body: send it along next time, for an allowance of attempts of its own.',
      ),
    session: sessionSchema,
    user: userSchema,
    revocation: revocationSchema.optional(),
  })
  .meta({ id: 'Tokens' });

/** The part of `tokensSchema` that is no secret. */
export function pairOf(pair: TokenPair): z.infer<typeof tokensSchema> {
  return {
    token_type: 'Bearer',
    expires_in: pair.expiresInSeconds,
    refresh_expires_in: pair.refreshExpiresInSeconds,
    session: sessionOf(pair.session, pair.session.sid),
    user: userOf(pair.user),
  };
}

export const resetSchema = z
  .strictObject({
    token: z.string().describe('One-time; hand it to the user, in the fragment of a link.'),
    expires_at: time,
  })
  .meta({ id: 'PasswordReset' });

export const clientSchema = z
  .strictObject({
    id,
    name: z.string().meta({ examples: ['billing'] }),
    created_at: time,
    last_used_at: time.nullable().describe('Within a minute.'),
    secret_created_at: time,
    secret_expires_at: time.nullable().describe('Null: without an end.'),
    previous_secret_expires_at: time
      .nullable()
      .describe('Up to when the secret before it is good, too.'),
  })
  .meta({ id: 'ServiceClient' });

export function clientOf(client: ServiceClient): z.infer<typeof clientSchema> {
  return {
    id: client.cid,
    name: client.name,
    created_at: timeOf(client.createdAtMs),
    last_used_at: timeOrNull(client.lastUsedAtMs),
    secret_created_at: timeOf(client.secretMadeAtMs),
    secret_expires_at: timeOrNull(client.secretEndsAtMs),
    previous_secret_expires_at: timeOrNull(client.oldSecretEndsAtMs),
  };
}

export const auditSchema = z
  .strictObject({
    id,
    at: time,
    action: z.string().meta({ examples: ['authn_login_success'] }),
    outcome: z.enum(['success', 'failure']),
    actor: z.strictObject({
      kind: z.enum(['user', 'client', 'operator', 'system', 'anonymous']),
      user_id: id.nullable(),
      session_id: id.nullable(),
      client_id: id.optional().describe('Of a service client.'),
    }),
    subject: z.strictObject({ kind: z.string(), id: z.string() }).nullable(),
    ip: z.string().nullable(),
    user_agent: z.string().nullable(),
    request_id: z.string().nullable(),
    detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  })
  .meta({ id: 'AuditEvent' });

export function auditOf(event: AuditEvent): z.infer<typeof auditSchema> {
  return {
    id: event.id,
    at: timeOf(event.atMs),
    action: event.action,
    outcome: event.outcome,
    actor: actorOf(event.actor),
    subject: event.subject === null ? null : { kind: event.subject.kind, id: event.subject.id },
    ip: event.ip,
    user_agent: event.userAgent,
    request_id: event.requestId,
    detail: { ...event.detail },
  };
}

function actorOf({ kind, uid, sid }: AuditActor): z.infer<typeof auditSchema>['actor'] {
  return kind === 'client'
    ? { kind, user_id: null, session_id: null, ...(uid === null ? {} : { client_id: uid }) }
    : { kind, user_id: uid, session_id: sid };
}

export const limitedSchema = z
  .strictObject({
    email: z.string(),
    attempts: count,
    last_attempt_at: time,
    retry_at: time.describe('When the next attempt will be let through.'),
  })
  .meta({ id: 'LimitedAccount' });

export function limitedOf(account: LimitedAccount): z.infer<typeof limitedSchema> {
  return {
    email: account.email,
    attempts: account.attempts,
    last_attempt_at: timeOf(account.lastAttemptAtMs),
    retry_at: timeOf(account.retryAtMs),
  };
}

export const nodeSchema = z
  .strictObject({
    id,
    self: z.boolean().describe('Whether it is the node that answers.'),
    state: z.enum(['current', 'behind']),
    lag: count.describe('Entries of the log that it had not applied at its last heartbeat.'),
    applied: count,
    generation: z.string().nullable(),
    beat: count,
    lease_ms: count,
    tolerance_ms: count,
    freshness: z
      .enum(['fresh', 'stale', 'unavailable'])
      .describe('How it answers at present, as far as its last heartbeat tells.'),
    lease_left_ms: z
      .number()
      .nullable()
      .describe('Of its lease; negative when that is over, null before its first heartbeat.'),
    last_heartbeat_ms: z.number().nullable().describe('How long a heartbeat took it.'),
    hub: z
      .strictObject({ kind: z.string(), working: z.boolean() })
      .nullable()
      .describe('Whether messages between nodes reach it. Null before its first heartbeat.'),
    version: count.describe('Of the protocol.'),
    joined_at: time,
  })
  .meta({ id: 'Node' });

export function nodeOf(node: NodeState): z.infer<typeof nodeSchema> {
  return {
    id: node.id,
    self: node.self,
    state: node.lag === 0 && node.generation !== null ? 'current' : 'behind',
    lag: node.lag,
    applied: node.applied,
    generation: node.generation,
    beat: node.beat,
    lease_ms: node.leaseMs,
    tolerance_ms: node.toleranceMs,
    freshness: node.freshness,
    lease_left_ms: tenths(node.leaseLeftMs),
    last_heartbeat_ms: tenths(node.report?.lastHeartbeatMs ?? null),
    hub: node.report && { kind: node.report.hub, working: node.report.hubWorking },
    version: node.version,
    joined_at: timeOf(node.joinedAtMs),
  };
}

/** The same with where it is, for operators. */
export function memberOf(member: MemberState): z.infer<typeof nodeSchema> & {
  readonly address: string | null;
} {
  return { ...nodeOf(member), address: member.address };
}

/** Milliseconds, to a tenth: more of them says nothing. */
export function tenths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}

export const statsSchema = z
  .strictObject({
    users: count,
    active_users: count,
    active_sessions: count,
    logins_24h: count,
    failed_logins_24h: count,
    revocations_24h: count,
  })
  .meta({ id: 'Stats' });

export function statsOf(stats: TenantStats): z.infer<typeof statsSchema> {
  return {
    users: stats.users,
    active_users: stats.activeUsers,
    active_sessions: stats.activeSessions,
    logins_24h: stats.logins24h,
    failed_logins_24h: stats.failedLogins24h,
    revocations_24h: stats.revocations24h,
  };
}

export const policyObjectSchema = policySchema
  .extend({
    override_until: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('Up to when it is in force; without it, for good. Ahead by 30 days at most.')
      .meta({ examples: ['2026-11-21T18:00:00.000Z'] }),
  })
  .meta({ id: 'Policy' });

export const policyStateSchema = z.strictObject({
  policy: policyObjectSchema,
  after: policySchema
    .meta({ id: 'LastingPolicy' })
    .optional()
    .describe('What is in force from `override_until` on.'),
});

export function policyStateOf({
  policy,
  override,
}: Pick<TenantPolicyState, 'policy' | 'override'>): z.infer<typeof policyStateSchema> {
  if (override === null) return { policy };
  const { untilMs, after } = override;
  return { policy: { ...policy, override_until: timeOf(untilMs) }, after };
}

export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string().describe('A stable word; switch on it.'),
    errors: z
      .array(z.strictObject({ pointer: z.string(), detail: z.string() }))
      .optional()
      .describe('With `validation_failed`: JSON Pointers (RFC 6901) to what is wrong.'),
    id: z.string().optional().describe('With `outcome_unknown`: the revocation to ask for later.'),
  })
  .meta({ id: 'Problem' });

/** `{<plural>: [...], next_cursor}` */
export function listSchema<Name extends string, Item extends z.ZodType>(name: Name, item: Item) {
  return z.strictObject({
    [name]: z.array(item),
    next_cursor: z.string().nullable().describe('Of the next page; null on the last one.'),
  });
}

export const revokedSchema = z.strictObject({ revocation: revocationSchema });
