import { CompactSign, compactVerify, errors } from 'jose';
import { z } from 'zod';
import { SekishoError } from '../errors.ts';
import { ID_PATTERN } from '../id.ts';
import type { TokenFacts } from '../revocation/types.ts';
import { MAX_ACCESS_TTL } from '../tenant/policy.ts';
import { MAX_ROLES, ROLE_PATTERN } from '../tenant/role.ts';
import { fromBase64url } from './mac.ts';
import type { Signer, Verifier } from './signing-key.ts';

/** Longest access token that is looked at, in characters: 8 KiB. */
export const MAX_TOKEN_LENGTH = 8192;

/** How far `iat` may lie ahead of the verifier's wall time, seconds. Expiry has no leeway. */
const MAX_IAT_AHEAD_SECONDS = 60;

/** RFC 9068 section 2.1. */
const TYPE = 'at+jwt';

/** Members of a header that this release makes. Anything else (`jwk`, `jku`, `x5u`, `x5c`, `crit`, `b64` …) is refused. */
const HEADER = z.strictObject({
  alg: z.string(),
  typ: z.literal(TYPE),
  kid: z.string().min(1).max(64),
});

const id = z.string().regex(ID_PATTERN);
const count = z.int().min(0);

/** Claims of an access token. Unknown ones do not count: the next release may add some while both run. */
const CLAIMS = z.object({
  iss: z.string(),
  aud: z.string(),
  sub: id,
  client_id: z.string().min(1).max(200),
  tid: id,
  uid: id,
  sid: id,
  gen: z.string().min(1).max(64),
  epoch: count,
  token_epoch: count,
  rot: count,
  roles: z.array(z.string().regex(ROLE_PATTERN)).max(MAX_ROLES),
  auth_time: count,
  amr: z.array(z.string().min(1).max(64)).min(1).max(16),
  iat: count,
  exp: count,
  nbf: count.optional(),
  jti: id,
});

/** What a good signature says: everything in a token but whether it is in time and still stands. Frozen. */
export interface AccessFacts extends TokenFacts {
  /** The key that signed. */
  readonly kid: string;
  readonly clientId: string;
  /** Number of the refresh that it came from; 0 for the login. */
  readonly rot: number;
  readonly roles: readonly string[];
  /** Seconds since 1970 when the user last proved who they are. */
  readonly authTimeSeconds: number;
  /** RFC 8176. */
  readonly amr: readonly string[];
  /** Seconds since 1970. */
  readonly issuedAtSeconds: number;
  readonly expiresAtSeconds: number;
  /** `nbf`; null in our own tokens, which have none. */
  readonly notBeforeSeconds: number | null;
  readonly jti: string;
}

/** What a token is minted from. */
export interface AccessClaims extends Omit<AccessFacts, 'kid' | 'notBeforeSeconds'> {
  readonly issuer: string;
  readonly audience: string;
}

/**
 * Signs an access token: a JWT of RFC 9068 (`typ: at+jwt`) with the claims `iss aud sub client_id tid uid sid gen epoch
 * token_epoch rot roles auth_time amr iat exp jti`.
 *
 * @throws SekishoError `internal` for a life above 900 s or an epoch above the token's own: no verifier would take it.
 */
export async function mintAccessToken(signer: Signer, claims: AccessClaims): Promise<string> {
  const { issuedAtSeconds: iat, expiresAtSeconds: exp, epoch, tokenEpoch } = claims;
  if (exp - iat > MAX_ACCESS_TTL || epoch > tokenEpoch) {
    throw new SekishoError(
      'internal',
      'An access token would be longer-lived or older than the protocol allows.',
    );
  }
  const payload = {
    iss: claims.issuer,
    aud: claims.audience,
    sub: claims.uid,
    client_id: claims.clientId,
    tid: claims.tid,
    uid: claims.uid,
    sid: claims.sid,
    gen: claims.generation,
    epoch,
    token_epoch: tokenEpoch,
    rot: claims.rot,
    roles: claims.roles,
    auth_time: claims.authTimeSeconds,
    amr: claims.amr,
    iat,
    exp,
    jti: claims.jti,
  };
  return new CompactSign(Buffer.from(JSON.stringify(payload)))
    .setProtectedHeader({ alg: signer.alg, typ: TYPE, kid: signer.kid })
    .sign(signer.privateKey);
}

