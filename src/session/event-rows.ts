import type { EventType } from '../hub/contract.ts';
import type { TrailRow } from '../record/trail-contract.ts';

/** What an event stream says of a row of the trail. */
export interface RowEvent {
  readonly type: EventType;
  readonly subject: Readonly<Record<string, string | null>>;
  readonly detail: Readonly<Record<string, unknown>>;
}

type Events = (row: TrailRow) => readonly RowEvent[];

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Whose session it is: who acted, or whom it befell. */
function ofSession(row: TrailRow): RowEvent['subject'] {
  const { tid, actorUid, subjectId, detail } = row;
  return { tid, uid: text(detail.uid) ?? actorUid, sid: subjectId };
}

const sessionEvent =
  (type: EventType, detailOf: (row: TrailRow) => RowEvent['detail']): Events =>
  (row) => [{ type, subject: ofSession(row), detail: detailOf(row) }];

const userEvent =
  (type: EventType, ends = false): Events =>
  (row) => {
    const subject = { tid: row.tid, uid: row.subjectId ?? row.actorUid };
    const event = { type, subject, detail: {} };
    return ends ? [event, ...ended(row, { ...subject, sid: null })] : [event];
  };

const clientEvent =
  (type: EventType): Events =>
  ({ tid, subjectId }) => [{ type, subject: { tid, cid: subjectId }, detail: {} }];

function ended(row: TrailRow, subject: RowEvent['subject']): readonly RowEvent[] {
  const reason = text(row.detail.reason) ?? REASONS[row.action] ?? null;
  return [{ type: 'session.revoked', subject, detail: { reason } }];
}

const revoked: Events = (row) => {
  const { tid, subjectKind, subjectId } = row;
  if (subjectKind === 'user') return ended(row, { tid, uid: subjectId, sid: null });
  if (subjectKind === 'session') {
    return ended(row, { tid, uid: text(row.detail.uid), sid: subjectId });
  }
  return ended(row, { tid, uid: null, sid: null });
};

const ofOwner: Events = (row) =>
  ended(row, { tid: row.tid, uid: row.subjectId ?? row.actorUid, sid: null });

/** Why sessions ended, where the row's action says it. */
const REASONS: Readonly<Record<string, string>> = {
  authn_logout: 'logout',
  authn_token_revoked: 'token_revoked',
  excess_sessions_exceeded: 'session_limit',
  authn_password_change: 'password_changed',
  authn_password_reset_requested: 'password_reset',
  user_disabled: 'user_disabled',
  user_deleted: 'user_deleted',
};

const failed =
  (type: EventType, more: (row: TrailRow) => RowEvent['detail']): Events =>
  (row) => [
    {
      type,
      subject: { tid: row.tid, uid: row.actorUid, email: text(row.detail.email) },
      detail: { ip: row.ip, ...more(row) },
    },
  ];

const EVENTS: Readonly<Record<string, Events>> = {
  session_created: sessionEvent('session.created', ({ detail }) => ({ amr: detail.amr })),
  authn_token_refreshed: sessionEvent('session.refreshed', () => ({})),
  authn_token_answer_lost: sessionEvent('session.refreshed', () => ({ answer_lost: true })),
  session_expired: sessionEvent('session.expired', ({ detail }) => ({ why: detail.why })),
  session_revoked: revoked,
  tenant_sessions_revoked: revoked,
  revoke_all: revoked,
  tenant_suspended: revoked,
  tenant_deletion_begun: revoked,
  authn_logout: sessionEvent('session.revoked', () => ({ reason: 'logout' })),
  authn_token_revoked: revoked,
  excess_sessions_exceeded: (row) => (row.outcome === 'success' ? revoked(row) : []),
  authn_password_change: ofOwner,
  authn_password_reset_requested: ofOwner,
  authn_token_reuse: sessionEvent('token.reused', ({ ip, detail }) => ({
    ip,
    evidence: detail.evidence,
  })),
  authn_login_fail: failed('login.failed', () => ({})),
  // A row may count many.
  authn_login_fail_max: failed('login.limited', ({ detail }) => ({
    bucket: detail.bucket ?? detail.code,
    ...(detail.count === undefined ? {} : { count: detail.count }),
  })),
  policy_changed: ({ tid }) => [{ type: 'policy.changed', subject: { tid }, detail: {} }],
  user_created: userEvent('user.created'),
  user_updated: userEvent('user.changed'),
  user_roles_changed: userEvent('user.changed'),
  user_enabled: userEvent('user.changed'),
  user_disabled: userEvent('user.changed', true),
  user_deleted: userEvent('user.deleted', true),
  client_created: clientEvent('client.created'),
  client_secret_added: clientEvent('client.changed'),
  client_deleted: clientEvent('client.deleted'),
};

/** What a row means to those who watch the tenant; nothing for what they do not hear of. */
export function eventsOfRow(row: TrailRow): readonly RowEvent[] {
  return EVENTS[row.action]?.(row) ?? [];
}
