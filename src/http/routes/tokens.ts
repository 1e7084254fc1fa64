import type { Revocation, TokenPair } from '../../session/contract.ts';
import { setTokens } from '../cookies.ts';
import { pairOf } from '../objects/people.ts';
import type { Answer, BaseCall } from '../route.ts';
import { alsoRevoked } from './revoked.ts';

/** How tokens travel back. */
export type Transport = 'body' | 'cookie';

/** Back the way that the access token came. */
export function transportOf(call: Pick<BaseCall, 'presented'>): Transport {
  return call.presented?.via === 'cookie' ? 'cookie' : 'body';
}

/** With cookies no token stands in the body, where a script could read it (ASVS 3.3.4). */
export function tokenAnswer(
  call: BaseCall,
  pair: TokenPair,
  transport: Transport,
  more: {
    readonly status?: number;
    readonly deviceToken?: string;
    readonly revocation?: Revocation | null;
  } = {},
): Answer {
  const { status = 200, deviceToken, revocation = null } = more;
  const { uid: userId, sid: sessionId } = pair.session;
  const about = { tenantId: tenantOf(pair.refreshToken), userId, sessionId };
  const body = { ...pairOf(pair), ...alsoRevoked(revocation) };
  if (transport === 'body') {
    const device = deviceToken === undefined ? {} : { device_token: deviceToken };
    const tokens = { access_token: pair.accessToken, refresh_token: pair.refreshToken, ...device };
    return { status, body: { ...body, ...tokens }, about };
  }
  const cookies = setTokens(call.cookieNames, {
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    sessionSeconds: pair.refreshExpiresInSeconds,
    deviceToken: deviceToken ?? null,
  });
  return { status, body, cookies, about };
}

/** The tenant that a refresh token names; it stands before its first dot. */
function tenantOf(refreshToken: string): string {
  return refreshToken.slice(0, refreshToken.indexOf('.'));
}
