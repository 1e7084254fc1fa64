import { isSekishoError, SekishoError } from '../errors.ts';
import { hashRefreshToken, parseRefreshToken } from '../token/refresh-token.ts';
import { auditRow, userActor } from './audit.ts';
import type { Authenticator } from './authenticate.ts';
import type { Origin, Revocation } from './contract.ts';
import { revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { endOfSession } from './subjects.ts';

interface Whose {
  readonly tid: string;
  readonly uid: string;
  readonly sid: string;
}

/**
 * Logout by a signed access token, expired or not, or else by a refresh token.
 *
 * @returns no revocation when the session had ended already.
 * @throws SekishoError `credentials_required` when nothing verifiable was presented, 503.
 */
export async function logout(
  services: Services,
  authenticator: Authenticator,
  presented: { readonly accessToken: string | null; readonly refreshToken: string | null },
  origin: Origin,
): Promise<{ readonly revocation: Revocation | null }> {
  const byAccess =
    presented.accessToken === null
      ? null
      : await ofAccessToken(services, authenticator, presented.accessToken);
  const whose =
    byAccess ??
    (presented.refreshToken === null
      ? null
      : await ofRefreshToken(services, presented.refreshToken));
  if (whose === null) {
    throw new SekishoError('credentials_required', 'Nothing that names a session was presented.');
  }
  if (!whose.alive) return { revocation: null };
  return end(services, whose, origin);
}

type Found = Whose & { readonly alive: boolean };

async function ofAccessToken(
  services: Services,
  authenticator: Authenticator,
  token: string,
): Promise<Found | null> {
  const { record, follower } = services;
  try {
    const facts = await authenticator.known(token);
    const { tid, uid, sid } = facts;
    if (follower.judgeNow(facts).kind === 'revoked') return { tid, uid, sid, alive: false };
    const now = nowMs(services);
    // UNKNOWN OUTCOME: a token in its time gets its entry whether or not the row is found (it may have been lost).
    if (now < facts.expiresAtSeconds * 1000) return { tid, uid, sid, alive: true };
    const row = await record.sessions.get(tid, sid, now);
    return { tid, uid, sid, alive: row?.state === 'active' };
  } catch (error) {
    if (isSekishoError(error) && error.status === 401) return null;
    throw error;
  }
}

async function ofRefreshToken(services: Services, token: string): Promise<Found | null> {
  const parsed = parseRefreshToken(token);
  if (parsed === null) return null;
  const { tid, sid } = parsed;
  const found = await services.record.sessions.ofRefreshToken(tid, sid, hashRefreshToken(token));
  return found === null ? null : { tid, uid: found.uid, sid, alive: found.state === 'active' };
}

async function end(
  services: Services,
  { tid, uid, sid }: Whose,
  origin: Origin,
): Promise<{ readonly revocation: Revocation }> {
  const { revocation } = await revoke(services, {
    actor: { kind: 'token', tid, uid, sid },
    revoke: [endOfSession(tid, uid, sid)],
    change: { kind: 'session_end', tid, uid: null, sid, sparedSid: null, how: 'logout' },
    reason: 'logout',
    audit: [
      auditRow(services, {
        tid,
        action: 'authn_logout',
        actor: userActor(uid, sid),
        subject: { kind: 'session', id: sid },
        origin,
      }),
    ],
  });
  return { revocation };
}
