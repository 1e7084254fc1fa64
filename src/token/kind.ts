import { parseClientSecret } from './client-secret.ts';
import { parseRefreshToken } from './refresh-token.ts';

/** A reset token or a socket ticket (`<text>.<256 bit>`), or a device token (`<id>.<seconds>.<256 bit>`). */
const OTHER_SHAPES = /^(?:[\w-]+|[\w-]{22}\.\d{1,12})\.[\w-]{43}$/;

/**
 * What a text could be a token of, by its shape alone; whether it is one is another question. `other`: of a kind that
 * Sekisho makes and that neither introspection nor revocation knows.
 */
export function kindOfToken(text: string): 'access' | 'refresh' | 'other' {
  if (parseRefreshToken(text) !== null) return 'refresh';
  return parseClientSecret(text) !== null || OTHER_SHAPES.test(text) ? 'other' : 'access';
}

/** `iss` of an access token whose signature is known to be good: while an issuer is changed, two of them are. */
export function issuerOf(accessToken: string): string {
  const [, payload = ''] = accessToken.split('.', 2);
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { iss: string };
  return claims.iss;
}
