import type { SocketConstructor } from './socket-like.ts';

/**
 * Where tokens are kept between page loads or runs: `sessionStorage` is one, and so is React Native's `AsyncStorage`. While it
 * cannot be read, calls reject with `storage_error`. A write that it refuses fails no call: the tokens count in memory, and
 * are written at the next refresh.
 */
export interface TokenStorage {
  getItem(key: string): string | null | Promise<string | null>;
  setItem(key: string, value: string): void | Promise<void>;
  removeItem(key: string): void | Promise<void>;
}

/** What `createClient` takes. */
export interface ClientOptions {
  /** Where Sekisho's routes are: `https://auth.example.com`, or under a path, `/auth`, in a page of the same origin. */
  readonly baseUrl: string;
  /**
   * How tokens travel. `cookie`: in cookies that no script can read; for browsers. `body`: the client holds them and sends
   * the access token as `Authorization: Bearer`; for Node and for apps. Default: `cookie` in a page, otherwise `body`.
   */
  readonly transport?: 'cookie' | 'body';
  /**
   * With `body`: where the tokens are kept. Default: in memory, so that they end with the page or the process. A script that
   * gets into a page reads everything that is stored there: in browsers prefer `cookie`.
   */
  readonly storage?: TokenStorage;
  /**
   * Origins besides that of `baseUrl` to which `fetch` may send credentials, such as `https://api.example.com`. Default
   * none: tokens go nowhere else.
   */
  readonly apiOrigins?: readonly string[];
  /**
   * How long a call of the client itself may take, milliseconds. Default 40000: a revoking call may wait for 30 s. `Infinity`
   * and whatever is beyond 24 days: as long as a timer can run.
   */
  readonly timeoutMs?: number;
  /**
   * How long a read, or a refresh, may wait altogether for what `Retry-After` asks for, before the refusal is handed on.
   * Milliseconds, default 10000; 0: never.
   */
  readonly retryForMs?: number;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
  /** For `socket`. Default: the global `WebSocket`; Node has one from release 22 on, before it pass that of `ws`. */
  readonly WebSocket?: SocketConstructor;
}

/** A timer beyond 2^31 - 1 ms, 24 days, would fire at once. */
export const LONGEST_MS = 2 ** 31 - 1;

/** Options with their defaults. */
export interface Settings {
  /** Without a slash at the end. */
  readonly base: string;
  readonly cookies: boolean;
  readonly storage: TokenStorage | null;
  /** Names this deployment in storage, locks and channels. */
  readonly key: string;
  readonly origins: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly retryForMs: number;
  readonly fetch: typeof fetch;
  readonly WebSocket: SocketConstructor | null;
}

/** @throws TypeError for an address that is none. */
export function settingsOf(options: ClientOptions): Settings {
  const page = globalThis as {
    readonly location?: { readonly href: string };
    readonly document?: unknown;
    readonly WebSocket?: SocketConstructor;
  };
  const url = new URL(options.baseUrl, page.location?.href);
  const base = `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  const cookies = (options.transport ?? (page.document ? 'cookie' : 'body')) === 'cookie';
  return {
    ...{ base, cookies },
    storage: (!cookies && options.storage) || null,
    key: `sekisho:${base}`,
    origins: new Set([url.origin, ...(options.apiOrigins ?? []).map((one) => new URL(one).origin)]),
    timeoutMs: Math.min(options.timeoutMs ?? 40_000, LONGEST_MS),
    retryForMs: options.retryForMs ?? 10_000,
    // Called as a method of something else, a browser's fetch throws.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    WebSocket: options.WebSocket ?? page.WebSocket ?? null,
  };
}
