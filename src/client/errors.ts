import type { ErrorCode, FieldError } from '../errors.ts';

export type { ErrorCode, FieldError };

/** What goes wrong before there is an answer of Sekisho's, or without one. */
export type LocalErrorCode =
  /** The server could not be reached, or the connection broke: whether the call was carried out is not known. */
  | 'network_error'
  /** No answer in time: the same holds. */
  | 'timeout'
  /** Something that is not Sekisho answered, such as a proxy. */
  | 'unexpected_answer'
  /** `fetch` was given an address to which credentials may not go; see `apiOrigins`. */
  | 'foreign_origin'
  /** `storage` could not be read; the next call reads it again. */
  | 'storage_error'
  /** There is no WebSocket here: pass one. */
  | 'no_websocket'
  /** The client was closed. */
  | 'closed';

/** A stable word for what went wrong: docs/errors.md lists those of the server. */
export type ClientErrorCode = ErrorCode | LocalErrorCode;

/**
 * The one error that the client throws. Switch on `code`; `message` is a sentence for people and may change.
 *
 * @example
 * try { await client.login(input) } catch (error) {
 *   if (isClientError(error) && error.code === 'too_many_attempts') wait(error.retryAfterSeconds)
 * }
 */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** For 429 and 503: when to try again. */
  readonly retryAfterSeconds: number | undefined;
  /** For 422: what to mend, by field. */
  readonly errors: readonly FieldError[] | undefined;
  /** The whole problem document (RFC 9457): `sessions` and `sessions_to_end` of `session_limit_reached`, and so on. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(
    code: ClientErrorCode,
    message: string,
    details: {
      readonly status?: number;
      readonly retryAfterSeconds?: number | undefined;
      readonly problem?: Readonly<Record<string, unknown>>;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.status = details.status ?? 0;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.problem = details.problem ?? {};
    const { errors } = this.problem;
    this.errors = Array.isArray(errors) ? (errors as FieldError[]) : undefined;
  }
}

/** Whether something that was thrown is a `ClientError`; also when it comes from another copy of this module. */
export function isClientError(error: unknown): error is ClientError {
  return error instanceof Error && error.name === 'ClientError' && 'code' in error;
}

/** The code of a problem document, without using up the answer; null when it is none. */
export async function codeOf(response: Response): Promise<string | null> {
  if (!isProblem(response)) return null;
  try {
    const { code } = (await response.clone().json()) as { readonly code?: unknown };
    return typeof code === 'string' ? code : null;
  } catch {
    return null;
  }
}

/** What a refusal is to the caller. Uses up the answer. */
export async function errorOf(response: Response): Promise<ClientError> {
  const { status } = response;
  const retryAfterSeconds = retryAfterOf(response);
  if (isProblem(response)) {
    try {
      const problem = (await response.json()) as Record<string, unknown>;
      const code = problem.code as ClientErrorCode;
      const message = String(problem.detail ?? problem.title ?? code);
      return new ClientError(code, message, { status, retryAfterSeconds, problem });
    } catch {
      // Cut off on the way.
    }
  }
  await response.body?.cancel().catch(() => {});
  const message = `The answer ${status} is not one of Sekisho.`;
  return new ClientError('unexpected_answer', message, { status, retryAfterSeconds });
}

/** `Retry-After` in seconds: a number or a date (RFC 9110 section 10.2.3). */
export function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get('retry-after');
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000));
}

function isProblem(response: Response): boolean {
  return response.headers.get('content-type')?.startsWith('application/problem+json') === true;
}
