import type { Authority } from './authority.ts';
import { ClientError, type ClientErrorCode, isClientError } from './errors.ts';
import type { Settings } from './options.ts';
import { pause, read, send } from './request.ts';
import type { SocketConstructor, SocketLike } from './socket-like.ts';

/** What `Client.socket` takes. All of it is optional. */
export interface SocketOptions {
  /** An application's own socket (`attachSocket`). Default: `baseUrl` + `/v1/socket`. */
  readonly url?: string;
  /** Each text message, of the application and of Sekisho (`{type, session_id, reason}`). */
  readonly onMessage?: (text: string) => void;
  /** The connection stands; again after each time it was lost. */
  readonly onOpen?: () => void;
  /** It will not come back: the session is over (`session_revoked`, `session_expired`), or the socket was closed here. */
  readonly onEnd?: (code: ClientErrorCode) => void;
}

/** A socket that lives as long as its session. */
export interface ClientSocket {
  /** Whether it is connected now. */
  readonly open: boolean;
  /** @returns false when it is not open: nothing was sent. */
  send(text: string): boolean;
  /** Closes it for good; `onEnd` says `closed`. */
  close(): void;
}

const OPEN = 1;
const PROTOCOL = 'sekisho.v1';
const REVOKED = 4401;
const OVER = 4403;
const SUPERSEDED = 4409;
/** Between two tries to connect, milliseconds; doubled up to the last. */
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 30_000;
/** Whoever stayed open longer than this begins anew with the first wait. */
const STEADY_MS = 10_000;
interface Closed {
  readonly code: number;
  /** It had been open long enough that the next try is a first one. */
  readonly steady: boolean;
}

/** Refusals of a ticket that say that nobody is logged in. */
const ENDED = [
  ...['session_revoked', 'session_expired', 'credentials_required'],
  ...['invalid_refresh_token', 'invalid_token', 'closed'],
];

/** @throws ClientError `no_websocket`. */
export function openSocket(
  settings: Settings,
  authority: Authority,
  options: SocketOptions,
): ClientSocket {
  const { WebSocket } = settings;
  if (WebSocket === null) {
    throw new ClientError('no_websocket', 'There is no WebSocket here: pass one to createClient.');
  }
  const url = new URL(options.url ?? `${settings.base}/v1/socket`, `${settings.base}/`);
  url.protocol = url.protocol.replace('http', 'ws');
  const ending = new AbortController();
  let socket: SocketLike | null = null;

  const end = (code: ClientErrorCode): void => {
    if (ending.signal.aborted) return;
    ending.abort();
    stopListening();
    socket?.close(1000);
    options.onEnd?.(code);
  };
  const stopListening = authority.subscribe(({ type, code }) => {
    if (type === 'logout')
      end(code === undefined || code === 'logged_out' ? 'session_revoked' : code);
  });

  /** Resolves when it is closed. */
  async function connect(): Promise<Closed> {
    const { ticket } = await ticketOf(settings, authority);
    ending.signal.throwIfAborted();
    const made = new (WebSocket as SocketConstructor)(url.href, [
      PROTOCOL,
      `sekisho.ticket.${ticket}`,
    ]);
    socket = made;
    let openMs = Number.POSITIVE_INFINITY;
    // After `onEnd` nothing is said any more, though the socket has not closed yet.
    made.addEventListener('open', () => {
      openMs = Date.now();
      if (!ending.signal.aborted) options.onOpen?.();
    });
    made.addEventListener('message', ({ data }: { readonly data: unknown }) => {
      if (typeof data === 'string' && !ending.signal.aborted) options.onMessage?.(data);
    });
    made.addEventListener('error', () => {});
    return await new Promise((resolve) => {
      made.addEventListener('close', ({ code }: { readonly code: number }) =>
        resolve({ code, steady: Date.now() - openMs > STEADY_MS }),
      );
    });
  }

  async function stayConnected(): Promise<void> {
    let waitMs = FIRST_WAIT_MS;
    while (!ending.signal.aborted) {
      let askedMs = 0;
      try {
        await authority.credentials.load();
        const { session } = authority.credentials;
        const { code, steady } = await connect();
        if (code === REVOKED || code === OVER) {
          const why = code === REVOKED ? 'session_revoked' : 'session_expired';
          end(why);
          return await authority.over(why, session);
        }
        if (steady) waitMs = FIRST_WAIT_MS;
        // Only then at once: a node that supersedes each new connection would be asked for tickets without an end.
        if (steady && code === SUPERSEDED) continue;
      } catch (error) {
        if (isClientError(error)) {
          if (ENDED.includes(error.code)) return end(error.code);
          askedMs = (error.retryAfterSeconds ?? 0) * 1000;
        }
      }
      // Anywhere in the second half: those that one node has dropped do not all come back at once.
      const next = Math.max(askedMs, waitMs * (0.5 + Math.random() / 2));
      waitMs = Math.min(waitMs * 2, LAST_WAIT_MS);
      await pause(next, ending.signal).catch(() => {});
    }
  }
  stayConnected().catch(() => end('unexpected_answer'));

  return {
    get open() {
      return socket?.readyState === OPEN && !ending.signal.aborted;
    },
    send(text) {
      if (socket?.readyState !== OPEN) return false;
      socket.send(text);
      return true;
    },
    close: () => end('closed'),
  };
}

async function ticketOf(settings: Settings, authority: Authority): Promise<{ ticket: string }> {
  const sent = { method: 'POST', path: '/v1/socket-ticket' };
  return await read(await authority.authorized((token) => send(settings, { ...sent, token })));
}
