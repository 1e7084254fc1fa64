import { isLoopbackName } from '../public-url.ts';
import type { Origin } from '../session/contract.ts';
import type { ProxyReader } from './proxy.ts';
import { requestIdOf } from './request-id.ts';
import { type TraceContext, traceContextOf } from './trace-context.ts';

/** What is known of a request before anything of it is judged. */
export interface RequestContext {
  readonly requestId: string;
  readonly scheme: 'http' | 'https';
  /** Name and port. */
  readonly host: string;
  /** Name alone, lower case; IPv6 in brackets. */
  readonly hostname: string;
  readonly fromTrustedProxy: boolean;
  /** The caller's trace, for log lines; null when it named none. */
  readonly trace: TraceContext | null;
  /** For sessions, audit rows and logs. */
  readonly origin: Origin;
}

/** Longest `User-Agent` that is kept, in characters. */
const MAX_USER_AGENT = 400;

export function contextOf(
  request: Request,
  peer: string | null,
  readProxy: ProxyReader,
): RequestContext {
  const { ip, scheme, host, fromTrustedProxy } = readProxy(request, peer);
  const requestId = requestIdOf(request.headers, fromTrustedProxy);
  const userAgent = request.headers.get('user-agent')?.slice(0, MAX_USER_AGENT) ?? null;
  return Object.freeze({
    requestId,
    scheme,
    host,
    hostname: host.replace(/:\d+$/, '').toLowerCase(),
    fromTrustedProxy,
    trace: traceContextOf(request.headers),
    origin: Object.freeze({ requestId, ip, userAgent }),
  });
}

/** Whether cookies may travel: over https, or to this machine itself. */
export function isSecure(context: Pick<RequestContext, 'scheme' | 'hostname'>): boolean {
  return context.scheme === 'https' || isLoopbackName(context.hostname);
}
