import { MAX_SKEW_MS, SLEW_RATE } from './constants.ts';

/** A reading of the record's clock: it was taken between `sentMs` and `receivedMs` of this node's monotonic clock. */
export interface RecordTime {
  readonly sentMs: number;
  readonly receivedMs: number;
  readonly recordMs: number;
}

/**
 * WALL TIME, for `iat`, `exp` and lifetimes only: the record's time at joining plus monotonic time since, slewed by later
 * heartbeats. It never goes back, and never runs at more than 5 % from the monotonic clock's rate.
 */
export class WallTime {
  /** What is added to monotonic time: `#offset` at `#fromMs`, moving towards `#target` from there. */
  #offset: number;
  #target: number;
  #fromMs: number;

  constructor(first: RecordTime) {
    this.#offset = offsetOf(first);
    this.#target = this.#offset;
    this.#fromMs = first.receivedMs;
  }

  /** Milliseconds since 1970 at `monotonicMs`. */
  at(monotonicMs: number): number {
    return monotonicMs + this.#offsetAt(monotonicMs);
  }

  /**
   * Takes a later reading.
   * @returns 0, or by how much the record's clock differs when that is more than MAX_SKEW and therefore ignored.
   */
  slew(reading: RecordTime): number {
    const offset = offsetOf(reading);
    const current = this.#offsetAt(reading.receivedMs);
    if (Math.abs(offset - current) > MAX_SKEW_MS) return offset - current;
    this.#offset = current;
    this.#target = offset;
    this.#fromMs = reading.receivedMs;
    return 0;
  }

  #offsetAt(monotonicMs: number): number {
    const most = Math.max(0, monotonicMs - this.#fromMs) * SLEW_RATE;
    const missing = this.#target - this.#offset;
    return this.#offset + Math.max(-most, Math.min(most, missing));
  }
}

/** WALL TIME: by how much a node's own clock (`wallMs`, read at `monotonicMs`) differs from the record's; may be negative. */
export function skewMs(reading: RecordTime, wallMs: number, monotonicMs: number): number {
  return wallMs - monotonicMs - offsetOf(reading);
}

/** Assumes that the record looked at its clock half-way: wrong by half the way there and back at most. */
function offsetOf(reading: RecordTime): number {
  return reading.recordMs - (reading.sentMs + reading.receivedMs) / 2;
}
