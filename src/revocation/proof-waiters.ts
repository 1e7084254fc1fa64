import type { Clock, Timer } from '../clock.ts';
import { SekishoError } from '../errors.ts';

interface Waiter {
  /** Only a proof asked for at or after this time will do. */
  readonly sinceMs: number;
  readonly timer: Timer | null;
  /** Whether a failed heartbeat ends the waiting. */
  readonly impatient: boolean;
  resolve(): void;
  /** Null for those who are told nothing but that it is over. */
  readonly reject: ((error: SekishoError) => void) | null;
}

/** Those who wait for a covered proof. One heartbeat serves them all (ANSWER, FRESH, JOIN). */
export class ProofWaiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** ANSWER: resolves with the next covered proof, or after `maxMs`; never rejects. */
  next(maxMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#add(Number.NEGATIVE_INFINITY, maxMs, false, resolve, null);
    });
  }

  /** FRESH: resolves with a covered proof asked for at or after `sinceMs`; rejects after `maxMs` or a failed heartbeat. */
  newerThan(sinceMs: number, maxMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#add(sinceMs, maxMs, true, resolve, reject);
    });
  }

  /** JOIN: the same, but it outlasts failures; only `close` ends it. */
  first(sinceMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#add(sinceMs, null, false, resolve, reject);
    });
  }

  /** A proof asked for at `atMs` is covered now. */
  covered(atMs: number): void {
    for (const waiter of [...this.#waiting])
      if (waiter.sinceMs <= atMs) this.#end(waiter, waiter.resolve);
  }

  /** A heartbeat sent at `sentMs` failed. */
  failed(sentMs: number): void {
    for (const waiter of [...this.#waiting]) {
      if (waiter.impatient && waiter.sinceMs <= sentMs) this.#refuse(waiter);
    }
  }

  /** The node no longer answers: nobody need wait any longer. */
  close(): void {
    for (const waiter of [...this.#waiting]) this.#refuse(waiter);
  }

  #add(
    sinceMs: number,
    maxMs: number | null,
    impatient: boolean,
    resolve: () => void,
    reject: ((error: SekishoError) => void) | null,
  ): void {
    const timer = maxMs === null ? null : this.#clock.after(maxMs, () => this.#refuse(waiter));
    const waiter: Waiter = { sinceMs, timer, impatient, resolve, reject };
    this.#waiting.add(waiter);
  }

  #refuse(waiter: Waiter): void {
    this.#end(waiter, () =>
      waiter.reject === null ? waiter.resolve() : waiter.reject(unproven()),
    );
  }

  #end(waiter: Waiter, tell: () => void): void {
    if (!this.#waiting.delete(waiter)) return;
    waiter.timer?.cancel();
    tell();
  }
}

function unproven(): SekishoError {
  return new SekishoError(
    'store_unavailable',
    'This node cannot prove at present that it knows every revocation.',
    {
      retryAfterSeconds: 1,
    },
  );
}
