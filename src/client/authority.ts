import { Credentials } from './credentials.ts';
import { ClientError, type ClientErrorCode, codeOf, isClientError } from './errors.ts';
import type { Settings } from './options.ts';
import { patiently, read, send } from './request.ts';
import { createTabs, type News, type Tabs } from './tabs.ts';
import type { TokensAnswer } from './types.ts';

/** What becomes of being logged in. */
export interface ClientEvent {
  readonly type: 'login' | 'logout';
  /** Whether this client did it or noticed it; false: another tab. */
  readonly here: boolean;
  /** Why it ended: `logged_out` by whoever sat there, otherwise what the server said. */
  readonly code?: 'logged_out' | ClientErrorCode;
}

/** A new access token would do. */
const REFRESHABLE = ['token_expired', 'token_superseded'];
/** The session is over: only a login helps. */
const ENDED = ['session_revoked', 'session_expired'];
const REFRESH_ENDED = [...ENDED, 'invalid_refresh_token', 'credentials_required'];

/** Holds the credentials, renews them, and says when they end. */
export class Authority {
  readonly credentials: Credentials;
  readonly #settings: Settings;
  readonly #tabs: Tabs;
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  #refreshing: Promise<void> | null = null;
  closed = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.credentials = new Credentials(settings);
    this.#tabs = createTabs(settings, (news) => void this.#hear(news));
  }

  subscribe(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Makes a request with credentials; when they have run out, renews them and makes it once more.
   *
   * @param repeatable whether it may be sent a second time
   */
  async authorized(
    attempt: (accessToken: string | undefined) => Promise<Response>,
    repeatable = true,
  ): Promise<Response> {
    if (this.closed) throw new ClientError('closed', 'The client was closed.');
    const { credentials } = this;
    await credentials.load();
    if (credentials.stale) await this.#refreshEarly();
    const { version } = credentials;
    const response = await attempt(credentials.accessToken);
    const code = response.status === 401 ? await codeOf(response) : null;
    if (code !== null && ENDED.includes(code)) await this.#ended(code as ClientErrorCode, version);
    if (code === null || !REFRESHABLE.includes(code) || !repeatable) return response;
    await response.body?.cancel();
    await this.refresh(version);
    return await attempt(credentials.accessToken);
  }

  /**
   * Gets a new pair unless there is one since `version`; once, however many ask, and in one tab.
   *
   * @throws ClientError when nobody is logged in any more, or when it cannot be had now.
   */
  async refresh(version: number): Promise<void> {
    if (this.credentials.version !== version) return;
    this.#refreshing ??= this.#tabs
      .exclusively(() => this.#renew(version))
      .finally(() => {
        this.#refreshing = null;
      });
    await this.#refreshing;
  }

  /** Keeps what a login, or a password given again, has brought. */
  async keep(answer: TokensAnswer, type: 'login' | 'refresh'): Promise<void> {
    await this.credentials.keep(answer);
    const { session, until } = this.credentials;
    this.#tabs.tell({ type, session, until });
    if (type === 'login') this.#emit({ type, here: true });
  }

  /** Forgets the session that was held at `version`, here and in other tabs. */
  async end(code: 'logged_out' | ClientErrorCode): Promise<void> {
    const { session } = this.credentials;
    await this.credentials.forget();
    this.#tabs.tell({ type: 'logout', session, code });
    this.#emit({ type: 'logout', here: true, code });
  }

  /** The server has said that `session` is over. */
  async over(code: ClientErrorCode, session: string | undefined): Promise<void> {
    if (this.credentials.session === session) await this.end(code);
  }

  close(): void {
    this.closed = true;
    this.#listeners.clear();
    this.#tabs.close();
  }

  async #renew(version: number): Promise<void> {
    const { credentials } = this;
    // Another tab may have done it while this one waited.
    await credentials.reload();
    if (credentials.version !== version) return;
    const { cookies } = this.#settings;
    const token = credentials.refreshToken;
    if (!cookies && token === undefined) {
      throw new ClientError('credentials_required', 'Nobody is logged in.', { status: 401 });
    }
    try {
      // A repeat with the same token is answered with the same pair (docs/refresh.md): also where the answer was lost.
      const json = cookies ? {} : { refresh_token: token };
      const attempt = () => send(this.#settings, { method: 'POST', path: '/v1/refresh', json });
      const answer = await read<TokensAnswer>(
        await patiently(this.#settings, attempt, { lost: true }),
      );
      // Logged out, or in as somebody else, meanwhile: this pair is nobody's.
      if (credentials.version === version) await this.keep(answer, 'refresh');
    } catch (error) {
      if (!isClientError(error)) throw error;
      if (error.code === 'token_superseded') {
        // The password was given again a moment ago, in another tab: that pair counts.
        if (cookies) credentials.version += 1;
        else await credentials.reload();
        if (credentials.version !== version) return;
      }
      if (REFRESH_ENDED.includes(error.code)) await this.#ended(error.code, version);
      throw error;
    }
  }

  /** Before it is asked for; a token that is still good goes on while that cannot be done. */
  async #refreshEarly(): Promise<void> {
    const { credentials } = this;
    try {
      await this.refresh(credentials.version);
    } catch (error) {
      const over = !isClientError(error) || REFRESH_ENDED.includes(error.code);
      if (over || Date.now() >= (credentials.until ?? 0)) throw error;
    }
  }

  /** The server says that the session is over; nothing when other credentials count by now. */
  async #ended(code: ClientErrorCode, version: number): Promise<void> {
    if (this.credentials.version === version) await this.end(code);
  }

  async #hear({ type, session, until, code }: News): Promise<void> {
    const { credentials } = this;
    // Without a storage in common each tab holds a session of its own.
    const shared = this.#settings.cookies || this.#settings.storage !== null;
    if (!shared || this.closed) return;
    // What was told is so, whether it can be read yet or not.
    await credentials.load().catch(() => {});
    const own = this.#settings.cookies || session === credentials.session;
    if (type === 'logout') {
      if (!own) return;
      if (this.#settings.cookies) await credentials.forget();
      else await credentials.follow();
      const why = (code ?? 'logged_out') as 'logged_out' | ClientErrorCode;
      this.#emit({ type, here: false, code: why });
      return;
    }
    if (this.#settings.cookies) credentials.adopt(session, until);
    else await credentials.follow();
    if (type === 'login') this.#emit({ type, here: false });
  }

  #emit(event: ClientEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        // A listener's mistake is not a failure of what it is told of.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
