import { isLoopbackName } from '../public-url.ts';
import type { RequestContext } from './context.ts';

/** Which origins (RFC 6454) may send credentials, read answers and open sockets. */
export type OriginPolicy = (origin: string, context: RequestContext) => boolean;

/**
 * Allowed are the listed origins and the request's own one. The own origin is the request's scheme and host, provided
 * that the host is a loopback name or the issuer's: a name that merely resolves to this address (DNS rebinding) is nobody.
 *
 * @param issuers looked up each time: there may be another one, and for some minutes two.
 * @param allowedOrigins such as `https://app.example`; a path or a slash at the end does not count.
 */
export function createOriginPolicy(
  allowedOrigins: readonly string[],
  issuers: () => Iterable<string>,
): OriginPolicy {
  const listed = new Set(allowedOrigins.map(normalise).filter((origin) => origin !== null));
  return (origin, context) => {
    const asked = normalise(origin);
    if (asked === null) return false;
    if (listed.has(asked)) return true;
    const known = isLoopbackName(context.hostname) || isOf(issuers(), context.hostname);
    return known && asked === normalise(`${context.scheme}://${context.host}`);
  };
}

function isOf(issuers: Iterable<string>, hostname: string): boolean {
  for (const issuer of issuers) {
    if (URL.canParse(issuer) && new URL(issuer).hostname === hostname) return true;
  }
  return false;
}

/** `null`, as sandboxed frames send it, is no origin that anybody could have allowed. */
function normalise(origin: string): string | null {
  if (!URL.canParse(origin)) return null;
  const { origin: plain } = new URL(origin);
  return plain === 'null' ? null : plain;
}
