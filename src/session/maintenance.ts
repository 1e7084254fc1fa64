import type { Clock } from '../clock.ts';
import type { Log } from '../observe/log.ts';
import { CLEANUP_KINDS, type CleanupKind, type CleanupStore } from '../record/cleanup-contract.ts';
import type { MaintenanceStore } from '../record/contract.ts';
import { createRounds } from '../rounds.ts';
import type { Maintenance, MaintenanceStatus } from './contract.ts';
import type { Pause } from './pause.ts';
import type { Sweeper } from './sweep.ts';

/** Between two runs of clean-up, whoever makes them, and how often a node looks whether it is its turn. */
const RUN_EVERY_MS = 60_000;
const EARLY_MS = 5_000;
/** How long a node that died keeps the others from it, and how often one that lives renews, and tells how far it is. */
const CLAIM_MS = 15_000;
const RENEW_EVERY_MS = 1_000;
/**
 * Rows a batch, and the rest between two batches: so long as the batch took, times so much, within bounds. Requests are
 * never queued behind clean-up for longer than a batch takes, and it leaves them most of the record's time
 * (docs/operations.md has what was measured).
 */
const BATCH = 100;
const REST_TIMES = 3;
const REST_MS = Object.freeze({ least: 5, most: 1_000 });
/** Embedded: between two checkpoints (PGlite makes none by itself). */
const CHECKPOINT_EVERY_MS = 120_000;
/** Embedded, in the middle of a run: how often it is asked whether a table is to be vacuumed by now. */
const VACUUM_DUE_EVERY_MS = 1_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long what has ended stays visible, or could still matter. */
const KEEP_MS: Readonly<Record<CleanupKind, number>> = Object.freeze({
  /** Administrators list expired and revoked sessions. */
  sessions: 7 * DAY_MS,
  /** Longer than any window that a policy allows. */
  attempts: 2 * DAY_MS,
  tickets: HOUR_MS,
  idempotencyKeys: DAY_MS,
  resets: HOUR_MS,
  /** Administrators list revocations. FORGET asks for less by far, and the record sees to that by itself. */
  entries: 90 * DAY_MS,
  /** Longer than the log, so that no operation of an entry that is known can happen again. */
  operations: 120 * DAY_MS,
  /** Longer than any session lives: what expired under a ceiling stays expired. */
  overrides: 40 * DAY_MS,
});
/**
 * FORGET: how long entries are given to nodes that join. Several times as long as an access token lives; the record must
 * keep them MAX_TERM longer than views do.
 */
const KEEP_LOG_MS = HOUR_MS;

type Tally = { -readonly [Kind in CleanupKind]?: { removed: number; left: number } };

export interface MaintenanceOptions {
  readonly clock: Clock;
  readonly wallNowMs: () => number;
  readonly memberId: () => string;
  readonly store: MaintenanceStore;
  readonly cleanup: CleanupStore;
  /** Whether the record needs checkpoints of ours. */
  readonly embedded: boolean;
  readonly pause: Pause;
  /** Where last-seen times go through a hub; closed with this. */
  readonly sweeper: Sweeper | null;
  readonly log: Log;
}

