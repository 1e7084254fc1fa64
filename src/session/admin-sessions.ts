import type { NewAuditEvent } from '../audit/types.ts';
import { SekishoError } from '../errors.ts';
import { isId } from '../id.ts';
import { adminActor } from './administrator.ts';
import { auditRowOf } from './audit.ts';
import type { Administration, Caller, RevokeOptions } from './contract.ts';
import { noSuch } from './no-such.ts';
import { revoke, standing, standings } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { endOfSession, floorOfTenant, floorOfUser } from './subjects.ts';

type Sessions = Pick<
  Administration,
  | 'listSessions'
  | 'revokeUser'
  | 'revokeSession'
  | 'revokeAll'
  | 'listRevocations'
  | 'getRevocation'
>;

/** How long asking for a revocation waits for the members' answers; who they are takes a round trip already. */
const STANDING_WAIT_MS = 1_000;

/** Forced logout (B3, B7, ASVS 7.4.5), and what became of it. */
export function createSessionAdministration(services: Services): Sessions {
  const { sessions, log } = services.record;

  /** Nobody is surprised by their own logout: the caller's session goes on, unless it is included on purpose. */
  function spared(caller: Caller, options: RevokeOptions): string | null {
    return options.includeSelf ? null : caller.session.sessionId;
  }

  function audit(
    caller: Caller,
    action: 'session_revoked' | 'tenant_sessions_revoked',
    subject: NewAuditEvent['subject'],
    options: RevokeOptions,
  ): readonly NewAuditEvent[] {
    const detail = options.reason === null ? {} : { reason: options.reason };
    return [auditRowOf(services, caller, { action, subject, detail })];
  }

  function act(caller: Caller, options: RevokeOptions) {
    const { reason, waitMs, idempotency } = options;
    return { actor: adminActor(caller), reason, waitMs, idempotency };
  }

  return {
    listSessions: (caller, uid, state, page) =>
      sessions.list(caller.session.tenantId, uid, state, page, nowMs(services)),

    async revokeUser(caller, uid, options) {
      const { tenantId: tid, userId } = caller.session;
      const sparedSid = uid === userId ? spared(caller, options) : null;
      const { revocation } = await revoke(services, {
        ...act(caller, options),
        revoke: [floorOfUser(tid, uid, sparedSid)],
        change: { kind: 'session_end', tid, uid, sid: null, sparedSid, how: 'revoked' },
        audit: audit(caller, 'session_revoked', { kind: 'user', id: uid }, options),
      });
      return { revocation };
    },

    async revokeSession(caller, sid, options) {
      const { tenantId: tid, sessionId } = caller.session;
      if (sid === sessionId && !options.includeSelf) {
        throw new SekishoError('conflict', 'This is your own session; include it on purpose.');
      }
      const row = await sessions.get(tid, sid, nowMs(services));
      if (row === null) throw noSuch('session');
      const { revocation } = await revoke(services, {
        ...act(caller, options),
        revoke: [endOfSession(tid, row.uid, sid)],
        change: { kind: 'session_end', tid, uid: null, sid, sparedSid: null, how: 'revoked' },
        audit: audit(caller, 'session_revoked', { kind: 'session', id: sid }, options),
      });
      return { revocation };
    },

    async revokeAll(caller, options) {
      const { tenantId: tid } = caller.session;
      const sparedSid = spared(caller, options);
      const { revocation } = await revoke(services, {
        ...act(caller, options),
        revoke: [floorOfTenant(tid, sparedSid)],
        change: { kind: 'session_end', tid, uid: null, sid: null, sparedSid, how: 'revoked' },
        audit: audit(caller, 'tenant_sessions_revoked', { kind: 'tenant', id: tid }, options),
      });
      return { revocation };
    },

    async listRevocations(caller, page) {
      const { tenantId: tid } = caller.session;
      const rows = await log.list(tid, page);
      const lasts = await log.lastEntries(tid, rows);
      const all = await standings(services, rows, lasts, STANDING_WAIT_MS);
      return rows.flatMap((row, at) => {
        const revocation = all[at];
        return revocation === undefined ? [] : [{ row, revocation }];
      });
    },

    async getRevocation(caller, id) {
      const { tenantId: tid } = caller.session;
      // UNKNOWN OUTCOME: after this answer, an operation that is not there cannot happen any more. Names of later entries
      // of one operation (`<id>.<n>`) are only looked up.
      const state = isId(id) ? await log.operationOrAbandon(tid, id) : await log.operation(tid, id);
      if (state.kind !== 'committed' || state.row === null) {
        throw noSuch('revocation');
      }
      return standing(services, state.row, STANDING_WAIT_MS, state.last ?? state.row);
    },
  };
}
