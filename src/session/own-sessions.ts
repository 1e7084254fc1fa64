import { SekishoError } from '../errors.ts';
import { auditRowOf } from './audit.ts';
import type { Caller, OwnSessions } from './contract.ts';
import { noSuch } from './no-such.ts';
import { revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { endOfSession, floorOfUser } from './subjects.ts';

/** What people do with their own sessions (B2, ASVS 7.5.2). */
export function createOwnSessions(services: Services): OwnSessions {
  const { sessions } = services.record;

  function actor(caller: Caller) {
    const { tenantId: tid, userId: uid, sessionId: sid } = caller.session;
    return { kind: 'session', tid, uid, sid, role: null } as const;
  }

  return {
    async current(caller) {
      const { tenantId: tid, sessionId: sid } = caller.session;
      const details = await sessions.details(tid, sid, nowMs(services));
      if (details === null) throw new SekishoError('session_expired', 'The session has ended.');
      return details;
    },

    list(caller, page) {
      const { tenantId: tid, userId: uid } = caller.session;
      return sessions.list(tid, uid, 'active', page, nowMs(services));
    },

    async revoke(caller, sid) {
      const { tenantId: tid, userId: uid } = caller.session;
      const row = await sessions.get(tid, sid, nowMs(services));
      // Another user's session is answered like one that does not exist, in the own tenant too.
      if (row === null || row.uid !== uid || row.state !== 'active') {
        throw noSuch('session');
      }
      const { revocation } = await revoke(services, {
        actor: actor(caller),
        revoke: [endOfSession(tid, uid, sid)],
        change: { kind: 'session_end', tid, uid: null, sid, sparedSid: null, how: 'revoked' },
        reason: 'ended_by_owner',
        audit: [
          auditRowOf(services, caller, {
            action: 'session_revoked',
            subject: { kind: 'session', id: sid },
          }),
        ],
      });
      return { revocation };
    },

    async revokeOthers(caller) {
      const { tenantId: tid, userId: uid, sessionId: sid } = caller.session;
      const { revocation } = await revoke(services, {
        actor: actor(caller),
        revoke: [floorOfUser(tid, uid, sid)],
        change: { kind: 'session_end', tid, uid, sid: null, sparedSid: sid, how: 'revoked' },
        reason: 'others_ended_by_owner',
        audit: [
          auditRowOf(services, caller, {
            action: 'session_revoked',
            subject: { kind: 'user', id: uid },
            detail: { spared: sid },
          }),
        ],
      });
      return { revocation };
    },
  };
}
