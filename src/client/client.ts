import { Authority, type ClientEvent } from './authority.ts';
import { ClientError, type ClientErrorCode, isClientError } from './errors.ts';
import { createFetch } from './fetch.ts';
import { type ClientOptions, settingsOf } from './options.ts';
import { patiently, read, send } from './request.ts';
import { type ClientSocket, openSocket, type SocketOptions } from './socket.ts';
import type {
  CurrentSession,
  LoggedIn,
  LoginInput,
  Revocation,
  SessionPage,
  TokensAnswer,
} from './types.ts';

/** What a browser or a program does with Sekisho. All methods reject with `ClientError`. */
export interface Client {
  /**
   * Logs somebody in on this device.
   *
   * @throws `invalid_credentials`, `too_many_attempts`, `tenant_suspended`, and `session_limit_reached` with
   *   `problem.sessions` and `problem.sessions_to_end`: repeat it with `endSession`.
   */
  login(input: LoginInput): Promise<LoggedIn>;
  /**
   * Ends the session, here and in other tabs. Null: it had ended before, or has ended everywhere; otherwise the revocation
   * that is not everywhere yet. When the server cannot be reached the session goes on, and the error says so.
   */
  logout(): Promise<Revocation | null>;
  /** Who is logged in; null when nobody is. */
  session(): Promise<CurrentSession | null>;
  /** The own devices, newest first. `limit` 1 to 200, default 50. */
  sessions(page?: { readonly limit?: number; readonly cursor?: string }): Promise<SessionPage>;
  /** Ends one of the own sessions, or with `others` all but this one. @throws `not_found`. */
  revoke(session: string | 'others'): Promise<Revocation>;
  /** Changes the own password; all other sessions end. @throws `invalid_credentials`, `validation_failed`, `too_many_attempts`. */
  changePassword(current: string, next: string): Promise<LoggedIn>;
  /**
   * Sets a password with the token of a reset link; all sessions of that user end. Logs nobody in.
   *
   * @throws `invalid_token` when the link is unknown, used or too old; `validation_failed`, `too_many_attempts`.
   */
  resetPassword(token: string, next: string): Promise<Revocation>;
  /**
   * Gives the password again, where a route asks for it (`reauthentication_required`).
   *
   * @throws `invalid_credentials`, `too_many_attempts`.
   */
  reauthenticate(password: string): Promise<LoggedIn>;
  /**
   * `fetch` with the credentials. A relative address starts at `baseUrl`; others than its origin and `apiOrigins` are refused
   * (`foreign_origin`). An access token that has run out is renewed and the request made once more, unless its body is a
   * stream or that of a `Request`. Reads wait for `Retry-After`. Any other answer is handed on as it is.
   *
   * @throws `ClientError` when the credentials cannot be renewed, and whatever `fetch` throws.
   */
  readonly fetch: typeof fetch;
  /**
   * With `body`: an access token that is good for a few seconds at least, for what does not go through `fetch`.
   *
   * @throws `credentials_required` when nobody is logged in, and with `cookie`.
   */
  accessToken(): Promise<string>;
  /** A socket that lives as long as the session: reconnects, with a new ticket each time. @throws `no_websocket`, at once. */
  socket(options?: SocketOptions): ClientSocket;
  /** Tells when somebody was logged in or out, here or in another tab. @returns what ends it */
  subscribe(listener: (event: ClientEvent) => void): () => void;
  /** Lets go of the other tabs; whoever is logged in stays so. */
  close(): void;
}

/** Answers that say that nobody is logged in. */
const NOBODY: readonly ClientErrorCode[] = [
  ...(['credentials_required', 'session_revoked', 'session_expired'] as const),
  ...(['invalid_refresh_token', 'invalid_token'] as const),
];

/**
 * A client of one deployment. Make one a page or process.
 *
 * @example
 * const client = createClient({ baseUrl: 'https://auth.example.com' });
 * await client.login({ tenant: 'acme', email, password, device: 'Work laptop' });
 * const orders = await client.fetch('https://api.example.com/orders');
 *
 * @throws TypeError for a `baseUrl` that is none.
 */
