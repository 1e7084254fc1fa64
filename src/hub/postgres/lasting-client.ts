import pg from 'pg';
import type { Clock, Timer } from '../../clock.ts';

/** Between two tries to connect; doubled up to the last. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
const CONNECT_DEADLINE_MS = 3_000;
/** How long a statement of the hub may take: a hint that comes later is of no use. */
const STATEMENT_DEADLINE_MS = 3_000;

export interface LastingClientOptions {
  readonly url: string;
  readonly clock: Clock;
  /** What makes a new connection fit for use; it counts as open when this resolves. */
  readonly prepare?: (client: LastingClient) => Promise<void>;
  readonly opened?: () => void;
  /** An open connection is gone. */
  readonly lost?: () => void;
  readonly notified?: (channel: string, payload: string) => void;
}

/**
 * One connection to PostgreSQL that is made again for ever, with growing pauses, and never throws of its own accord. It is
 * beside the record's pool: whatever happens here holds no statement of the record up.
 */
export class LastingClient {
  readonly #options: LastingClientOptions;
  #client: pg.Client | null = null;
  #open = false;
  #closed = false;
  #retryMs = FIRST_RETRY_MS;
  #timer: Timer | null = null;

  constructor(options: LastingClientOptions) {
    this.#options = options;
    this.#connect();
  }

  get open(): boolean {
    return this.#open;
  }

  /** Runs a statement. @throws what it met with, or that there is no connection; then the connection is made anew. */
  async query(text: string, values: readonly unknown[] = []): Promise<void> {
    const client = this.#client;
    if (client === null) throw new Error('There is no connection.');
    let timer: Timer | null = null;
    try {
      await Promise.race([
        client.query(text, [...values]),
        new Promise((_, reject) => {
          timer = this.#options.clock.after(STATEMENT_DEADLINE_MS, () =>
            reject(new Error('PostgreSQL did not answer in time.')),
          );
        }),
      ]);
    } catch (error) {
      this.#drop(client);
      throw error;
    } finally {
      (timer as Timer | null)?.cancel();
    }
  }

  /** Gives the present connection up and makes another one. */
  renew(): void {
    if (this.#client !== null) this.#drop(this.#client);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    if (this.#client !== null) this.#drop(this.#client);
  }

  #connect(): void {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: 'sekisho hub',
      connectionTimeoutMillis: CONNECT_DEADLINE_MS,
      keepAlive: true,
    });
    this.#client = client;
    client.on('error', () => this.#drop(client));
    client.on('end', () => this.#drop(client));
    client.on('notification', ({ channel, payload }) => {
      if (this.#client === client) this.#options.notified?.(channel, payload ?? '');
    });
    void this.#prepare(client).catch(() => this.#drop(client));
  }

  async #prepare(client: pg.Client): Promise<void> {
    await client.connect();
    if (this.#client !== client) return;
    await this.#options.prepare?.(this);
    if (this.#client !== client) return;
    this.#open = true;
    this.#retryMs = FIRST_RETRY_MS;
    this.#options.opened?.();
  }

  #drop(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    const wasOpen = this.#open;
    this.#open = false;
    // The other side may be out of reach: a polite end would wait for it.
    client.connection.stream.destroy();
    if (wasOpen) this.#options.lost?.();
    if (this.#closed) return;
    this.#timer = this.#options.clock.after(this.#retryMs, () => this.#connect());
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
