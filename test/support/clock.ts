import type { Clock, Timer } from '../../src/clock.ts';

/** A clock that stands still until `advance`, so that a test decides what time it is. */
export interface TestClock extends Clock {
  /** Moves both hands on by `ms`, calls every timer that is due by then, in order, and lets what they began settle. */
  advance(ms: number): Promise<void>;
  /** Timers that have not been called. */
  pending(): number;
}

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** @param startWallMs where the wall clock begins; this machine's time by default, since nodes compare it to the record's. */
export function createTestClock(startWallMs: number = Date.now()): TestClock {
  const startMonotonicMs = 1000;
  let elapsedMs = 0;
  let order = 0;
  let readings = 0;
  const timers = new Set<Pending>();

  function nextDue(untilMs: number): Pending | undefined {
    let next: Pending | undefined;
    for (const timer of timers) {
      if (timer.dueMs > untilMs) continue;
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

  return {
    // No two readings are the same, as on a real machine: a proof asked for later is newer (FRESH).
    monotonicMs: () => startMonotonicMs + elapsedMs + ++readings * 1e-6,
    wallMs: () => startWallMs + elapsedMs,
    after(delayMs: number, run: () => void): Timer {
      const timer = { dueMs: elapsedMs + Math.max(0, delayMs), order: order++, run };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
    async advance(ms: number): Promise<void> {
      // In one step, as after a machine was suspended: a timer that is called re-arms itself from the new time on.
      const untilMs = elapsedMs + ms;
      elapsedMs = untilMs;
      for (let next = nextDue(untilMs); next !== undefined; next = nextDue(untilMs)) {
        timers.delete(next);
        next.run();
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
    pending: () => timers.size,
  };
}
