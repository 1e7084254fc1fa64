import { SekishoError } from '../errors.ts';

/** What a service client says of itself, not yet judged. */
export interface PresentedClient {
  readonly id: string;
  readonly secret: string;
}

/** How service clients show who they are, as RFC 8414 names it. */
export const CLIENT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post'] as const;

/** Cannot be a client: it is refused like one that is unknown. */
const UNREADABLE: PresentedClient = Object.freeze({ id: '', secret: '' });

/**
 * Reads `Authorization: Basic` or the fields `client_id` and `client_secret` of the form (RFC 6749 section 2.3.1). Never the
 * query.
 *
 * @returns null when nothing was presented.
 * @throws SekishoError `invalid_request` when both were: a request has one way of authentication (RFC 6749 section 2.3).
 */
export function presentedClientOf(
  headers: Headers,
  form: Readonly<Record<string, string>>,
): PresentedClient | null {
  const { client_id: id, client_secret: secret } = form;
  const basic = /^basic +(.*)$/i.exec(headers.get('authorization')?.trim() ?? '')?.[1];
  if (basic === undefined) {
    // An id without a secret shows nothing, and yet it is an attempt.
    return id === undefined && secret === undefined ? null : { id: id ?? '', secret: secret ?? '' };
  }
  const presented = decode(basic);
  if (secret !== undefined || (id !== undefined && id !== presented.id)) {
    throw new SekishoError(
      'invalid_request',
      'Authenticate the client by the Authorization field or by the form, not by both.',
    );
  }
  return presented;
}

/** Id and secret are form-encoded before they are joined and put in base64 (RFC 6749 section 2.3.1, RFC 7617). */
function decode(basic: string): PresentedClient {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(basic)) return UNREADABLE;
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon === -1) return UNREADABLE;
  try {
    return { id: unform(text.slice(0, colon)), secret: unform(text.slice(colon + 1)) };
  } catch {
    return UNREADABLE;
  }
}

/** @throws URIError for a percent sign that stands for nothing. */
function unform(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}