export interface AccessTokenVerifierOptions {
  /** Whose tokens are good at present; compared exactly (RFC 8725 section 3.8). */
  readonly issuers: () => ReadonlySet<string>;
  readonly audience: string;
  /** The key with that id, if tokens of it are good at present. It alone decides about the algorithm. */
  readonly keyOf: (kid: string) => Verifier | null;
}

/**
 * Makes the function that judges access tokens by themselves (RFC 9068 section 4, RFC 8725): form, header, signature, and
 * only then claims. It does not judge time, which passes (`assertInTime`), nor revocation, which the view does.
 *
 * @returns a function that resolves to the facts or rejects with SekishoError `invalid_token`.
 */
export function createAccessTokenVerifier(
  options: AccessTokenVerifierOptions,
): (token: string) => Promise<AccessFacts> {
  return async (token) => {
    const key = keyOfHeader(token, options.keyOf);
    const payload = await payloadOf(token, key);
    return factsOf(payload, key.kid, options);
  };
}

/**
 * Judges the times of a token that is good otherwise.
 *
 * @throws SekishoError `token_expired` from `exp` on, without leeway; `invalid_token` before `nbf`, or when `iat` lies
 *   more than 60 s ahead.
 */
export function assertInTime(facts: AccessFacts, nowMs: number): void {
  const now = nowMs / 1000;
  if (now >= facts.expiresAtSeconds) {
    throw new SekishoError('token_expired', 'The access token has expired.');
  }
  const ahead = facts.issuedAtSeconds > now + MAX_IAT_AHEAD_SECONDS;
  if (ahead || (facts.notBeforeSeconds !== null && facts.notBeforeSeconds > now)) {
    throw invalidToken();
  }
}

/** Compact serialization only, in its one canonical spelling; the header names a key of ours and its own algorithm. */
function keyOfHeader(token: string, keyOf: (kid: string) => Verifier | null): Verifier {
  const parts =
    typeof token === 'string' && token.length <= MAX_TOKEN_LENGTH ? token.split('.', 4) : [];
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3 || fromBase64url(payload) === null || fromBase64url(signature) === null) {
    throw invalidToken();
  }
  const parsed = HEADER.safeParse(jsonOf(fromBase64url(header)));
  const key = parsed.success ? keyOf(parsed.data.kid) : null;
  // RFC 8725 section 3.1: the algorithm is bound to the key, whatever the header would like.
  if (!parsed.success || key === null || key.alg !== parsed.data.alg) {
    throw invalidToken();
  }
  return key;
}

async function payloadOf(token: string, key: Verifier): Promise<Uint8Array> {
  try {
    const { payload } = await compactVerify(token, key.publicKey, { algorithms: [key.alg] });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) {
      throw invalidToken();
    }
    throw error;
  }
}

function factsOf(
  payload: Uint8Array,
  kid: string,
  expected: Pick<AccessTokenVerifierOptions, 'issuers' | 'audience'>,
): AccessFacts {
  const parsed = CLAIMS.safeParse(jsonOf(payload));
  if (!parsed.success) {
    throw invalidToken();
  }
  const claims = parsed.data;
  const ours =
    expected.issuers().has(claims.iss) &&
    claims.aud === expected.audience &&
    claims.sub === claims.uid;
  const life = claims.exp - claims.iat;
  // FORGET: a view forgets entries by the longest life that a token may have.
  if (!ours || life <= 0 || life > MAX_ACCESS_TTL || claims.epoch > claims.token_epoch) {
    throw invalidToken();
  }
  return Object.freeze({
    kid,
    tid: claims.tid,
    uid: claims.uid,
    sid: claims.sid,
    generation: claims.gen,
    epoch: claims.epoch,
    tokenEpoch: claims.token_epoch,
    rot: claims.rot,
    clientId: claims.client_id,
    roles: Object.freeze(claims.roles),
    authTimeSeconds: claims.auth_time,
    amr: Object.freeze(claims.amr),
    issuedAtSeconds: claims.iat,
    expiresAtSeconds: claims.exp,
    notBeforeSeconds: claims.nbf ?? null,
    jti: claims.jti,
  });
}

/** JSON in strict UTF-8; undefined when it is none. */
function jsonOf(bytes: Uint8Array | null): unknown {
  try {
    return bytes === null
      ? undefined
      : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** One message for every reason: a forger learns nothing from it. */
function invalidToken(): SekishoError {
  return new SekishoError('invalid_token', 'The access token is not valid.');
}
