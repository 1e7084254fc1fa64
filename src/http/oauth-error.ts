import type { SekishoError } from '../errors.ts';

/** The challenge of the OAuth endpoints (RFC 7617). */
export const CLIENT_CHALLENGE = 'Basic realm="sekisho", charset="UTF-8"';

/**
 * What makes a problem document an error answer of OAuth, too (RFC 6749 section 5.2): both are JSON objects whose members do
 * not meet (docs/decisions/0016).
 */
export function oauthMembers({ code, status, message }: SekishoError): {
  readonly error: string;
  readonly error_description: string;
} {
  // No quotes, back-slashes or anything beyond ASCII (RFC 6749 section 5.2).
  const description = message.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, ' ');
  return { error: errorOf(code, status), error_description: description };
}

function errorOf(code: string, status: number): string {
  if (code === 'invalid_client' || code === 'unsupported_token_type') return code;
  if (status === 429 || status === 503) return 'temporarily_unavailable';
  return status >= 500 ? 'server_error' : 'invalid_request';
}

/**
 * The media type of such an answer: a problem document, unless the caller asks for JSON by name and not for problem
 * documents, as OAuth libraries do, some of which look into nothing else.
 */
export function oauthErrorType(headers: Headers): string {
  const accept = headers.get('accept')?.toLowerCase() ?? '';
  const asked = accept.split(',').map((range) => range.split(';', 1)[0]?.trim());
  return asked.includes('application/json') && !asked.includes('application/problem+json')
    ? 'application/json'
    : 'application/problem+json';
}
