/** Words of the audit trail; those of the OWASP logging vocabulary where it has one. */
export type AuditAction =
  | 'authn_login_success'
  | 'authn_login_fail'
  | 'authn_login_fail_max'
  | 'authn_login_limit_lifted'
  | 'authn_password_change'
  | 'authn_password_reset_requested'
  | 'authn_reauthenticated'
  | 'authn_logout'
  | 'authn_token_refreshed'
  | 'authn_token_answer_lost'
  | 'authn_token_revoked'
  | 'authn_token_reuse'
  | 'authn_token_refused'
  | 'authz_fail'
  | 'session_created'
  | 'session_expired'
  | 'session_revoked'
  | 'excess_sessions_exceeded'
  | 'user_created'
  | 'user_updated'
  | 'user_disabled'
  | 'user_enabled'
  | 'user_deleted'
  | 'user_roles_changed'
  | 'policy_changed'
  | 'client_created'
  | 'client_secret_added'
  | 'client_deleted'
  | 'authn_client_fail'
  | 'signing_key_made'
  | 'signing_key_retired'
  | 'issuer_changed'
  | 'tenant_created'
  | 'tenant_suspended'
  | 'tenant_resumed'
  | 'tenant_deletion_begun'
  | 'tenant_deleted'
  | 'revoke_all'
  | 'revocation_handed_in'
  | 'audit_exported'
  | 'audit_pruned'
  | 'audit_erased'
  | 'audit_retention_changed'
  | 'record_restored'
  | 'ops_cleanup_paused'
  | 'ops_cleanup_resumed'
  | 'ops_lifetimes_set'
  | 'ops_lifetimes_cleared'
  | 'ops_limits_set'
  | 'ops_limits_cleared'
  | 'ops_log_level_set'
  | 'ops_log_level_cleared'
  | 'ops_sessions_regenerated';

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

export type AuditEvent = NewAuditEvent;
