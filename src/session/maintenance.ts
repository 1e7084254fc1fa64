import type { Clock, Timer } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import type { MaintenanceStore } from '../record/contract.ts';
import type { Maintenance, MaintenanceStatus } from './contract.ts';
import type { Pause } from './pause.ts';
import type { Sweeper } from './sweep.ts';

/** Between two runs of clean-up. */
const RUN_EVERY_MS = 60_000;
/** Rows a batch, and the rest between two batches, so that requests are never queued behind clean-up. */
const BATCH = 100;
const BETWEEN_BATCHES_MS = 50;
/** Embedded: between two checkpoints (PGlite makes none by itself). */
const CHECKPOINT_EVERY_MS = 120_000;

const HOUR_MS = 3_600_000;
/** How long what has ended stays visible, or could still matter. */
const KEEP_MS = Object.freeze({
  /** Administrators list expired and revoked sessions. */
  sessions: 7 * 24 * HOUR_MS,
  /** Longer than any window that a policy allows. */
  attempts: 48 * HOUR_MS,
  tickets: HOUR_MS,
  idempotencyKeys: 24 * HOUR_MS,
  resets: HOUR_MS,
});
/**
 * FORGET: how long entries are given to nodes that join. Several times as long as an access token lives; the record must
 * keep them MAX_TERM longer than views do.
 */
const KEEP_LOG_MS = HOUR_MS;

type Kind = keyof typeof KEEP_MS;

export interface MaintenanceOptions {
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly store: MaintenanceStore;
  /** Whether the record needs checkpoints of ours. */
  readonly embedded: boolean;
  readonly pause: Pause;
  /** Where last-seen times go through a hub; closed with this. */
  readonly sweeper: Sweeper | null;
  readonly log: Log;
}

export interface MaintenanceRunner extends Maintenance {
  /** One complete run, now; ends early when paused or closed. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** Clean-up in bounded batches between pauses, for as long as nobody closes it (A3). */
export function createMaintenance(options: MaintenanceOptions): MaintenanceRunner {
  const { clock, wallNowMs, store, embedded, pause, sweeper, log } = options;
  const removed: Record<Kind, number> = {
    sessions: 0,
    attempts: 0,
    tickets: 0,
    idempotencyKeys: 0,
    resets: 0,
  };
  let horizon: number | null = null;
  let failures = 0;
  let lastRunAtMs: number | null = null;
  let closed = false;
  let running: Promise<void> | null = null;
  let timer: Timer | null = null;
  let resting: { readonly timer: Timer; readonly wake: () => void } | null = null;
  let checkpointAtMs = clock.monotonicMs() + CHECKPOINT_EVERY_MS;

  const remove: Record<Kind, (beforeMs: number, batch: number) => Promise<number>> = {
    sessions: (beforeMs, batch) => store.deleteEndedSessions(beforeMs, batch),
    attempts: (beforeMs, batch) => store.deleteOldAttempts(beforeMs, batch),
    tickets: (beforeMs, batch) => store.deleteOldTickets(beforeMs, batch),
    idempotencyKeys: (beforeMs, batch) => store.deleteOldIdempotencyKeys(beforeMs, batch),
    resets: (beforeMs, batch) => store.deleteOldResets(beforeMs, batch),
  };

  function stopped(): boolean {
    return pause.on || closed;
  }

  function rest(): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        resting = null;
        resolve();
      };
      resting = { timer: clock.after(BETWEEN_BATCHES_MS, wake), wake };
    });
  }

  async function clean(kind: Kind): Promise<void> {
    while (!stopped() && !(await pause.ask())) {
      let count: number;
      try {
        count = await remove[kind](wallNowMs() - KEEP_MS[kind], BATCH);
      } catch (error) {
        failures += 1;
        log.warn({ err: error, kind }, 'a batch of clean-up failed; it is tried again');
        return;
      }
      removed[kind] += count;
      // A batch that was not full was the last one; a full one never is (A3).
      if (count < BATCH) return;
      await rest();
    }
  }

  async function forget(): Promise<void> {
    if (stopped()) return;
    try {
      horizon = await store.forgetLog(wallNowMs() - KEEP_LOG_MS);
    } catch (error) {
      failures += 1;
      log.warn({ err: error }, 'the horizon of the log could not be moved; it is tried again');
    }
  }

  async function checkpoint(): Promise<void> {
    if (!embedded || stopped() || clock.monotonicMs() < checkpointAtMs) return;
    checkpointAtMs = clock.monotonicMs() + CHECKPOINT_EVERY_MS;
    try {
      await store.checkpoint();
    } catch (error) {
      failures += 1;
      log.warn({ err: error }, 'a checkpoint failed; it is tried again');
    }
  }

  async function everything(): Promise<void> {
    await pause.ask();
    for (const kind of Object.keys(KEEP_MS) as Kind[]) await clean(kind);
    await forget();
    await checkpoint();
    if (!stopped()) lastRunAtMs = wallNowMs();
  }

  function run(): Promise<void> {
    running ??= everything().finally(() => {
      running = null;
    });
    return running;
  }

  function arm(): void {
    if (closed) return;
    timer = clock.after(RUN_EVERY_MS, () => {
      void run().then(arm);
    });
  }

  arm();
  return {
    run,
    pause: () => pause.set(true),
    resume: () => pause.set(false),
    status(): MaintenanceStatus {
      const state = pause.on ? 'paused' : running === null ? 'idle' : 'running';
      const sweep = sweeper?.status() ?? null;
      return { state, lastRunAtMs, removed: { ...removed }, horizon, failures, sweep };
    },
    async close() {
      closed = true;
      timer?.cancel();
      resting?.timer.cancel();
      resting?.wake();
      await Promise.all([running, sweeper?.close()]);
    },
  };
}
