import type { RequestContext } from './context.ts';
import type { OriginPolicy } from './origin.ts';

/** Answer fields that pages of allowed origins may read. */
const EXPOSED = [
  'ETag',
  'Location',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
].join(', ');

/** Request fields that such pages may send. */
const ACCEPTED = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'Last-Event-ID',
  'Traceparent',
  'Tracestate',
].join(', ');

/** Seconds that a browser may remember a preflight. */
const PREFLIGHT_SECONDS = 600;

/**
 * Sets the CORS fields (Fetch standard section 3.2) for an allowed origin, and none for others. The answer depends on
 * the origin either way, and says so to caches.
 */
export function applyCors(
  request: Request,
  answer: Headers,
  context: RequestContext,
  allows: OriginPolicy,
): void {
  answer.append('vary', 'Origin');
  const origin = request.headers.get('origin');
  if (origin === null || !allows(origin, context)) return;
  answer.set('access-control-allow-origin', origin);
  answer.set('access-control-allow-credentials', 'true');
  if (request.method === 'OPTIONS' && request.headers.has('access-control-request-method')) {
    answer.set('access-control-allow-methods', answer.get('allow') ?? request.method);
    answer.set('access-control-allow-headers', ACCEPTED);
    answer.set('access-control-max-age', String(PREFLIGHT_SECONDS));
    return;
  }
  answer.set('access-control-expose-headers', EXPOSED);
}
