import type { RequestContext } from './context.ts';

/** For answers that no browser has to render: nothing may load, run, frame or submit (ASVS 3.4.3, 3.4.6). */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Seconds: one year (ASVS 3.4.1). */
const HSTS_SECONDS = 31_536_000;

/**
 * Sets what every answer carries; a route that says something else about one of them is left alone.
 *
 * @param mounted in an application of somebody else's, whose sub-domains are not ours to speak for.
 */
export function applySecurityHeaders(
  answer: Headers,
  context: RequestContext,
  mounted: boolean,
): void {
  const fields: Record<string, string> = {
    'cache-control': 'no-store',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  if (context.scheme === 'https') {
    const subDomains = mounted ? '' : '; includeSubDomains';
    fields['strict-transport-security'] = `max-age=${HSTS_SECONDS}${subDomains}`;
  }
  for (const [name, value] of Object.entries(fields)) {
    if (!answer.has(name)) answer.set(name, value);
  }
}
