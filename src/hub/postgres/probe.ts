import type { Clock, Timer } from '../../clock.ts';

/** Between two nonces while they come back. */
const EVERY_MS = 2_000;
/** After that long a nonce counts as lost. */
const DEADLINE_MS = 2_000;
/** Between two tries while nonces do not come back; doubled from the usual up to this. */
const SLOWEST_MS = 60_000;

export interface ProbeOptions {
  readonly clock: Clock;
  readonly newNonce: () => string;
  /** Sends a nonce on its way round; false when it could not be sent. */
  readonly send: (nonce: string) => boolean;
  /** Called when nonces begin, or cease, to come back. */
  readonly changed: (working: boolean) => void;
  /** Nonces have not come back for a while: time for a new connection, which starts the probe again. */
  readonly renew: () => void;
}

/**
 * A hub counts as working only after a node's own nonce came back through it (ANNOUNCE). Connections that are open prove
 * nothing: behind a pooler that has no sessions LISTEN succeeds, and nothing ever arrives.
 */
export class Probe {
  readonly #options: ProbeOptions;
  #nonce = '';
  #working = false;
  #closed = false;
  #pauseMs = EVERY_MS;
  #timer: Timer | null = null;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  get working(): boolean {
    return this.#working;
  }

  /** Sends a nonce at once: there is a new connection. */
  start(): void {
    if (this.#closed) return;
    const { newNonce, send } = this.#options;
    this.#nonce = newNonce();
    send(this.#nonce);
    this.#after(DEADLINE_MS, () => this.#missed());
  }

  /** A nonce has come back. */
  came(nonce: string): void {
    if (this.#closed || this.#nonce === '' || nonce !== this.#nonce) return;
    this.#nonce = '';
    this.#pauseMs = EVERY_MS;
    this.#after(EVERY_MS, () => this.start());
    this.#set(true);
  }

  /** The connection is gone: nothing arrives until there is another one. */
  stop(): void {
    this.#nonce = '';
    this.#timer?.cancel();
    this.#set(false);
  }

  close(): void {
    this.stop();
    this.#closed = true;
  }

  #missed(): void {
    this.#nonce = '';
    this.#set(false);
    this.#pauseMs = Math.min(this.#pauseMs * 2, SLOWEST_MS);
    this.#after(this.#pauseMs, () => this.#options.renew());
  }

  #after(delayMs: number, run: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, run);
  }

  #set(working: boolean): void {
    if (this.#working === working) return;
    this.#working = working;
    this.#options.changed(working);
  }
}
