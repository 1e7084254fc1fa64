import { z } from 'zod';
import type { AuditActor, AuditEvent } from '../../audit/types.ts';
import type { LimitedAccount, TenantStats } from '../../record/contract.ts';
import type { MemberState, NodeState } from '../../session/contract.ts';
import { count, id, tenths, time, timeOf } from './common.ts';

/** Objects of the API: the audit trail, limited accounts, nodes, figures. */

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
