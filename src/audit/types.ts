import type { AuditAction } from './actions.ts';

export type { AuditAction } from './actions.ts';

/**
 * Who did it: a user of the tenant, a service client (its id stands as `uid`), the operator at the machine, Sekisho itself, or
 * nobody known.
 */
export interface AuditActor {
  readonly kind: 'user' | 'client' | 'operator' | 'system' | 'anonymous';
  readonly uid: string | null;
  readonly sid: string | null;
}

/** A row to be written. Never holds a token, a password or a hash of one. */
export interface NewAuditEvent {
  readonly id: string;
  readonly tid: string | null;
  readonly atMs: number;
  readonly action: AuditAction;
  readonly outcome: 'success' | 'failure';
  readonly actor: AuditActor;
  /** What it was done to: a user, a session, a policy …; ids only. */
  readonly subject: { readonly kind: string; readonly id: string } | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly requestId: string | null;
  /** Small and flat; strings are cut at 500 characters and freed of control characters by `auditEvent()`. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>;
}

/** A row as it is read: of whatever release wrote it, so that its action may be a word that this one does not know. */
export interface AuditEvent extends Omit<NewAuditEvent, 'action'> {
  readonly action: string;
}