export function createClient(options: ClientOptions): Client {
  const settings = settingsOf(options);
  const authority = new Authority(settings);
  const { credentials } = authority;

  /** A route that wants credentials. Reads are patient. */
  async function ask<Body>(method: string, path: string, json?: unknown): Promise<Body> {
    const attempt = (token: string | undefined) =>
      send(settings, { method, path, json, ...(settings.cookies ? {} : { token }) });
    const response = await authority.authorized((token) =>
      method === 'GET' ? patiently(settings, () => attempt(token)) : attempt(token),
    );
    return await read<Body>(response);
  }

  async function keep(answer: TokensAnswer, type: 'login' | 'refresh'): Promise<LoggedIn> {
    await authority.keep(answer, type);
    const { session, user, revocation } = answer;
    return { session, user, ...(revocation === undefined ? {} : { revocation }) };
  }

  return {
    async login({ tenant, email, password, device, endSession }) {
      await credentials.load();
      const { deviceToken } = credentials;
      const json = {
        ...{ tenant, email, password, device, end_session: endSession },
        ...(settings.cookies ? { transport: 'cookie' } : { device_token: deviceToken }),
      };
      const response = await send(settings, { method: 'POST', path: '/v1/login', json });
      return await keep(await read<TokensAnswer>(response), 'login');
    },

    async logout() {
      await credentials.load();
      const { refreshToken } = credentials;
      // The refresh token tells which session, also when the access token has run out.
      const json = settings.cookies ? {} : { refresh_token: refreshToken };
      let revocation: Revocation | null = null;
      try {
        const response = await send(settings, { method: 'POST', path: '/v1/logout', json });
        const body = await read<{ readonly revocation: Revocation } | undefined>(response);
        revocation = body?.revocation ?? null;
      } catch (error) {
        // Nothing that is known was presented: there is nothing to end.
        if (!isClientError(error) || error.status !== 401) throw error;
      }
      await authority.end('logged_out');
      return revocation;
    },

    async session() {
      try {
        return await ask<CurrentSession>('GET', '/v1/session');
      } catch (error) {
        if (isClientError(error) && NOBODY.includes(error.code)) return null;
        throw error;
      }
    },

    async sessions({ limit, cursor } = {}) {
      const query = new URLSearchParams({
        ...(limit === undefined ? {} : { limit: String(limit) }),
        ...(cursor === undefined ? {} : { cursor }),
      });
      return await ask('GET', `/v1/sessions${query.size > 0 ? `?${query}` : ''}`);
    },

    async revoke(session) {
      const { revocation } = await (session === 'others'
        ? ask<{ revocation: Revocation }>('POST', '/v1/sessions/revoke-others')
        : ask<{ revocation: Revocation }>('DELETE', `/v1/sessions/${encodeURIComponent(session)}`));
      if (session === credentials.session) await authority.end('session_revoked');
      return revocation;
    },

    async changePassword(current, next) {
      const json = { current_password: current, new_password: next };
      return await keep(await ask<TokensAnswer>('POST', '/v1/password', json), 'refresh');
    },

    async resetPassword(token, next) {
      const json = { token, new_password: next };
      const response = await send(settings, { method: 'POST', path: '/v1/password/reset', json });
      return (await read<{ revocation: Revocation }>(response)).revocation;
    },

    async reauthenticate(password) {
      return await keep(
        await ask<TokensAnswer>('POST', '/v1/reauthenticate', { password }),
        'refresh',
      );
    },

    fetch: createFetch(settings, authority),

    async accessToken() {
      await credentials.load();
      if (credentials.stale) await authority.refresh(credentials.version);
      const token = credentials.accessToken;
      if (token === undefined) {
        throw new ClientError('credentials_required', 'No access token is held here.', {
          status: 401,
        });
      }
      return token;
    },

    socket: (more = {}) => openSocket(settings, authority, more),
    subscribe: (listener) => authority.subscribe(listener),
    close: () => authority.close(),
  };
}