export interface MaintenanceRunner extends Maintenance {
  /** One run, now, if it is this node's turn; ends early when paused, closed, or taken over. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** Clean-up in bounded batches between pauses, one node at a time, for as long as nobody closes it (A3). */
export function createMaintenance(options: MaintenanceOptions): MaintenanceRunner {
  const { clock, wallNowMs, memberId, store, cleanup, embedded, pause, sweeper, log } = options;
  const removed = Object.fromEntries(CLEANUP_KINDS.map((kind) => [kind, 0])) as Record<
    CleanupKind,
    number
  >;
  let left: Tally = {};
  let horizon: number | null = null;
  let failures = 0;
  let lastRunAtMs: number | null = null;
  let renewedAtMs = 0;
  const rounds = createRounds({ clock, round, everyMs: () => RUN_EVERY_MS });
  let checkpointAtMs = clock.monotonicMs() + CHECKPOINT_EVERY_MS;
  let vacuumAtMs = checkpointAtMs;
  let dueAskedAtMs = 0;

  function stopped(): boolean {
    return pause.on || rounds.closed;
  }

  function rest(afterMs: number): Promise<void> {
    return rounds.rest(Math.min(REST_MS.most, Math.max(REST_MS.least, afterMs * REST_TIMES)));
  }

  /** Whether this run may go on: it is not paused, and still ours. */
  async function mayGoOn(run: number): Promise<boolean> {
    if (stopped() || (await pause.ask()) || rounds.closed) return false;
    if (clock.monotonicMs() - renewedAtMs < RENEW_EVERY_MS) return true;
    renewedAtMs = clock.monotonicMs();
    return await cleanup.renew(run, CLAIM_MS, left);
  }

  /** @returns whether it came to the end of this kind. */
  async function clean(run: number, kind: CleanupKind): Promise<boolean> {
    const beforeMs = wallNowMs() - KEEP_MS[kind];
    if (!(await mayGoOn(run))) return false;
    const tally = { removed: 0, left: await cleanup.left(kind, beforeMs) };
    left = { ...left, [kind]: tally };
    let after: string | null = null;
    while (await mayGoOn(run)) {
      const beganMs = clock.monotonicMs();
      const batch: Awaited<ReturnType<CleanupStore['clean']>> = await cleanup.clean(
        kind,
        beforeMs,
        after,
        BATCH,
      );
      after = batch.after;
      removed[kind] += batch.removed;
      tally.removed += batch.removed;
      tally.left = Math.max(0, tally.left - batch.removed);
      // A batch that was not full was the last one; a full one never is (A3).
      if (batch.removed < BATCH) {
        tally.left = 0;
        return true;
      }
      await rest(clock.monotonicMs() - beganMs);
      await checkpoint(false);
      await vacuumDue();
    }
    return false;
  }

  /** @returns whether it came to the end of everything; one kind that fails does not keep the others. */
  async function everyKind(run: number): Promise<boolean> {
    let whole = true;
    for (const kind of CLEANUP_KINDS) {
      try {
        if (!(await clean(run, kind))) return false;
      } catch (error) {
        whole = false;
        failures += 1;
        log.warn({ err: error, kind }, 'a batch of clean-up failed; it is tried again');
      }
    }
    return whole;
  }

  async function turn(): Promise<void> {
    let run: number;
    try {
      const claim = await cleanup.claim(memberId(), CLAIM_MS, RUN_EVERY_MS - EARLY_MS);
      if (claim.kind !== 'claimed') return;
      run = claim.run;
    } catch (error) {
      failures += 1;
      log.warn({ err: error }, 'clean-up could not begin; it is tried again');
      return;
    }
    renewedAtMs = clock.monotonicMs();
    left = {};
    const whole = await everyKind(run);
    try {
      await cleanup.release(run, whole, left);
    } catch (error) {
      log.debug({ err: error }, 'the end of clean-up could not be told');
    }
    if (whole) lastRunAtMs = wallNowMs();
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

  /** @param whole with VACUUM, which reads whole indexes of tables of which much was removed: once, at the end of a run. */
  async function checkpoint(whole: boolean): Promise<void> {
    const dueMs = whole ? vacuumAtMs : checkpointAtMs;
    if (!embedded || stopped() || clock.monotonicMs() < dueMs) return;
    checkpointAtMs = clock.monotonicMs() + CHECKPOINT_EVERY_MS;
    if (whole) vacuumAtMs = checkpointAtMs;
    try {
      await store.checkpoint(whole);
    } catch (error) {
      failures += 1;
      log.warn({ err: error }, 'a checkpoint failed; it is tried again');
    }
  }

  /** Rests afterwards, as after a batch: whatever had to wait goes first. */
  async function vacuumDue(): Promise<void> {
    if (!embedded || stopped() || clock.monotonicMs() - dueAskedAtMs < VACUUM_DUE_EVERY_MS) return;
    dueAskedAtMs = clock.monotonicMs();
    try {
      await store.vacuumDue();
    } catch (error) {
      failures += 1;
      log.warn({ err: error }, 'a table could not be vacuumed; it is tried again');
    }
    await rest(clock.monotonicMs() - dueAskedAtMs);
  }

  async function round(): Promise<void> {
    await pause.ask();
    if (!stopped()) await turn();
    await forget();
    await checkpoint(true);
  }

  return {
    run: rounds.run,
    pause: () => pause.set(true),
    resume: () => pause.set(false),
    status(): MaintenanceStatus {
      const state = pause.on ? 'paused' : rounds.atWork ? 'running' : 'idle';
      const sweep = sweeper?.status() ?? null;
      const figures = { removed: { ...removed }, progress: { ...left }, horizon, failures };
      return { state, lastRunAtMs, ...figures, sweep };
    },
    async close() {
      await Promise.all([rounds.close(), sweeper?.close()]);
    },
  };
}
