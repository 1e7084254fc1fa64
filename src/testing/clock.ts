import type { Clock, Timer } from '../clock.ts';

/** A clock that stands still until it is moved, so that a test decides what time it is. */
export interface HeldClock extends Clock {
  /** Moves both hands on by `ms`, calls every timer that is due by then, in order, and lets what they began settle. */
  advance(ms: number): Promise<void>;
  /** Moves both hands on by `ms`, and calls nothing. */
  move(ms: number): void;
  /** Calls every timer that is due, in order. */
  callDue(): void;
  /** Timers that have not been called. */
  pending(): number;
}

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * @param startWallMs where the wall clock begins, milliseconds since 1970; this machine's time by default
 * @param told is called with the wall time at the begin and whenever it has moved
 */
export function createHeldClock(
  startWallMs: number = Date.now(),
  told: (wallMs: number) => void = () => {},
): HeldClock {
  const startMonotonicMs = 1000;
  let elapsedMs = 0;
  let order = 0;
  let readings = 0;
  const timers = new Set<Pending>();
  told(startWallMs);

  function nextDue(): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of timers) {
      if (timer.dueMs > elapsedMs) continue;
      if (
        next === undefined ||
        timer.dueMs < next.dueMs ||
        (timer.dueMs === next.dueMs && timer.order < next.order)
      ) {
        next = timer;
      }
    }
    return next;
  }

  const clock: HeldClock = {
    // No two readings are the same, as on a real machine: a proof asked for later is newer (FRESH).
    monotonicMs: () => startMonotonicMs + elapsedMs + ++readings * 1e-6,
    wallMs: () => startWallMs + elapsedMs,
    after(delayMs: number, run: () => void): Timer {
      const timer = { dueMs: elapsedMs + Math.max(0, delayMs), order: order++, run };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    move(ms) {
      elapsedMs += ms;
      told(startWallMs + elapsedMs);
    },
    callDue() {
      for (let next = nextDue(); next !== undefined; next = nextDue()) {
        timers.delete(next);
        next.run();
      }
    },
    async advance(ms) {
      // In one step, as after a machine was suspended: a timer that is called re-arms itself from the new time on.
      clock.move(ms);
      clock.callDue();
      await new Promise((resolve) => setImmediate(resolve));
    },
    pending: () => timers.size,
  };
  return clock;
}
