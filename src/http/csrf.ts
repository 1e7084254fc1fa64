import { SekishoError } from '../errors.ts';
import type { RequestContext } from './context.ts';
import type { OriginPolicy } from './origin.ts';

/** Methods that change nothing (RFC 9110 section 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isUnsafe(method: string): boolean {
  return !SAFE.has(method.toUpperCase());
}

/**
 * Whether the request that a gateway asks about may change something. Its method is what a trusted proxy says; from
 * anybody else the header can only make the check stricter. A proxy may set one of the two fields and pass the client's own
 * other one on, so that either is enough to make it strict.
 */
export function isUnsafeOriginal(
  { method, headers }: Request,
  { fromTrustedProxy }: Pick<RequestContext, 'fromTrustedProxy'>,
): boolean {
  const said = [headers.get('x-original-method'), headers.get('x-forwarded-method')].filter(
    (one) => one !== null,
  );
  if (said.some(isUnsafe)) return true;
  return isUnsafe(method) && (said.length === 0 || !fromTrustedProxy);
}

/**
 * Refuses what a page of a foreign origin sent with the person's cookies (ASVS 3.5.1 to 3.5.3), by `Origin` where there
 * is one, and by Fetch Metadata. Browsers send both by themselves and let no page change them; a request with neither is
 * no browser's and passes.
 *
 * @throws SekishoError `origin_denied`
 */
export function requireOwnOrigin(
  headers: Headers,
  context: RequestContext,
  allows: OriginPolicy,
): void {
  const origin = headers.get('origin');
  const site = headers.get('sec-fetch-site')?.toLowerCase() ?? null;
  if (origin !== null) {
    if (allows(origin, context)) return;
  } else if (site === null || site === 'same-origin' || site === 'none') {
    return;
  }
  throw new SekishoError('origin_denied', 'A page of this origin may not do this.');
}
