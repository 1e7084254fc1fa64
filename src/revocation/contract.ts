import type { Entry, Freshness, Head, TokenFacts } from './types.ts';

/**
 * What the rest of Sekisho sees of the revocation protocol: one follower a node. It keeps the view, the heartbeat and the
 * membership, and answers for tokens. Everything named "now" is synchronous and reads the monotonic clock itself (ANSWER).
 */
export interface Follower {
  readonly memberId: string;

  /** MEMBERS: row, snapshot, proof; resolves when the node may answer. Tries again while the record cannot be reached. */
  join(): Promise<void>;
  /** Stops answering, then removes the row. */
  leave(): Promise<void>;

  /** Grows with everything that can change a judgement; a cached judgement is good for one value (ANSWER). */
  readonly version: number;
  /** ANSWER: judges by lease, tolerance and view, in one synchronous block. */
  judgeNow(facts: TokenFacts): Judgement;
  /** The same without a token: whether the node may answer at all, and how fresh. */
  freshnessNow(): Freshness | 'unavailable';
  /** Resolves after the next covered proof, or when `maxMs` have passed; never rejects. One heartbeat serves all who wait. */
  awaitProof(maxMs: number): Promise<void>;
  /** FRESH: resolves when a covered proof has `at` ≥ the call's start; rejects with `store_unavailable`. */
  proveNow(): Promise<void>;

  /** ANNOUNCE: applies entries that this node has just committed to its own view and tells the others. */
  committed(entries: readonly Entry[]): void;
  /** A protocol result of the record named a head whose identity differs: begins a generation (GENERATION). */
  identityChanged(head: Head): Promise<void>;
  /** BARRIER: resolves with the state reached after at most `waitMs` (0: what is known at once). Never says `everywhere` falsely. */
  barrier(
    entry: { readonly generation: string; readonly position: number; readonly operationId: string },
    waitMs: number,
  ): Promise<BarrierResult>;

  /**
   * SOCKETS: registers a connection and judges it in one synchronous block; when it is later revoked, superseded, ended or
   * the node may no longer answer, `kill` is called synchronously, before any acknowledgement. Returns the judgement and,
   * if it passed, what unregisters it. `check` judges a frame: it is what a request would get, for as long as the session
   * lasts; unlike `judgeNow` it knows that the connection has seen every entry since it was registered (FORGET).
   */
  connect(connection: Connection): {
    readonly judgement: Judgement;
    readonly check: () => Judgement;
    readonly disconnect: () => void;
  };

  /** Wall time by WALL TIME, for `iat`, `exp` and lifetimes: milliseconds since 1970. */
  wallNowMs(): number;
  /** For operators. */
  status(): FollowerStatus;
}

/**
 * `unavailable`: would pass, but this node cannot prove it (503). `unknown_generation` becomes 503 or superseded after a newer
 * proof.
 */
export type Judgement =
  | { readonly kind: 'pass'; readonly freshness: Freshness }
  | { readonly kind: 'revoked' | 'superseded' | 'unknown_generation' | 'unavailable' };

/** Why a connection is cut. `superseded`: come back with a new ticket; `unavailable`: this node may not answer now. */
export type KillReason = 'revoked' | 'superseded' | 'ended' | 'unavailable';

/** A long-lived connection, by what it is judged. */
export interface Connection {
  readonly facts: TokenFacts;
  /** Absolute end of the session, wall milliseconds. */
  readonly endsAtMs: number;
  /** Must cut the connection before it returns. */
  kill(why: KillReason): void;
}

/** What a barrier could say within the time that was waited (BARRIER). */
export interface BarrierResult {
  /** `everywhere`: no node accepts what was revoked any more. `pending`: it is committed, and not known of all nodes yet. */
  readonly effective: 'everywhere' | 'pending';
  /** Members that had to acknowledge, and that did (or whose term ended). */
  readonly members: number;
  readonly acknowledged: number;
  /** For `pending`: ids of the members that did not, as far as they are known; for people, nothing rests on it. */
  readonly waitingFor?: readonly string[];
  readonly waitedMs: number;
  /** For `pending`: wall milliseconds at which every term will have ended if nothing new happens. */
  readonly deadlineMs: number | null;
}

export interface FollowerStatus {
  readonly state: 'joining' | 'serving' | 'left';
  readonly memberId: string;
  readonly generation: string | null;
  readonly applied: number;
  readonly head: number;
  readonly freshness: Freshness | 'unavailable';
  readonly leaseMs: number;
  readonly toleranceMs: number;
  /** Milliseconds of lease left; negative when it is over. */
  readonly leaseLeftMs: number;
  /** Milliseconds that the last heartbeat took; null before the first. */
  readonly lastHeartbeatMs: number | null;
  /** UPGRADE: the scope of an entry that this release does not know: the view does not go on. Null when there is none. */
  readonly unknownScope: string | null;
  readonly viewEntries: number;
  readonly connections: number;
  readonly hub: { readonly kind: string; readonly working: boolean };
}
