import type { Clock, Timer } from './clock.ts';

/** Work that comes round: once at a time, every so often, in batches with rests between them, until it is closed. */
export interface Rounds {
  /** Whether it is closed: what is at work ends after its batch. */
  readonly closed: boolean;
  /** Whether a round is at work. */
  readonly atWork: boolean;
  /** A round now, or the one that is at work. Nothing once it is closed. */
  run(): Promise<void>;
  /** Between two batches; over at once when it is closed. */
  rest(forMs: number): Promise<void>;
  /** No round begins any more; resolves when the one at work has ended. */
  close(): Promise<void>;
}

export interface RoundsOptions {
  readonly clock: Clock;
  /** Must not reject. */
  readonly round: () => Promise<void>;
  /** From the end of a round to the beginning of the next one; asked each time. */
  readonly everyMs: () => number;
  /** Until the first one. Default: as between two. */
  readonly firstMs?: number;
  /** Whether a round that is due is made at all. Default: always. `run` does not ask. */
  readonly isTurn?: () => boolean;
}

/** @example const rounds = createRounds({ clock, everyMs: () => 60_000, round: everything }) */
export function createRounds(options: RoundsOptions): Rounds {
  const { clock, round, everyMs, firstMs = everyMs(), isTurn = () => true } = options;
  let closed = false;
  let running: Promise<void> | null = null;
  let timer: Timer | null = null;
  const resting = new Set<{ readonly timer: Timer; readonly wake: () => void }>();

  function run(): Promise<void> {
    if (closed) return running ?? Promise.resolve();
    running ??= round().finally(() => {
      running = null;
    });
    return running;
  }

  function arm(afterMs: number): void {
    if (closed) return;
    timer = clock.after(afterMs, () => {
      void (isTurn() ? run() : Promise.resolve()).then(() => arm(everyMs()));
    });
  }

  arm(firstMs);
  return {
    get closed() {
      return closed;
    },
    get atWork() {
      return running !== null;
    },
    run,
    rest(forMs) {
      if (closed) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          resting.delete(one);
          resolve();
        };
        const one = { timer: clock.after(forMs, wake), wake };
        resting.add(one);
      });
    },
    async close() {
      closed = true;
      timer?.cancel();
      for (const one of [...resting]) {
        one.timer.cancel();
        one.wake();
      }
      await running;
    },
  };
}
