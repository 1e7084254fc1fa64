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
