import type { LastingClient } from './lasting-client.ts';

/** More than this waits for nothing: what does not fit is mended by the next heartbeat. */
const MAX_WAITING = 2_000;
/** Events fill half of it at most: a flood of them leaves room for what revocations wait for. */
const MAX_EVENTS = MAX_WAITING / 2;
/** Messages a statement. NOTIFY holds a lock of the whole server while it commits, so one commit takes many. */
const MAX_BATCH = 500;

/**
 * ANNOUNCE: a statement of its own after the commit. Nothing is written, so nothing is waited for on disk or on a standby:
 * a lost message is what heartbeats mend. One statement is on its way at a time, and takes all that came meanwhile.
 */
const NOTIFY = `select set_config('synchronous_commit', 'off', true), pg_notify(m.channel, m.payload)
  from unnest($1::text[], $2::text[]) as m (channel, payload)`;

interface Message {
  readonly channel: string;
  readonly payload: string;
  readonly isEvent: boolean;
}

/** What is to be sent, in order. Never throws, never waits: without a connection a message is dropped. */
export class Outbox {
  readonly #client: LastingClient;
  #waiting: Message[] = [];
  #events = 0;
  #sending = false;
  #dropped = 0;

  constructor(client: LastingClient) {
    this.#client = client;
  }

  /** Messages that were not sent, since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @returns whether it will be sent, as far as can be told. */
  send(channel: string, payload: string, isEvent = false): boolean {
    const hasRoom = this.#waiting.length < MAX_WAITING && !(isEvent && this.#events >= MAX_EVENTS);
    if (!this.#client.open || !hasRoom) {
      this.#dropped += 1;
      return false;
    }
    this.#waiting.push({ channel, payload, isEvent });
    if (isEvent) this.#events += 1;
    if (!this.#sending) {
      this.#sending = true;
      // What is sent within one turn of the event loop shares a statement.
      queueMicrotask(() => void this.#drain());
    }
    return true;
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      this.#events -= batch.filter(({ isEvent }) => isEvent).length;
      try {
        await this.#client.query(NOTIFY, [
          batch.map(({ channel }) => channel),
          batch.map(({ payload }) => payload),
        ]);
      } catch {
        this.#dropped += batch.length + this.#waiting.length;
        this.#waiting = [];
        this.#events = 0;
      }
    }
    this.#sending = false;
  }
}
