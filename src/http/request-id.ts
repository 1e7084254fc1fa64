import { newId } from '../id.ts';

/** What is taken over from a proxy: short, and nothing that could break a log line or a header. */
const WELL_FORMED = /^[A-Za-z0-9._:=@+/-]{1,128}$/;

/**
 * The id under which a request stands in answers (`X-Request-Id`), logs and audit rows: a trusted proxy's, when it is
 * well-formed, otherwise one of our own, so that no client can write somebody else's into the audit trail.
 */
export function requestIdOf(headers: Headers, fromTrustedProxy: boolean): string {
  const given = headers.get('x-request-id');
  return fromTrustedProxy && given !== null && WELL_FORMED.test(given) ? given : newId();
}
