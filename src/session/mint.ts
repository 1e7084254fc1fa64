import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import type { MintFacts } from '../record/contract.ts';
import { accessTokenTimes } from '../tenant/lifetime.ts';
import type { TokenPair } from './contract.ts';
import type { Services } from './services.ts';

/** `client_id` (RFC 9068) of tokens that a person got by logging in. */
export const CLIENT_ID = 'sekisho';

/**
 * MINT: the access token of what one statement of the record returned, beside its refresh token.
 *
 * @param stampedAtMs wall time from before that statement was sent; `iat` and `exp` come from it, so that a slow answer
 *   never makes a token live longer than the record knew.
 * @throws SekishoError `session_expired` when the session ends within this second.
 */
export async function mintPair(
  services: Pick<Services, 'keys'>,
  tid: string,
  facts: MintFacts,
  stampedAtMs: number,
  refreshToken: string,
): Promise<TokenPair> {
  const { session, user, policy, head } = facts;
  const times = accessTokenTimes(policy, session.expiresAtMs, stampedAtMs);
  const expiresInSeconds = times.expiresAtSeconds - times.issuedAtSeconds;
  if (expiresInSeconds <= 0) {
    throw new SekishoError('session_expired', 'The session has ended; log in again.');
  }
  const accessToken = await services.keys.sign({
    ...times,
    tid,
    uid: user.uid,
    sid: session.sid,
    generation: head.generation,
    epoch: session.epoch,
    tokenEpoch: head.position,
    rot: session.rot,
    roles: user.roles,
    authTimeSeconds: Math.floor(session.authTimeMs / 1000),
    amr: session.amr,
    clientId: CLIENT_ID,
    jti: newId(),
  });
  return {
    accessToken,
    expiresInSeconds,
    refreshToken,
    refreshExpiresInSeconds: Math.max(0, Math.floor((session.expiresAtMs - stampedAtMs) / 1000)),
    session,
    user,
  };
}
