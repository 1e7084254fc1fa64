import type { CleanupKind, CleanupProgress } from '../record/cleanup-contract.ts';

/** Clean-up of what has ended, sweeping of last-seen times, CHECKPOINT and VACUUM of the embedded database. */
export interface Maintenance {
  /**
   * Stops clean-up, sweeping and retention after the batch that is running: here at once, on every other node within a second of
   * when it resolves. Nobody grows idle meanwhile. Rejects when the record could not be told.
   */
  pause(): Promise<void>;
  resume(): Promise<void>;
  status(): MaintenanceStatus;
}

export interface MaintenanceStatus {
  readonly state: 'idle' | 'running' | 'paused';
  /** Wall milliseconds of the last complete run; null before the first. */
  readonly lastRunAtMs: number | null;
  /** Rows that this node removed since its start, by kind. */
  readonly removed: Readonly<Record<CleanupKind, number>>;
  /** Of this node's run that is at work, or its last one. */
  readonly progress: CleanupProgress;
  /** FORGET: nodes that join take in the log above this position; null before the first run. */
  readonly horizon: number | null;
  /** Batches that failed since the start; they are tried again in the next run. */
  readonly failures: number;
  /** Sweeping of last-seen times out of the hub; null where they go straight to the record. */
  readonly sweep: SweepStatus | null;
}

/** What this node knows of sweeping: of its own sweep, or of another node's when it last looked. */
export interface SweepStatus {
  /** `running`: here. */
  readonly state: 'idle' | 'running' | 'paused';
  /** Which member sweeps. */
  readonly holder: string | null;
  readonly number: number;
  /** Of the sweep at work, or of the last one: keys read, sessions written to the record, masters gone through. */
  readonly keysSeen: number;
  readonly swept: number;
  readonly mastersDone: number;
  readonly masters: number;
  /** Up to when last-seen is complete in the record, wall milliseconds; null before this node's first sweep. */
  readonly sweptThroughMs: number | null;
  readonly lastFinishedAtMs: number | null;
  /** The member that has written the least: the one to look at when `sweptThroughMs` stands still. */
  readonly heldBackBy: string | null;
  /** Sweeps that did not end since the start; each began anew. */
  readonly failures: number;
}
