import { auditRowOf } from './audit.ts';
import type { Caller, Revocation, TokenPair } from './contract.ts';
import { checkOwnPassword, mintRegenerated, regeneration } from './own-password.ts';
import { revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { reissueOfSession } from './subjects.ts';

/**
 * The password given again: the same session with a new `auth_time` and a new chain; its older tokens are superseded
 * (ASVS 7.2.4).
 *
 * @throws SekishoError `invalid_credentials`, `too_many_attempts`, `session_revoked`, 503.
 */
export async function reauthenticate(
  services: Services,
  caller: Caller,
  password: string,
): Promise<TokenPair & { readonly revocation: Revocation }> {
  const { tenantId: tid, userId: uid, sessionId: sid } = caller.session;
  await checkOwnPassword(services, caller, password);
  const atMs = nowMs(services);
  const { token, regenerate } = regeneration(services, caller, atMs);
  const { committed, revocation } = await revoke(services, {
    actor: { kind: 'session', tid, uid, sid, role: null },
    revoke: [reissueOfSession(tid, uid, sid)],
    change: { kind: 'session_regenerate', tid, uid, regenerate },
    reason: 'reauthenticated',
    nowMs: atMs,
    audit: [
      auditRowOf(services, caller, {
        action: 'authn_reauthenticated',
        subject: { kind: 'session', id: sid },
      }),
    ],
  });
  return { ...(await mintRegenerated(services, caller, committed, token)), revocation };
}
