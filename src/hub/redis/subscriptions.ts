import type { Redis } from 'ioredis';

/** More than this without an answer means that Redis does not keep up: what comes then is dropped. */
const MAX_ON_THE_WAY = 2_000;
/** Events are half of it at most: a flood of them leaves room for what revocations wait for. */
const MAX_EVENTS = MAX_ON_THE_WAY / 2;

export interface SubscriptionsOptions {
  readonly connection: Redis;
  /** A message came by one of the channels. Must not throw: the driver would end the process. */
  readonly heard: (channel: string, text: string) => void;
  /** The connection is gone, or the channels are others: nothing is certain until `confirmed`. */
  readonly lost: () => void;
  /** Redis has said that it delivers all channels. */
  readonly confirmed: () => void;
}

/**
 * Which channels a connection is to listen to, made so again after every reconnection. A subscription that fails is tried
 * again by `mend`, which its user calls from time to time.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #connection: Redis;
  #wanted: readonly string[] = [];
  #state: 'lost' | 'asking' | 'confirmed' | 'closed' = 'lost';
  /** Answers to an earlier request say nothing about this one. */
  #request = 0;
  #onTheWay = 0;
  #eventsOnTheWay = 0;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    this.#connection = options.connection;
    this.#connection.on('message', options.heard);
    this.#connection.on('ready', this.#onReady);
    this.#connection.on('close', this.#onClose);
  }

  get connected(): boolean {
    return this.#connection.status === 'ready';
  }

  get confirmed(): boolean {
    return this.#state === 'confirmed' && this.connected;
  }

  /** Listens to these channels and to no others. */
  listenTo(channels: readonly string[]): void {
    const left = this.#wanted.filter((channel) => !channels.includes(channel));
    this.#wanted = channels;
    this.#lose();
    this.mend();
    if (left.length > 0 && this.connected) this.#connection.unsubscribe(...left).catch(() => {});
  }

  /** Asks again for what is not confirmed and not being asked for. */
  mend(): void {
    if (this.#state !== 'lost' || !this.connected) return;
    this.#state = 'asking';
    this.#request += 1;
    const request = this.#request;
    const settle = (state: 'lost' | 'confirmed'): void => {
      if (this.#state !== 'asking' || this.#request !== request) return;
      this.#state = state;
      if (state === 'confirmed') this.#options.confirmed();
    };
    this.#connection.subscribe(...this.#wanted).then(
      () => settle('confirmed'),
      () => settle('lost'),
    );
  }

  /** Sends a message by the same connection, or drops it: nobody waits for one, and the record has what it says. */
  publish(channel: string, text: string, isEvent = false): void {
    if (!this.connected || this.#onTheWay >= MAX_ON_THE_WAY) return;
    if (isEvent && this.#eventsOnTheWay >= MAX_EVENTS) return;
    const events = isEvent ? 1 : 0;
    this.#onTheWay += 1;
    this.#eventsOnTheWay += events;
    const settle = (): void => {
      this.#onTheWay -= 1;
      this.#eventsOnTheWay -= events;
    };
    this.#connection.publish(channel, text).then(settle, settle);
  }

  /** Never rejects; the connection stays open. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#connection.off('message', this.#options.heard);
    this.#connection.off('ready', this.#onReady);
    this.#connection.off('close', this.#onClose);
    if (!this.connected) return;
    await this.#connection.unsubscribe(...this.#wanted).catch(() => {});
  }

  #lose(): void {
    if (this.#state === 'closed') return;
    this.#state = 'lost';
    this.#options.lost();
  }

  readonly #onReady = (): void => {
    this.#lose();
    this.mend();
  };

  readonly #onClose = (): void => this.#lose();
}
