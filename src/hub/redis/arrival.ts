import type { Clock, Timer } from '../../clock.ts';

/** Between two nonces. */
const EVERY_MS = 1_000;
/** How long a nonce may be on its way: with the next one not even sent, the last one counts for so much longer. */
const DEADLINE_MS = 750;
/** So many of the newest nonces may still come back. */
const MAX_OUTSTANDING = 4;

export interface ArrivalOptions {
  readonly clock: Clock;
  readonly newNonce: () => string;
  /** Sends a nonce on its way round, if that can be tried at present. */
  readonly send: (nonce: string) => void;
  /** Called at each turn, before the nonce is sent: about once a second. */
  readonly turn: () => void;
}

/**
 * A hub counts as working only while a node's own nonces come back through it (ANNOUNCE): at most 1.75 s after a nonce was
 * sent that did. A connection that is open proves nothing: a stopped server keeps it, and what serves nobody else does.
 */
export class Arrival {
  readonly #options: ArrivalOptions;
  readonly #sentAt = new Map<string, number>();
  #provenAt: number | null = null;
  #timer: Timer | null = null;

  constructor(options: ArrivalOptions) {
    this.#options = options;
    this.#timer = options.clock.after(EVERY_MS, () => this.#next());
  }

  /** Reads the clock itself: a blocked event loop, whose timers are late, must not make it true for longer. */
  proven(): boolean {
    const { clock } = this.#options;
    return (
      this.#provenAt !== null && clock.monotonicMs() - this.#provenAt <= EVERY_MS + DEADLINE_MS
    );
  }

  /** Sends a nonce at once. */
  ask(): void {
    const nonce = this.#options.newNonce();
    this.#sentAt.set(nonce, this.#options.clock.monotonicMs());
    for (const oldest of this.#sentAt.keys()) {
      if (this.#sentAt.size <= MAX_OUTSTANDING) break;
      this.#sentAt.delete(oldest);
    }
    this.#options.send(nonce);
  }

  /** A nonce came. One that was not sent, or was forgotten, proves nothing. */
  came(nonce: string): void {
    const sentAt = this.#sentAt.get(nonce);
    if (sentAt === undefined) return;
    this.#sentAt.delete(nonce);
    this.#provenAt = Math.max(this.#provenAt ?? sentAt, sentAt);
  }

  /** What was proven is so no longer: the connection is gone, or it listens to something else. */
  forget(): void {
    this.#provenAt = null;
    this.#sentAt.clear();
  }

  close(): void {
    this.forget();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #next(): void {
    this.#timer = this.#options.clock.after(EVERY_MS, () => this.#next());
    this.#options.turn();
    this.ask();
  }
}
