import { isSekishoError, SekishoError } from '../errors.ts';
import { assertPassword } from '../login/password-policy.ts';
import { tightened } from '../tenant/login-limit.ts';
import { DEFAULT_POLICY } from '../tenant/policy.ts';
import { hashResetToken, parseResetToken } from '../token/reset-token.ts';
import { reserveAttempt } from './attempts.ts';
import { ANONYMOUS, auditRow, auditRowOf } from './audit.ts';
import type { Caller, Origin, Revocation, TokenPair } from './contract.ts';
import { checkOwnPassword, mintRegenerated, regeneration } from './own-password.ts';
import { revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { floorOfUser, reissueOfSession } from './subjects.ts';

/**
 * A new password: every other session of the user ends, this one goes on with a new chain and its older tokens are
 * superseded (ASVS 7.2.4, 7.4.3). The current password is the recent proof that ASVS 7.5.1 asks for.
 *
 * @throws SekishoError `invalid_credentials`, `validation_failed`, `too_many_attempts`, `session_revoked`, 503.
 */
export async function changePassword(
  services: Services,
  caller: Caller,
  currentPassword: string,
  newPassword: string,
): Promise<TokenPair & { readonly revocation: Revocation }> {
  const { tenantId: tid, userId: uid, sessionId: sid } = caller.session;
  const { user, tenant } = await checkOwnPassword(services, caller, currentPassword);
  assertPassword(newPassword, { tenant: tenant.slug, email: user.email }, '/new_password');
  const passwordHash = await services.passwords.hash(newPassword);
  const atMs = nowMs(services);
  const { token, regenerate } = regeneration(services, caller, atMs);
  const { committed, revocation } = await revoke(services, {
    actor: { kind: 'session', tid, uid, sid, role: null },
    revoke: [floorOfUser(tid, uid, sid), reissueOfSession(tid, uid, sid)],
    change: { kind: 'password_set', tid, uid, passwordHash, regenerate },
    reason: 'password_changed',
    nowMs: atMs,
    audit: [
      auditRowOf(services, caller, {
        action: 'authn_password_change',
        subject: { kind: 'user', id: uid },
      }),
    ],
  });
  return { ...(await mintRegenerated(services, caller, committed, token)), revocation };
}

/**
 * A new password by a one-time link: the link is used up, and every session of the user ends.
 *
 * @throws SekishoError `invalid_token` when the link is unknown, used or too old, `validation_failed`, 503.
 */
export async function resetPassword(
  services: Services,
  token: string,
  newPassword: string,
  origin: Origin,
): Promise<{ readonly revocation: Revocation }> {
  const parsed = parseResetToken(token);
  if (parsed === null) throw unknownReset();
  const { tid } = parsed;
  const tokenHash = hashResetToken(token);
  // Hashing costs 19 MiB and a thread: nobody makes it run for links that are not there as often as they like.
  // All tenants share the count, since whoever tries names the tenant: with a count for each nobody would be limited.
  const limit = tightened(DEFAULT_POLICY.login_limit, services.operations.limits());
  const reserved = await reserveAttempt(services, limit, {
    tid: null,
    email: null,
    deviceId: null,
    ip: origin.ip,
  });
  if (reserved.kind === 'limited') throw reserved.error;
  try {
    assertPassword(newPassword, {}, '/new_password');
    const passwordHash = await services.passwords.hash(newPassword);
    const { revocation } = await revoke(services, {
      actor: { kind: 'reset', tid, tokenHash },
      // Whose link it is, the record knows: it puts the user in.
      revoke: [{ scope: 'user', tid, uid: null, sid: null, sparedSid: null }],
      change: { kind: 'password_set', tid, uid: null, passwordHash, regenerate: null },
      reason: 'password_reset',
      audit: [
        auditRow(services, {
          tid,
          action: 'authn_password_change',
          actor: ANONYMOUS,
          origin,
          detail: { by: 'reset' },
        }),
      ],
    });
    await reserved.reservation.succeeded();
    return { revocation };
  } catch (error) {
    // Only a link that is not there was a wrong try; an outage or a weak password was none.
    if (!isSekishoError(error) || error.code !== 'invalid_token') {
      await reserved.reservation.withdraw();
    }
    throw error;
  }
}

function unknownReset(): SekishoError {
  return new SekishoError('invalid_token', 'The reset token is unknown, used or too old.');
}
