import { SekishoError } from '../errors.ts';
import { MAX_SKEW_MS, SLEW_RATE, STEP_HEARTBEATS } from './constants.ts';

/** A reading of the record's clock: it was taken between `sentMs` and `receivedMs` of this node's monotonic clock. */
export interface RecordTime {
  readonly sentMs: number;
  readonly receivedMs: number;
  readonly recordMs: number;
}

/** What became of a reading: `differenceMs` is 0 unless it differed by more than MAX_SKEW. */
export interface Slewed {
  readonly differenceMs: number;
  /** The difference has lasted, and this node's time has been set by it. */
  readonly adopted: boolean;
}

const SLEWED: Slewed = Object.freeze({ differenceMs: 0, adopted: false });

/**
 * WALL TIME, for `iat`, `exp` and lifetimes only: the record's time at joining plus monotonic time since, slewed by later
 * heartbeats: it never goes back, and never runs at more than 5 % from the monotonic clock's rate.
 *
 * A step of more than MAX_SKEW is ignored, until it has lasted for STEP_HEARTBEATS heartbeats in a row during which this
 * machine's own clock agreed with the record's. Then two clocks say that the third one, monotonic time, has missed
 * something (it stands still while a machine sleeps), and the record's time is taken at once, forwards or backwards.
 */
export class WallTime {
  /** What is added to monotonic time: `#offset` at `#fromMs`, moving towards `#target` from there. */
  #offset: number;
  #target: number;
  #fromMs: number;
  /** The step that was seen last, and how many heartbeats in a row have shown it. */
  #step = 0;
  #lasted = 0;

  constructor(first: RecordTime) {
    this.#offset = offsetOf(first);
    this.#target = this.#offset;
    this.#fromMs = first.receivedMs;
  }

  /** Milliseconds since 1970 at `monotonicMs`. */
  at(monotonicMs: number): number {
    return monotonicMs + this.#offsetAt(monotonicMs);
  }

  /** Takes a later reading. @param ownWallMs this machine's own clock when the reading was received. */
  slew(reading: RecordTime, ownWallMs: number): Slewed {
    const offset = offsetOf(reading);
    const current = this.#offsetAt(reading.receivedMs);
    const differenceMs = offset - current;
    if (Math.abs(differenceMs) <= MAX_SKEW_MS) {
      this.#lasted = 0;
      this.#set(current, offset, reading.receivedMs);
      return SLEWED;
    }
    const agrees = Math.abs(skewMs(reading, ownWallMs, reading.receivedMs)) <= MAX_SKEW_MS;
    const same = this.#lasted > 0 && Math.abs(offset - this.#step) <= MAX_SKEW_MS;
    this.#lasted = agrees ? (same ? this.#lasted + 1 : 1) : 0;
    this.#step = offset;
    if (this.#lasted < STEP_HEARTBEATS) return { differenceMs, adopted: false };
    this.#lasted = 0;
    this.#set(offset, offset, reading.receivedMs);
    return { differenceMs, adopted: true };
  }

  #set(offset: number, target: number, fromMs: number): void {
    this.#offset = offset;
    this.#target = target;
    this.#fromMs = fromMs;
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

/**
 * What is wrong with a clock that differs from the record's by `skew` (see `skewMs`); null when it is near enough, within
 * MAX_SKEW.
 */
export function clockProblem(skew: number): SekishoError | null {
  if (Math.abs(skew) <= MAX_SKEW_MS) return null;
  return new SekishoError(
    'invalid_configuration',
    `The clock of this machine is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} that of the database, and at most ${MAX_SKEW_MS / 1000} s are allowed: set the clock that is wrong, and keep both with NTP.`,
  );
}

/** Assumes that the record looked at its clock half-way: wrong by half the way there and back at most. */
function offsetOf(reading: RecordTime): number {
  return reading.recordMs - (reading.sentMs + reading.receivedMs) / 2;
}
