import { SekishoError } from '../errors.ts';
import { kindOfToken } from '../token/kind.ts';
import { parseRefreshToken } from '../token/refresh-token.ts';
import { auditRow } from './audit.ts';
import type { Authenticator } from './authenticate.ts';
import type { CallingClient } from './client-contract.ts';
import type { Origin, Revocation } from './contract.ts';
import { endFound, type Found, ofAccessToken, ofRefreshToken } from './logout.ts';
import type { Services } from './services.ts';

/**
 * Revokes a token for a service client (RFC 7009), and with it its session: tokens of one session stand and fall together.
 * What is unknown, damaged or expired is left alone, and so is a token of another tenant: either is an answer without a
 * revocation, and nobody learns which it was.
 *
 * @throws SekishoError `unsupported_token_type` for what can be no token of a session, 503.
 */
export async function revokeToken(
  services: Services,
  authenticator: Authenticator,
  client: CallingClient,
  token: string,
  origin: Origin,
): Promise<{ readonly revocation: Revocation | null }> {
  const kind = kindOfToken(token);
  if (kind === 'other') {
    throw new SekishoError(
      'unsupported_token_type',
      'Only access tokens and refresh tokens can be revoked here.',
    );
  }
  const { tenantId: tid, clientId } = client;
  const found =
    kind === 'access'
      ? await ofAccessToken(services, authenticator, token, tid)
      : await ofOwnRefreshToken(services, tid, token);
  if (found === null) return { revocation: null };
  return endFound(services, found, {
    reason: 'token_revoked',
    audit: auditRow(services, {
      tid,
      action: 'authn_token_revoked',
      actor: { kind: 'client', uid: clientId, sid: null },
      subject: { kind: 'session', id: found.sid },
      origin,
      detail: { uid: found.uid, token: kind },
    }),
  });
}

async function ofOwnRefreshToken(
  services: Services,
  tid: string,
  token: string,
): Promise<Found | null> {
  // ASVS 8.4.1: of another tenant's sessions the record is not even asked.
  return parseRefreshToken(token)?.tid === tid ? ofRefreshToken(services, token) : null;
}
