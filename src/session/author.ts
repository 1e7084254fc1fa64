import type { AuditActor, NewAuditEvent } from '../audit/types.ts';
import type { Actor } from '../record/contract.ts';
import { adminActor } from './administrator.ts';
import { type AuditInput, auditRow, userActor } from './audit.ts';
import type { Caller, Origin } from './contract.ts';
import type { Services } from './services.ts';

/** On whose authority something of a tenant is changed: one of its administrators', or the operator's. */
export interface Author {
  readonly tid: string;
  /** As AUTHORITY judges it. */
  readonly actor: Actor;
  /** As the audit trail names it. */
  readonly audited: AuditActor;
  readonly origin: Origin | null;
}

/** An administrator, in the own tenant. */
export function administratorOf(caller: Caller): Author {
  const { tenantId: tid, userId, sessionId } = caller.session;
  const audited = userActor(userId, sessionId);
  return { tid, actor: adminActor(caller), audited, origin: caller.origin };
}

/** A row of the tenant's audit trail for what `author` does. */
export function auditRowBy(
  services: Pick<Services, 'follower' | 'operatorName'>,
  author: Author,
  input: Omit<AuditInput, 'tid' | 'actor' | 'origin'>,
): NewAuditEvent {
  const { tid, audited: actor, origin } = author;
  return auditRow(services, { ...input, tid, actor, origin });
}
