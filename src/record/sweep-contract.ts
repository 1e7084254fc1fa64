/**
 * Sweeping: how last-seen times reach the record, and up to when they have (docs/decisions/0014). One row tells all nodes.
 *
 * Idle means `last seen + idle time-out < swept through`. That time stands still while sweeping is paused or the hub is
 * lost, so that errors are in the users' favour.
 */
export interface SweepStore {
  /**
   * Claims the next sweep for `claimMs`, by the record's own clock, unless another node holds it or the last one began
   * less than `everyMs` ago. This shares the work and nothing more: two nodes that sweep at once do no harm.
   */
  claim(holder: string, claimMs: number, everyMs: number): Promise<SweepClaim>;
  /** Keeps the claim, and says how far the sweep is; false when another node has begun one since. */
  renew(holder: string, number: number, claimMs: number, progress: SweepProgress): Promise<boolean>;
  /**
   * Everything that any node noted up to `throughMs` has been written; the time only moves forward. `servers` is kept for
   * the next sweep. False, and nothing moves, while sweeping is paused.
   */
  finish(
    number: number,
    throughMs: number,
    servers: SweepServers,
    progress: SweepProgress,
  ): Promise<boolean>;
  /**
   * The member has written to the record itself everything that it noted up to `throughMs`. `Swept through` moves to the
   * earliest time of all members; nothing moves while sweeping is paused.
   */
  mark(memberId: string, throughMs: number): Promise<void>;
  /** Pauses sweeping and clean-up on every node, or lets them go on. */
  pause(paused: boolean): Promise<void>;
  /** Last-seen times that were not yet swept are gone: whoever was not idle by then counts as seen at `nowMs`. */
  lost(nowMs: number): Promise<void>;
  state(): Promise<SweepState>;
  /** Seconds of idleness by the present policies of several tenants; a tenant that does not exist is left out. */
  idleTimeouts(tids: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

export type SweepClaim =
  | {
      readonly kind: 'claimed';
      /** Grows with each sweep, whoever makes it. */
      readonly number: number;
      /** The last sweep that moved `sweptThroughMs`; 0 before the first. */
      readonly finished: number;
      readonly sweptThroughMs: number;
      readonly servers: SweepServers;
      /** Up to when members have written straight to the record what they noted. */
      readonly marks: Readonly<Record<string, number>>;
    }
  | { readonly kind: 'held'; readonly holder: string; readonly progress: SweepProgress | null }
  | { readonly kind: 'early' | 'paused' };

/** What servers of the hub said of themselves, by the name of their run: how many keys they have evicted. */
export type SweepServers = Readonly<Record<string, number>>;

/** For people. */
export interface SweepProgress {
  /** Keys that were read so far. */
  readonly keysSeen: number;
  /** Sessions whose last-seen was written to the record so far. */
  readonly swept: number;
  readonly mastersDone: number;
  readonly masters: number;
}

export interface SweepState {
  readonly paused: boolean;
  readonly number: number;
  readonly finished: number;
  /** Who sweeps at present. */
  readonly holder: string | null;
  /** Of the sweep at work, or of the last one. */
  readonly progress: SweepProgress | null;
  readonly sweptThroughMs: number;
  /** The last loss; null when there was none that still matters. */
  readonly lostAtMs: number | null;
}
