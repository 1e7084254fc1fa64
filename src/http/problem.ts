import {
  type ErrorCode,
  isSekishoError,
  type Proven,
  type RateLimitState,
  SekishoError,
} from '../errors.ts';
import { CLIENT_CHALLENGE, oauthErrorType, oauthMembers } from './oauth-error.ts';

/** Where and to whom an error is told. */
export interface ProblemContext {
  readonly requestId: string;
  /** Path under which the routes are mounted, or empty. */
  readonly basePath: string;
  /** Whether an access token was presented: only then a challenge carries an error code (RFC 6750 section 3.1). */
  readonly tokenPresented: boolean;
  /** Fields of a request to an OAuth endpoint, whose errors are those of RFC 6749, too. Default: any other path. */
  readonly oauth?: Headers | null;
}

/** A `SekishoError` with fields for its answer, such as `Allow`. */
export class HttpError extends SekishoError {
  readonly headers: Readonly<Record<string, string>>;
  /** `Set-Cookie` values. */
  readonly cookies: readonly string[];

  constructor(
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>>,
    cookies: readonly string[] = [],
    proven?: Proven,
  ) {
    super(code, message, proven && { proven });
    this.headers = headers;
    this.cookies = cookies;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** What anything that was thrown is to its caller: whatever is not a `SekishoError` is `internal` and says nothing. */
export function knownError(error: unknown): SekishoError {
  if (isSekishoError(error) && error.status !== 500) return error;
  return new SekishoError('internal', 'Something went wrong here.', { cause: error });
}

/**
 * The problem document (RFC 9457) of an error, with the fields that belong to it: `WWW-Authenticate` for 401,
 * `Retry-After` for 429 and 503, `RateLimit` and `RateLimit-Policy` where a limit counted.
 */
export function problemResponse(thrown: unknown, context: ProblemContext): Response {
  const error = knownError(thrown);
  const { code, status, message, errors, operationId, members } = error;
  const oauth = context.oauth ?? null;
  const type = oauth === null ? 'application/problem+json' : oauthErrorType(oauth);
  const headers = new Headers({ 'content-type': type });
  const challenge =
    oauth === null
      ? challengeOf(error, context.tokenPresented)
      : status === 401
        ? CLIENT_CHALLENGE
        : null;
  if (challenge !== null) headers.set('www-authenticate', challenge);
  if (status === 429 || status === 503) {
    headers.set('retry-after', String(Math.max(1, Math.ceil(error.retryAfterSeconds ?? 1))));
  }
  // The rest of the body is never read: without this word a client would use the connection again (RFC 9110 15.5.14).
  if (status === 413) headers.set('connection', 'close');
  if (error.rateLimit !== undefined) applyRateLimit(headers, error.rateLimit);
  if (error instanceof HttpError) {
    for (const [name, value] of Object.entries(error.headers)) headers.set(name, value);
    for (const cookie of error.cookies) headers.append('set-cookie', cookie);
  }
  const body = {
    ...members,
    type: `${context.basePath}/docs#error-${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail: message,
    instance: `urn:sekisho:request:${context.requestId}`,
    code,
    ...(oauth === null ? {} : oauthMembers(error)),
    ...(errors === undefined ? {} : { errors }),
    ...(operationId === undefined ? {} : { id: operationId }),
  };
  return new Response(JSON.stringify(body), { status, headers });
}

/** Refusals of the access token itself. */
const TOKEN_ERRORS = new Set<ErrorCode>([
  'invalid_token',
  'token_expired',
  'token_superseded',
  'session_revoked',
  'session_expired',
]);

/** RFC 6750 section 3; RFC 9470 for a proof of identity that is too old. */
function challengeOf({ status, code }: SekishoError, tokenPresented: boolean): string | null {
  if (status === 401) {
    if (tokenPresented && TOKEN_ERRORS.has(code)) {
      return `Bearer error="invalid_token", error_description="${code}"`;
    }
    if (tokenPresented && code === 'reauthentication_required') {
      return `Bearer error="insufficient_user_authentication", error_description="${code}"`;
    }
    return 'Bearer';
  }
  return code === 'insufficient_role' ? 'Bearer error="insufficient_scope"' : null;
}

/** Fields of the RateLimit draft (draft-ietf-httpapi-ratelimit-headers). */
function applyRateLimit(headers: Headers, limit: RateLimitState): void {
  const name = JSON.stringify(limit.policy);
  headers.set('ratelimit-policy', `${name};q=${limit.limit};w=${limit.windowSeconds}`);
  headers.set('ratelimit', `${name};r=${limit.remaining};t=${limit.resetSeconds}`);
}
