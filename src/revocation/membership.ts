import { driftMarginMs, HEARTBEATS_PER_LEASE } from './constants.ts';

/** What is seen of another member. */
export interface ObservedMember {
  readonly id: string;
  readonly beat: number;
  readonly leaseMs: number;
  readonly toleranceMs: number;
}

interface Observation {
  readonly beat: number;
  /** When a row with this beat was first received. */
  readonly sinceMs: number;
  readonly silentMs: number;
}

/**
 * MEMBERS: finds members that have stopped. A member goes only when the same beat was seen, from the *receipt* of that row
 * on, for longer than its own lease + tolerance + one interval + margin, on the observer's monotonic clock; and only if
 * the beat still is that one when the row is removed. Timestamps of the record play no part.
 */
export class Membership {
  readonly #seen = new Map<string, Observation>();

  /** Takes a list of members that was received at `nowMs`. */
  observe(members: readonly ObservedMember[], nowMs: number): void {
    const present = new Set<string>();
    for (const member of members) {
      present.add(member.id);
      if (this.#seen.get(member.id)?.beat === member.beat) continue;
      const termMs = member.leaseMs + member.toleranceMs;
      this.#seen.set(member.id, {
        beat: member.beat,
        sinceMs: nowMs,
        silentMs: termMs + member.leaseMs / HEARTBEATS_PER_LEASE + driftMarginMs(termMs),
      });
    }
    for (const id of this.#seen.keys()) if (!present.has(id)) this.#seen.delete(id);
  }

  /** The members that may be removed at `nowMs`, each on condition of its beat. */
  silent(nowMs: number): { readonly id: string; readonly beat: number }[] {
    const found: { readonly id: string; readonly beat: number }[] = [];
    for (const [id, seen] of this.#seen) {
      if (nowMs - seen.sinceMs > seen.silentMs) found.push({ id, beat: seen.beat });
    }
    return found;
  }

  /**
   * Forgets everything: after a change of generation a row may show a beat again that was seen before, although later ones
   * (and the proofs that came with them) are lost.
   */
  clear(): void {
    this.#seen.clear();
  }
}
