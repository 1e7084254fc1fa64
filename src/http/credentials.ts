import { SekishoError } from '../errors.ts';
import { isSecure, type RequestContext } from './context.ts';
import { type CookieNames, readCookies } from './cookies.ts';

/** What a request brought along, not yet judged. */
export interface Credentials {
  readonly bearer: string | null;
  readonly accessCookie: string | null;
  readonly refreshCookie: string | null;
  readonly deviceCookie: string | null;
  /** Whether any cookie of ours came: then unsafe methods are checked against the origin. */
  readonly hasCookies: boolean;
}

/** An access token and how it came; answers with tokens go back the same way. */
export interface PresentedToken {
  readonly token: string;
  readonly via: 'bearer' | 'cookie';
}

/**
 * Reads `Authorization: Bearer` (RFC 6750 section 2.1) and the cookies. A token in a query or a form is never looked at
 * (ASVS 14.2.1). Another scheme than Bearer is no credential of ours.
 */
export function credentialsOf(headers: Headers, names: CookieNames): Credentials {
  const bearer = /^bearer +(.+)$/i.exec(headers.get('authorization')?.trim() ?? '')?.[1] ?? null;
  const cookies = readCookies(headers.get('cookie'));
  const own = (name: string) => cookies.get(name) || null;
  return {
    bearer,
    accessCookie: own(names.access),
    refreshCookie: own(names.refresh),
    deviceCookie: own(names.device),
    hasCookies: [names.access, names.refresh, names.device].some((name) => cookies.has(name)),
  };
}

/**
 * The access token of a request, or null.
 *
 * @throws SekishoError `ambiguous_credentials` for a bearer token together with the access cookie: which of the two people
 *   is it? `insecure_transport` for the cookie over plain http.
 */
export function accessTokenOf(
  credentials: Credentials,
  context: RequestContext,
  allowHttpCookies: boolean,
): PresentedToken | null {
  const { bearer, accessCookie } = credentials;
  if (bearer !== null && accessCookie !== null) {
    throw new SekishoError(
      'ambiguous_credentials',
      'Send the bearer token or the cookie, not both.',
    );
  }
  if (bearer !== null) return { token: bearer, via: 'bearer' };
  if (accessCookie === null) return null;
  requireCookieTransport(context, allowHttpCookies);
  return { token: accessCookie, via: 'cookie' };
}

/** @throws SekishoError `insecure_transport` where cookies would travel readable for everybody on the way. */
export function requireCookieTransport(context: RequestContext, allowHttpCookies: boolean): void {
  if (isSecure(context) || allowHttpCookies) return;
  throw new SekishoError(
    'insecure_transport',
    'Cookies need https, except on loopback names. Behind a proxy that ends TLS, list it in SEKISHO_TRUSTED_PROXIES.',
  );
}
