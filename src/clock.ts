/**
 * Time as the rest of Sekisho sees it. Everything that decides by time takes a `Clock`, so that tests can hold it still.
 *
 * The two hands are never mixed: leases, deadlines and barriers use `monotonicMs`, which no administrator and no NTP
 * daemon can turn back; `iat`, `exp` and lifetimes use `wallMs` (see WALL TIME in docs/protocol.md).
 */
export interface Clock {
  /** Milliseconds since an arbitrary origin of this process; never goes back, runs on while the process is stopped. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z, as this machine believes. */
  wallMs(): number;
  /** Calls `run` once after `delayMs`, however long that is. The timer never keeps the process alive. */
  after(delayMs: number, run: () => void): Timer;
}

/** A pending call of `Clock.after`. */
export interface Timer {
  cancel(): void;
}

/** Resolves after `delayMs`. */
export function sleep(clock: Pick<Clock, 'after'>, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** What a timer of Node's can hold, 24 days: beyond, it would fire at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The clock of this machine. */
export const systemClock: Clock = Object.freeze({
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs: number, run: () => void): Timer {
    const arm = (leftMs: number): NodeJS.Timeout => {
      if (leftMs <= LONGEST_TIMER_MS) return setTimeout(run, leftMs).unref();
      return setTimeout(() => {
        timer = arm(leftMs - LONGEST_TIMER_MS);
      }, LONGEST_TIMER_MS).unref();
    };
    let timer = arm(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
});
