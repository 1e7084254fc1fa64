import { driftMarginMs } from './constants.ts';
import type { Name } from './lineage.ts';
import type { Freshness, Head } from './types.ts';

/**
 * PROOF: at `atMs` of this node's monotonic clock (read before the statement was sent) the log ended at `head`. Only
 * proofs of the view's generation, from a record whose identity agreed, are given to the lease.
 */
export interface Proof {
  readonly atMs: number;
  readonly head: Head;
}

/** Proofs that wait for their entries. Whoever is that many heartbeats behind has lost its lease long before. */
const MAX_WAITING = 16;

/**
 * The right to answer. Lease and tolerance run from the newest *covered* proof: one whose head the node has applied.
 * A margin for drift is taken off here, and added where others wait for the end of it (BARRIER, MEMBERS).
 */
export class Lease {
  readonly #freshMs: number;
  readonly #termMs: number;
  #coveredAtMs = Number.NEGATIVE_INFINITY;
  /** In order of their time, and so of their heads. */
  #waiting: Proof[] = [];

  constructor(leaseMs: number, toleranceMs: number) {
    this.#freshMs = leaseMs - driftMarginMs(leaseMs);
    this.#termMs = leaseMs + toleranceMs - driftMarginMs(leaseMs + toleranceMs);
  }

  /** When the newest covered proof was asked for; -Infinity when there is none. */
  get coveredAtMs(): number {
    return this.#coveredAtMs;
  }

  /** Takes a proof. @returns whether one that is no older than before is covered now. */
  prove(proof: Proof, applied: Name): boolean {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.atMs > proof.atMs) return false;
    if (last !== undefined && last.head.position === proof.head.position) this.#waiting.pop();
    this.#waiting.push(proof);
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    return this.cover(applied);
  }

  /**
   * Looks again after entries were applied.
   * @returns whether a proof that is no older than before is covered now. One of the same `at` counts: a coarse clock gives
   *   two heartbeats one time, and whoever waits for a proof since then is served by the second, too.
   */
  cover(applied: Name): boolean {
    let covered = false;
    let proof = this.#waiting[0];
    while (
      proof !== undefined &&
      proof.head.generation === applied.generation &&
      proof.head.position <= applied.position
    ) {
      covered ||= proof.atMs >= this.#coveredAtMs;
      this.#coveredAtMs = Math.max(this.#coveredAtMs, proof.atMs);
      this.#waiting.shift();
      proof = this.#waiting[0];
    }
    return covered;
  }

  /** ANSWER: what the node may say at `nowMs`. With a known gap there is no tolerance. */
  freshness(nowMs: number, hasGap: boolean): Freshness | 'unavailable' {
    const ageMs = nowMs - this.#coveredAtMs;
    if (ageMs < this.#freshMs) return 'fresh';
    return !hasGap && ageMs < this.#termMs ? 'stale' : 'unavailable';
  }

  /** Milliseconds until `freshness` can get worse by itself; 0 when it cannot any more. */
  nextChangeMs(nowMs: number, hasGap: boolean): number {
    const ageMs = nowMs - this.#coveredAtMs;
    if (ageMs < this.#freshMs) return this.#freshMs - ageMs;
    return !hasGap && ageMs < this.#termMs ? this.#termMs - ageMs : 0;
  }

  /** Milliseconds of lease left, negative when it is over. */
  leftMs(nowMs: number): number {
    return this.#coveredAtMs + this.#freshMs - nowMs;
  }

  /** LINEAGE: what waits is of a generation that is over; the covered one stays good for its time. */
  dropWaiting(): void {
    this.#waiting = [];
  }

  /** MEMBERS: a node that was removed, or whose view is rebuilt, starts from nothing. */
  clear(): void {
    this.#coveredAtMs = Number.NEGATIVE_INFINITY;
    this.#waiting = [];
  }
}
