import { ClientError, errorOf, retryAfterOf } from './errors.ts';
import { LONGEST_MS, type Settings } from './options.ts';

/** Between two tries of a refresh that got no answer at all, milliseconds; doubled each time. */
const NO_ANSWER_MS = 300;
/** So that many clients that were refused at once do not come back at once. */
const JITTER_MS = 250;

/** One call of a route of Sekisho. */
export interface Sent {
  readonly method: string;
  /** From `baseUrl` on. */
  readonly path: string;
  readonly json?: unknown;
  readonly token?: string | undefined;
}

/** @throws ClientError `network_error`, `timeout`. */
export async function send(settings: Settings, sent: Sent): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (sent.json !== undefined) headers['content-type'] = 'application/json';
  if (sent.token !== undefined) headers.authorization = `Bearer ${sent.token}`;
  // `cache` is known to browsers alone.
  const init: RequestInit & { cache: 'no-store' } = {
    ...{ method: sent.method, headers, cache: 'no-store' },
    ...(sent.json === undefined ? {} : { body: JSON.stringify(sent.json) }),
    credentials: settings.cookies ? 'include' : 'omit',
    // Nothing of Sekisho redirects, and a body goes along with a 307: passwords and refresh tokens stay here.
    redirect: 'error',
    signal: AbortSignal.timeout(settings.timeoutMs),
  };
  try {
    return await settings.fetch(`${settings.base}${sent.path}`, init);
  } catch (error) {
    throw failureOf(error);
  }
}

/** The body of an answer. @throws ClientError for a refusal, and for what is no answer of Sekisho's. */
export async function read<Body>(response: Response): Promise<Body> {
  if (!response.ok) throw await errorOf(response);
  try {
    const text = await response.text();
    return (text === '' ? undefined : JSON.parse(text)) as Body;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw failureOf(cause);
    const { status } = response;
    throw new ClientError('unexpected_answer', 'The answer is no JSON.', { status, cause });
  }
}

/**
 * Repeats what may be repeated, for as long as `Retry-After` asks for it and the settings allow.
 *
 * @param lost also when there was no answer at all
 */
export async function patiently(
  settings: Settings,
  attempt: () => Promise<Response>,
  { signal, lost = false }: { readonly signal?: AbortSignal | null; readonly lost?: boolean } = {},
): Promise<Response> {
  const end = Date.now() + settings.retryForMs;
  for (let unanswered = NO_ANSWER_MS; ; unanswered *= 2) {
    let waitMs = unanswered;
    try {
      const response = await attempt();
      const seconds = [429, 503].includes(response.status) ? retryAfterOf(response) : undefined;
      if (seconds === undefined) return response;
      waitMs = seconds * 1000 + Math.random() * JITTER_MS;
      if (Date.now() + waitMs > end) return response;
      await response.body?.cancel();
    } catch (error) {
      if (!lost || Date.now() + waitMs > end) throw error;
    }
    await pause(waitMs, signal);
  }
}

/** Waits for `ms`, or as long as a timer can run. @throws the signal's reason when it is aborted. */
export async function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      },
      Math.min(ms, LONGEST_MS),
    );
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

function failureOf(cause: unknown): ClientError {
  const late = cause instanceof Error && cause.name === 'TimeoutError';
  return late
    ? new ClientError('timeout', 'There was no answer in time.', { cause })
    : new ClientError('network_error', 'The server could not be reached.', { cause });
}
