/** What clean-up removes, in this order; sql/cleanup_kind.sql says what each is. */
export const CLEANUP_KINDS = [
  'sessions',
  'attempts',
  'tickets',
  'idempotencyKeys',
  'resets',
  'entries',
  'operations',
  'overrides',
] as const;
export type CleanupKind = (typeof CLEANUP_KINDS)[number];

export type CleanupClaim =
  | { readonly kind: 'claimed'; readonly run: number }
  | { readonly kind: 'held'; readonly holder: string }
  | { readonly kind: 'early' | 'paused' };

/** Of one run, by kind; a kind that it has not come to is missing. */
export type CleanupProgress = Readonly<
  Partial<
    Record<
      CleanupKind,
      {
        readonly removed: number;
        /** Rows that are left; an estimate where there are many. */
        readonly left: number;
      }
    >
  >
>;

export interface CleanupState {
  /** Grows with each run, whoever makes it. */
  readonly run: number;
  /** Who is at it; null: nobody. */
  readonly holder: string | null;
  /** Of the last run, at work or over; null before the first. */
  readonly begunAtMs: number | null;
  /** The last time that a run came to its end. */
  readonly finishedAtMs: number | null;
  readonly progress: CleanupProgress;
}

/** Clean-up, shared by the nodes: each verb is a short transaction, and whoever calls them rests in between (A3). */
export interface CleanupStore {
  /**
   * Claims the next run for `claimMs`, by the record's own clock, unless another node holds it or the last one ended less
   * than `everyMs` ago. This shares the work and nothing more: two nodes that clean up at once do no harm.
   */
  claim(holder: string, claimMs: number, everyMs: number): Promise<CleanupClaim>;
  /** Keeps the claim, and says how far it is; false when another node has begun a run since. */
  renew(run: number, claimMs: number, progress: CleanupProgress): Promise<boolean>;
  /** Gives the claim up. `whole`: the run came to its end. */
  release(run: number, whole: boolean, progress: CleanupProgress): Promise<void>;
  state(): Promise<CleanupState>;
  /** How many rows older than `beforeMs` there are, counted where they are few, estimated where they are many. */
  left(kind: CleanupKind, beforeMs: number): Promise<number>;
  /**
   * Removes at most `batch` rows that are older than `beforeMs`, oldest first, from where the batch before ended (`after`;
   * null at first). Fewer than `batch`: there are no more.
   */
  clean(
    kind: CleanupKind,
    beforeMs: number,
    after: string | null,
    batch: number,
  ): Promise<{ readonly removed: number; readonly after: string | null }>;
}
