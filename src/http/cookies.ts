import { DEVICE_TOKEN_SECONDS } from '../token/device-token.ts';
import { isSecure, type RequestContext } from './context.ts';

/** The names under which credentials travel on one request. */
export interface CookieNames {
  readonly access: string;
  readonly refresh: string;
  readonly device: string;
  /** False only under `SEKISHO_DANGEROUSLY_ALLOW_HTTP_COOKIES`. */
  readonly secure: boolean;
}

/** Longest cookie that browsers keep, name and value together, in bytes (RFC 6265bis section 5.6; ASVS 3.3.5). */
export const MAX_COOKIE_BYTES = 4096;

const HOST_NAMES: CookieNames = Object.freeze({
  access: '__Host-sekisho',
  refresh: '__Host-sekisho-refresh',
  device: '__Host-sekisho-device',
  secure: true,
});

const PLAIN_NAMES: CookieNames = Object.freeze({
  access: 'sekisho',
  refresh: 'sekisho-refresh',
  device: 'sekisho-device',
  secure: false,
});

/**
 * The cookies of this request. `__Host-` (ASVS 3.3.1) wherever they can work; the plain names only over plain http to a
 * name that is not this machine, and only where that was allowed. Never both: a plain cookie can be planted by a
 * neighbouring host.
 */
export function cookieNames(
  context: Pick<RequestContext, 'scheme' | 'hostname'>,
  allowHttpCookies: boolean,
): CookieNames {
  return allowHttpCookies && !isSecure(context) ? PLAIN_NAMES : HOST_NAMES;
}

/**
 * Values by name. Of a name that came twice the first counts (RFC 6265 section 5.4 sends the more specific one first);
 * what is no `name=value` is passed over, since any page of the host may have set it.
 */
export function readCookies(header: string | null): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of (header ?? '').split(';')) {
    const at = pair.indexOf('=');
    if (at < 1) continue;
    const name = pair.slice(0, at).trim();
    const value = pair
      .slice(at + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
    if (!cookies.has(name)) cookies.set(name, value);
  }
  return cookies;
}

/** What a login with `"transport": "cookie"` sets. */
export interface CookieTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds until the session's absolute end. */
  readonly sessionSeconds: number;
  /** Null: the device cookie stays as it is. */
  readonly deviceToken: string | null;
}

/**
 * `Set-Cookie` values. The access cookie lives as long as the session, not as long as its token: an expired token is
 * answered `token_expired` (refresh), a missing one `credentials_required` (log in).
 */
export function setTokens(names: CookieNames, tokens: CookieTokens): readonly string[] {
  const cookies = [
    // Lax: a link from elsewhere still finds the person logged in.
    cookie(names, names.access, tokens.accessToken, tokens.sessionSeconds, 'Lax'),
    cookie(names, names.refresh, tokens.refreshToken, tokens.sessionSeconds, 'Strict'),
  ];
  if (tokens.deviceToken !== null) {
    cookies.push(cookie(names, names.device, tokens.deviceToken, DEVICE_TOKEN_SECONDS, 'Strict'));
  }
  return cookies;
}

/** Takes both tokens back. The device cookie stays: a known device keeps its allowance of attempts. */
export function clearTokens(names: CookieNames): readonly string[] {
  return [cookie(names, names.access, '', 0, 'Lax'), cookie(names, names.refresh, '', 0, 'Strict')];
}

function cookie(
  names: CookieNames,
  name: string,
  value: string,
  maxAgeSeconds: number,
  sameSite: 'Lax' | 'Strict',
): string {
  if (Buffer.byteLength(`${name}=${value}`) > MAX_COOKIE_BYTES) {
    // Never cut and never dropped in silence; bounds on roles keep tokens far below.
    throw new Error(`The cookie ${name} would be longer than ${MAX_COOKIE_BYTES} bytes.`);
  }
  const secure = names.secure ? '; Secure' : '';
  return `${name}=${value}; Path=/; Max-Age=${maxAgeSeconds}${secure}; HttpOnly; SameSite=${sameSite}`;
}
