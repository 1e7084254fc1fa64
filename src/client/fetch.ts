import type { Authority } from './authority.ts';
import { ClientError } from './errors.ts';
import type { Settings } from './options.ts';
import { patiently } from './request.ts';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** `fetch` with credentials; see `Client.fetch`. */
export function createFetch(settings: Settings, authority: Authority): typeof fetch {
  return async (input, init = {}) => {
    const request = input instanceof Request ? input : null;
    const url = new URL(request?.url ?? String(input), `${settings.base}/`);
    if (!settings.origins.has(url.origin)) {
      throw new ClientError(
        'foreign_origin',
        `Credentials do not go to ${url.origin}; name it in apiOrigins.`,
      );
    }
    const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
    const signal = init.signal ?? request?.signal ?? null;
    const repeatable = isRepeatable(init.body ?? request?.body);
    const once = (token: string | undefined) => {
      const headers = new Headers(init.headers ?? request?.headers);
      if (token !== undefined && !headers.has('authorization')) {
        headers.set('authorization', `Bearer ${token}`);
      }
      const credentials = settings.cookies ? 'include' : (init.credentials ?? 'same-origin');
      return settings.fetch(request ?? url, { ...init, headers, credentials });
    };
    const attempt = (token: string | undefined) =>
      READS.has(method) ? patiently(settings, () => once(token), { signal }) : once(token);
    return await authority.authorized(attempt, repeatable);
  };
}

/** Whether a body can be sent a second time: a stream, or the body of a `Request`, is used up by the first. */
function isRepeatable(body: unknown): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof Blob ||
    body instanceof FormData ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}
