import { isSekishoError } from '../errors.ts';
import { issuerOf } from '../token/kind.ts';
import { hashRefreshToken, parseRefreshToken } from '../token/refresh-token.ts';
import { type Authenticator, cannotVouch } from './authenticate.ts';
import type { CallingClient, Introspection } from './client-contract.ts';
import { CLIENT_ID } from './mint.ts';
import { nowMs, type Services } from './services.ts';

/** One object for whatever is not active, so that no two reasons can differ (RFC 7662 section 2.2). */
const INACTIVE: Introspection = Object.freeze({ active: false });

/**
 * Judges a token for a service client (RFC 7662), by its shape: an access token as `authenticate` would at this moment, a
 * refresh token as a refresh would, without using it up.
 *
 * @throws SekishoError `store_unavailable` when this node cannot say.
 */
export async function introspect(
  services: Services,
  authenticator: Authenticator,
  client: CallingClient,
  token: string,
): Promise<Introspection> {
  const refresh = parseRefreshToken(token);
  if (refresh === null) return ofAccessToken(authenticator, client, token);
  // ASVS 8.4.1: of another tenant's sessions the record is not even asked.
  if (refresh.tid !== client.tenantId) return INACTIVE;
  return ofRefreshToken(services, client.tenantId, refresh.sid, token);
}

async function ofAccessToken(
  authenticator: Authenticator,
  client: CallingClient,
  token: string,
): Promise<Introspection> {
  try {
    const facts = await authenticator.known(token);
    // Before it is judged: a foreign tenant's session must not be seen as active on somebody else's word.
    if (facts.tid !== client.tenantId) return INACTIVE;
    const session = await authenticator.authenticate(token);
    return {
      active: true,
      use: 'access',
      issuer: issuerOf(token),
      clientId: facts.clientId,
      uid: facts.uid,
      tid: facts.tid,
      sid: facts.sid,
      roles: facts.roles,
      amr: facts.amr,
      authTimeSeconds: facts.authTimeSeconds,
      expiresAtSeconds: facts.expiresAtSeconds,
      issuedAtSeconds: facts.issuedAtSeconds,
      jti: facts.jti,
      freshness: session.freshness,
    };
  } catch (error) {
    if (isSekishoError(error) && error.status === 401) return INACTIVE;
    throw error;
  }
}

/**
 * Only the live token of a chain is active: one that was used is good for a repeat at most.
 *
 * FRESH: the record that this node reads may be one that no longer counts (a primary that was cut off), so what it says is
 * good with a proof of this moment, and by the node's own view.
 */
async function ofRefreshToken(
  services: Services,
  tid: string,
  sid: string,
  token: string,
): Promise<Introspection> {
  const hash = hashRefreshToken(token);
  const found = await services.record.sessions.ofLiveRefreshToken(tid, sid, hash, nowMs(services));
  if (found === null) return INACTIVE;
  const { session, user, issuedAtMs } = found;
  const { follower } = services;
  await follower.proveNow();
  const judgement = follower.judgeNow({
    ...{ tid, uid: user.uid, sid, epoch: session.epoch },
    // A reissue ends no refresh token, and how the session's own history goes on is the record's to say.
    ...{ generation: follower.status().generation ?? '', tokenEpoch: Number.MAX_SAFE_INTEGER },
  });
  if (judgement.kind === 'revoked') return INACTIVE;
  if (judgement.kind !== 'pass') {
    throw cannotVouch();
  }
  return {
    active: true,
    use: 'refresh',
    issuer: issuedAtMs === null ? services.issuer.current() : services.issuer.of(issuedAtMs),
    clientId: CLIENT_ID,
    uid: user.uid,
    tid,
    sid,
    roles: user.roles,
    amr: session.amr,
    authTimeSeconds: Math.floor(session.authTimeMs / 1000),
    expiresAtSeconds: Math.floor(session.expiresAtMs / 1000),
    issuedAtSeconds: null,
    jti: null,
    freshness: judgement.freshness,
  };
}
