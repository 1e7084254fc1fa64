import { auditEvent } from '../audit/event.ts';
import type { AuditAction, AuditActor, NewAuditEvent } from '../audit/types.ts';
import type { Caller, Origin, Session } from './contract.ts';
import type { Services } from './services.ts';

/** What a use case says of a row; the rest is filled in. */
export interface AuditInput {
  readonly tid: string | null;
  readonly action: AuditAction;
  /** Default `success`. */
  readonly outcome?: 'success' | 'failure';
  readonly actor: AuditActor;
  readonly subject?: { readonly kind: string; readonly id: string } | null;
  readonly origin?: Origin | null;
  readonly detail?: NewAuditEvent['detail'];
}

export const ANONYMOUS: AuditActor = Object.freeze({ kind: 'anonymous', uid: null, sid: null });
export const SYSTEM: AuditActor = Object.freeze({ kind: 'system', uid: null, sid: null });
export const OPERATOR: AuditActor = Object.freeze({ kind: 'operator', uid: null, sid: null });

export function userActor(uid: string, sid: string | null): AuditActor {
  return { kind: 'user', uid, sid };
}

/** The actor that a caller is. */
function actorOf(caller: Caller): AuditActor {
  return userActor(caller.session.userId, caller.session.sessionId);
}

/** A row of the audit trail, freed of control characters and cut to size (ASVS 16.4.1). */
export function auditRow(
  services: Pick<Services, 'follower' | 'operatorName'>,
  input: AuditInput,
): NewAuditEvent {
  const by = input.actor.kind === 'operator' ? services.operatorName : undefined;
  return auditEvent({
    tid: input.tid,
    atMs: Math.floor(services.follower.wallNowMs()),
    action: input.action,
    outcome: input.outcome ?? 'success',
    actor: input.actor,
    subject: input.subject ?? null,
    ip: input.origin?.ip ?? null,
    userAgent: input.origin?.userAgent ?? null,
    requestId: input.origin?.requestId ?? null,
    detail: { ...input.detail, ...(by === undefined ? {} : { by }) },
  });
}

/** A row for what a user of the tenant did. */
export function auditRowOf(
  services: Pick<Services, 'follower'>,
  caller: Caller,
  input: Omit<AuditInput, 'tid' | 'actor' | 'origin'>,
): NewAuditEvent {
  return auditRow(services, {
    ...input,
    tid: caller.session.tenantId,
    actor: actorOf(caller),
    origin: caller.origin,
  });
}

/**
 * A denied authorization (ASVS 16.3.2): the first of a session in a minute is a row of its own, what follows is counted,
 * so that one user who asks in a loop cannot fill the disk.
 */
export function auditDenied(
  services: Pick<Services, 'follower' | 'tally'>,
  session: Session,
  needed: string,
  origin: Origin,
): void {
  const { tenantId: tid, userId, sessionId } = session;
  services.tally.count(
    { action: 'authz_fail', tid, code: 'insufficient_role', key: sessionId },
    () =>
      auditRow(services, {
        tid,
        action: 'authz_fail',
        outcome: 'failure',
        actor: userActor(userId, sessionId),
        origin,
        detail: { needed },
      }),
  );
}
