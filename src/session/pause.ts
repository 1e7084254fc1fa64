import type { Clock } from '../clock.ts';
import type { SweepStore } from '../record/sweep-contract.ts';

/** How old the record's word may be while something runs. */
const ASK_EVERY_MS = 1_000;

/** Whether background work is paused, on every node: the record says so. */
export interface Pause {
  /** As far as this node knows. */
  readonly on: boolean;
  /** The same, asked anew when that is a second old. Never rejects: without an answer it stays as it was. */
  ask(): Promise<boolean>;
  /** What the record was just heard to say. */
  learn(on: boolean): void;
  /** Holds here at once, and everywhere when it resolves. Rejects when the record could not be told. */
  set(on: boolean): Promise<void>;
}

/** @example createPause({ store: record.sweep, clock }) */
export function createPause(options: {
  readonly store: Pick<SweepStore, 'state' | 'pause'>;
  readonly clock: Clock;
}): Pause {
  const { store, clock } = options;
  let on = false;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  /** What was asked for here and the record does not know yet. */
  let telling = 0;

  return {
    get on() {
      return on;
    },
    async ask() {
      if (telling > 0 || clock.monotonicMs() - askedAtMs < ASK_EVERY_MS) return on;
      askedAtMs = clock.monotonicMs();
      try {
        const { paused } = await store.state();
        if (telling === 0) on = paused;
      } catch {
        // The record is away, and so is whatever would be paused.
      }
      return on;
    },
    learn(said) {
      if (telling > 0) return;
      on = said;
      askedAtMs = clock.monotonicMs();
    },
    async set(next) {
      on = next;
      telling += 1;
      try {
        await store.pause(next);
      } finally {
        telling -= 1;
        askedAtMs = clock.monotonicMs();
      }
    },
  };
}
