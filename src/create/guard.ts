import { SekishoError } from '../errors.ts';
import { contextOf } from '../http/context.ts';
import { cookieNames, setTokens } from '../http/cookies.ts';
import { accessTokenOf, credentialsOf, requireCookieTransport } from '../http/credentials.ts';
import { isUnsafe, requireOwnOrigin } from '../http/csrf.ts';
import { problemResponse } from '../http/problem.ts';
import type { HttpSettings } from '../http/settings.ts';
import type {
  AuthenticateOptions,
  Authentication,
  Session,
  TokenPair,
} from '../session/contract.ts';

/** Passed beside a Fetch request, as `@hono/node-server` does: the peer's address is in `incoming.socket`. */
export interface PeerEnv {
  readonly incoming?: {
    readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
  };
}

/**
 * A Fetch handler behind `withAuth`.
 *
 * @typeParam Rest what the framework passes beside the request, such as Next.js's `{ params }`.
 * @typeParam Incoming the framework's own kind of request, such as `NextRequest`.
 */
export type AuthenticatedHandler<
  Rest extends readonly unknown[] = [],
  Incoming extends Request = Request,
> = (request: Incoming, session: Session, ...rest: Rest) => Response | Promise<Response>;

/** What `withAuth` makes of it; where the handler takes the request and the session alone, an `env` may come along. */
export type GuardedHandler<
  Rest extends readonly unknown[] = [],
  Incoming extends Request = Request,
> = (
  request: Incoming,
  ...rest: Rest extends readonly [] ? [env?: unknown] : Rest
) => Promise<Response>;

/**
 * The address at the other end of the connection, where somebody says it. Frameworks type what they pass loosely, and other
 * platforms pass something else, which says nothing.
 */
export function peerOf(env: unknown): string | null {
  const address = (env as PeerEnv | null | undefined)?.incoming?.socket?.remoteAddress;
  return typeof address === 'string' ? address : null;
}

type GuardSettings = Pick<HttpSettings, 'readProxy' | 'allows' | 'allowHttpCookies' | 'basePath'>;

/**
 * Judges a whole request, for routes that are the application's own: the bearer token or the cookie, the origin where a
 * cookie came with an unsafe method (ASVS 3.5.1), then the token.
 *
 * @throws SekishoError `ambiguous_credentials` `insecure_transport` (400), `origin_denied` (403), `credentials_required`
 *   (401), and what `authenticate` throws.
 */
export async function authenticateRequest(
  authentication: Pick<Authentication, 'authenticate'>,
  settings: GuardSettings,
  request: Request,
  options: AuthenticateOptions | undefined,
  env: unknown,
): Promise<Session> {
  const context = contextOf(request, peerOf(env), settings.readProxy);
  const names = cookieNames(context, settings.allowHttpCookies);
  const credentials = credentialsOf(request.headers, names);
  const presented = accessTokenOf(credentials, context, settings.allowHttpCookies);
  if (credentials.hasCookies && isUnsafe(request.method)) {
    requireOwnOrigin(request.headers, context, settings.allows);
  }
  if (presented === null) {
    throw new SekishoError('credentials_required', 'Log in first: no access token was presented.');
  }
  return authentication.authenticate(presented.token, { ...options, origin: context.origin });
}

/** The answer for a request that was refused, in the form of the contract. */
export function refusal(
  error: unknown,
  settings: GuardSettings,
  request: Request,
  env: unknown,
): Response {
  const { requestId, scheme, hostname } = contextOf(request, peerOf(env), settings.readProxy);
  const names = cookieNames({ scheme, hostname }, settings.allowHttpCookies);
  const { bearer, accessCookie } = credentialsOf(request.headers, names);
  const response = problemResponse(error, {
    requestId,
    basePath: settings.basePath,
    tokenPresented: bearer !== null || accessCookie !== null,
  });
  response.headers.set('x-request-id', requestId);
  response.headers.set('cache-control', 'no-store');
  return response;
}

/** `Set-Cookie` values for a session that the application has made. @throws SekishoError `insecure_transport`. */
export function cookiesOf(
  pair: TokenPair,
  settings: GuardSettings,
  request: Request,
  env: unknown,
): readonly string[] {
  const context = contextOf(request, peerOf(env), settings.readProxy);
  requireCookieTransport(context, settings.allowHttpCookies);
  return setTokens(cookieNames(context, settings.allowHttpCookies), {
    accessToken: pair.accessToken,
    refreshToken: pair.refreshToken,
    sessionSeconds: pair.refreshExpiresInSeconds,
    deviceToken: null,
  });
}
