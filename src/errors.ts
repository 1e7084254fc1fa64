/**
 * Every error that Sekisho throws on purpose is a `SekishoError` with one of these codes. `ERROR_STATUS` gives the HTTP
 * status that belongs to it; docs/errors.md lists them with what to do about each.
 */
export const ERROR_STATUS = {
  // the request itself
  invalid_request: 400,
  invalid_json: 400,
  ambiguous_credentials: 400,
  insecure_transport: 400,
  invalid_cursor: 400,
  payload_too_large: 413,
  unsupported_media_type: 415,
  upgrade_required: 426,
  unsupported_token_type: 400,
  validation_failed: 422,
  idempotency_key_reused: 422,
  not_found: 404,
  method_not_allowed: 405,
  precondition_failed: 412,
  // who is asking (RFC 6750)
  credentials_required: 401,
  invalid_token: 401,
  token_expired: 401,
  token_superseded: 401,
  session_revoked: 401,
  session_expired: 401,
  reauthentication_required: 401,
  invalid_credentials: 401,
  invalid_refresh_token: 401,
  invalid_client: 401,
  // what they may do
  insufficient_role: 403,
  origin_denied: 403,
  session_limit_reached: 403,
  tenant_suspended: 403,
  too_many_attempts: 429,
  too_many_streams: 429,
  // the state of things
  email_taken: 409,
  external_id_taken: 409,
  slug_taken: 409,
  last_administrator: 409,
  conflict: 409,
  // an outage is never a 401
  store_unavailable: 503,
  outcome_unknown: 503,
  not_ready: 503,
  internal: 500,
  // start-up
  invalid_configuration: 500,
  data_directory_in_use: 500,
  data_directory_unusable: 500,
  backup_unusable: 500,
} as const;

/** A stable word for what went wrong; see `ERROR_STATUS`. */
export type ErrorCode = keyof typeof ERROR_STATUS;

/** One thing wrong with a request body, query or path: a JSON Pointer (RFC 6901) and a sentence. */
export interface FieldError {
  readonly pointer: string;
  readonly detail: string;
}

/** For the `RateLimit` and `RateLimit-Policy` fields of a 429. */
export interface RateLimitState {
  /** Name of the policy, such as `login`. */
  readonly policy: string;
  /** Attempts that a window has room for. */
  readonly limit: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  /** Whole seconds until there is room again. */
  readonly resetSeconds: number;
}

/** Somebody who has proven who they are, though they are refused. */
export interface Proven {
  readonly tenantId: string;
  readonly userId: string;
  /** Null: no session of theirs is known. */
  readonly sessionId: string | null;
}

/** What may accompany an error. None of it ever holds a token, a password or a hash. */
export interface ErrorDetails {
  /** For 429 and 503: when to try again, in whole seconds ≥ 1. */
  readonly retryAfterSeconds?: number;
  /** For 429. */
  readonly rateLimit?: RateLimitState;
  /** For 422: what to mend, by field. */
  readonly errors?: readonly FieldError[];
  /** For `outcome_unknown`: the id to ask later (`GET /v1/admin/revocations/{id}`). */
  readonly operationId?: string;
  /**
   * Whose request it was, where that was proven (a good signature, a right password, a refresh token that is known): for the
   * line of the log, never for an answer.
   */
  readonly proven?: Proven;
  /** Further public members of the problem document, such as `sessions` and `sessions_to_end` for `session_limit_reached`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one error class. Switch on `code`; `message` is a sentence for people and may change.
 *
 * @example
 * try { await sekisho.authenticate(request) } catch (error) {
 *   if (isSekishoError(error) && error.code === 'token_expired') return refresh()
 *   throw error
 * }
 */
export class SekishoError extends Error {
  override readonly name = 'SekishoError';
  readonly code: ErrorCode;
  /** The HTTP status of `code`. */
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly rateLimit: RateLimitState | undefined;
  readonly errors: readonly FieldError[] | undefined;
  readonly operationId: string | undefined;
  readonly members: Readonly<Record<string, unknown>> | undefined;
  readonly proven: Proven | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = ERROR_STATUS[code];
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.rateLimit = details.rateLimit;
    this.errors = details.errors;
    this.operationId = details.operationId;
    this.members = details.members;
    this.proven = details.proven;
  }
}

const BRAND = Symbol.for('sekisho.error');
Object.defineProperty(SekishoError.prototype, BRAND, { value: true });

/** Whether `error` is a `SekishoError`, also one of another copy of this module (bundlers make such copies). */
export function isSekishoError(error: unknown): error is SekishoError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/** Whether `error` says that the record could not be reached, or did not answer in time: the same may work later. */
export function isOutage(error: unknown): boolean {
  return (
    isSekishoError(error) &&
    (error.code === 'store_unavailable' || error.code === 'outcome_unknown')
  );
}

/** Longest part of a pointer, in characters. Names of our own fields are shorter; what a stranger made up is cut. */
const MAX_POINTER_PART = 100;

/** A JSON Pointer (RFC 6901) for `FieldError`; the empty one is the whole body. */
export function pointerTo(path: readonly PropertyKey[]): string {
  return path
    .map((part) => String(part).slice(0, MAX_POINTER_PART))
    .map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
