import { BARRIER_LOOKS_PER_HEARTBEAT, BARRIER_SOON_MS } from './constants.ts';

/**
 * BARRIER: how long until the members are looked at again. Regularly a heartbeat's interval; soon while acknowledgements come
 * by row alone, since the other nodes' immediate heartbeats take milliseconds.
 */
export class BarrierPace {
  readonly #heartbeatMs: number;
  /** Doubled with each look since the last barrier was opened. */
  #soonMs = BARRIER_SOON_MS;
  /** Looks are at least as far apart as the last one took, so that they never fill a slow record. */
  #tookMs = 0;

  constructor(heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
  }

  /** A barrier was opened: the next looks are soon. */
  restart(): void {
    this.#soonMs = BARRIER_SOON_MS;
  }

  /** A look took so long. */
  took(ms: number): void {
    this.#tookMs = ms;
  }

  /** @param byRow whether acknowledgements come by row alone */
  nextMs(byRow: boolean): number {
    if (!byRow) return this.#heartbeatMs;
    const nextMs = Math.min(this.#heartbeatMs, Math.max(this.#soonMs, this.#tookMs));
    this.#soonMs = Math.min(this.#soonMs * 2, this.#heartbeatMs / BARRIER_LOOKS_PER_HEARTBEAT);
    return nextMs;
  }
}
