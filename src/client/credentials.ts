import { ClientError } from './errors.ts';
import type { Settings } from './options.ts';
import type { TokensAnswer } from './types.ts';

/** What is stored. With cookies only the times and the session are known. */
interface Held {
  readonly access?: string;
  readonly refresh?: string;
  readonly device?: string;
  /** The session; absent when nobody is logged in, or when it is not known. */
  readonly session?: string;
  /** When the access token ends, milliseconds since 1970 by this machine's clock. */
  readonly until?: number;
}

/** An access token this close to its end is refreshed before it is sent, milliseconds. */
const SOON_MS = 5_000;

/** The tokens of one client. */
export class Credentials {
  /** Another one whenever other tokens count: what was answered to older ones says nothing of these. */
  version = 0;
  #held: Held = {};
  #loading: Promise<unknown> | null = null;
  /** The storage has refused what is held. */
  #unwritten = false;
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get session(): string | undefined {
    return this.#held.session;
  }

  get refreshToken(): string | undefined {
    return this.#held.refresh;
  }

  get deviceToken(): string | undefined {
    return this.#held.device;
  }

  get until(): number | undefined {
    return this.#held.until;
  }

  /** With `body`. */
  get accessToken(): string | undefined {
    return this.#held.access;
  }

  /** Whether the access token is known to have ended, or to end at once. */
  get stale(): boolean {
    const { refresh, access, until } = this.#held;
    const near = until !== undefined && until - Date.now() < SOON_MS;
    return this.#settings.cookies ? near : refresh !== undefined && (access === undefined || near);
  }

  /**
   * Reads the storage, once; when it could not be read, the next call does it.
   *
   * @throws ClientError `storage_error`.
   */
  async load(): Promise<void> {
    this.#loading ??= this.reload().catch((error: unknown) => {
      this.#loading = null;
      throw error;
    });
    await this.#loading;
  }

  /** Reads the storage anew: another tab may have written it. @throws ClientError `storage_error`. */
  async reload(): Promise<void> {
    const { storage, key } = this.#settings;
    if (storage === null) return;
    // What was refused counts: the storage has the tokens before it, which have been used.
    if (this.#unwritten) return await this.#store();
    let text: string | null;
    try {
      text = await storage.getItem(key);
    } catch (cause) {
      throw new ClientError('storage_error', 'The storage of tokens cannot be read.', { cause });
    }
    const found = parsed(text);
    if (found.access !== this.#held.access || found.refresh !== this.#held.refresh) {
      this.version += 1;
    }
    this.#held = found;
  }

  /** Another tab has just written the storage: that counts, now or as soon as it can be read. */
  async follow(): Promise<void> {
    this.#unwritten = false;
    this.#loading = null;
    await this.load().catch(() => {});
  }

  /** Keeps a new pair. */
  async keep(answer: TokensAnswer): Promise<void> {
    const device = answer.device_token ?? this.#held.device;
    // So short that it is always near its end: it is sent until it is refused.
    const short = answer.expires_in * 1000 <= 2 * SOON_MS;
    await this.#write({
      ...(answer.access_token === undefined ? {} : { access: answer.access_token }),
      ...(answer.refresh_token === undefined ? {} : { refresh: answer.refresh_token }),
      ...(device === undefined ? {} : { device }),
      session: answer.session.id,
      ...(short ? {} : { until: Date.now() + answer.expires_in * 1000 }),
    });
  }

  /** Another tab has got a new pair, as cookies that are this one's, too. */
  adopt(session: string | undefined, until: number | undefined): void {
    this.version += 1;
    this.#held = {
      ...this.#held,
      ...(session === undefined ? {} : { session }),
      ...(until === undefined ? {} : { until }),
    };
  }

  /** Nobody is logged in any more. The device stays known. */
  async forget(): Promise<void> {
    const { device } = this.#held;
    await this.#write(device === undefined ? {} : { device });
  }

  async #write(held: Held): Promise<void> {
    this.version += 1;
    this.#held = held;
    await this.#store();
  }

  /** A storage that refuses ends nothing: what is held is written when the storage is read next. */
  async #store(): Promise<void> {
    const { storage, key } = this.#settings;
    if (storage === null) return;
    const held = this.#held;
    try {
      if (Object.keys(held).length === 0) await storage.removeItem(key);
      else await storage.setItem(key, JSON.stringify(held));
      if (held === this.#held) this.#unwritten = false;
    } catch {
      this.#unwritten = true;
    }
  }
}

function parsed(text: string | null): Held {
  try {
    const found: unknown = JSON.parse(text ?? '{}');
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}
