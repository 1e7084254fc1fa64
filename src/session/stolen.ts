import { auditRow, SYSTEM, userActor } from './audit.ts';
import type { Origin } from './contract.ts';
import { publish } from './publish.ts';
import { revoke } from './revoke.ts';
import type { Services } from './services.ts';
import { endOfSession } from './subjects.ts';

/** By what a theft was noticed: a used refresh token, or an access token of an answer that was given again as lost. */
export type Evidence = 'refresh_token' | 'access_token';

/**
 * Theft (ASVS 10.4.5, RFC 9700 section 4.14.2): the session ends everywhere before the thief, or the owner, is answered.
 *
 * @throws SekishoError 503.
 */
export async function endStolen(
  services: Services,
  who: { readonly tid: string; readonly uid: string; readonly sid: string },
  origin: Origin,
  evidence: Evidence,
): Promise<void> {
  const { tid, uid, sid } = who;
  await revoke(services, {
    actor: { kind: 'system' },
    revoke: [endOfSession(tid, uid, sid)],
    change: { kind: 'session_end', tid, uid: null, sid, sparedSid: null, how: 'revoked' },
    reason: 'token_reuse',
    audit: [
      auditRow(services, {
        tid,
        action: 'authn_token_reuse',
        outcome: 'failure',
        actor: userActor(uid, sid),
        subject: { kind: 'session', id: sid },
        origin,
        detail: { evidence },
      }),
      auditRow(services, {
        tid,
        action: 'session_revoked',
        actor: SYSTEM,
        subject: { kind: 'session', id: sid },
        origin,
        detail: { uid, reason: 'token_reuse' },
      }),
    ],
  });
  publish(services, 'token.reused', tid, { tid, uid, sid }, { ip: origin.ip, evidence });
}
