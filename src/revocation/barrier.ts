import { driftMarginMs } from './constants.ts';
import type { Name } from './lineage.ts';

/** The name of a committed entry, and its operation. */
export interface BarrierEntry {
  readonly generation: string;
  readonly position: number;
  readonly operationId: string;
}

/** A member as the record returned it when the caller asked who the members are. */
export interface BarrierMember {
  readonly id: string;
  readonly leaseMs: number;
  readonly toleranceMs: number;
  /** What its row acknowledges. */
  readonly generation: string | null;
  readonly applied: number;
}

/** What a barrier has reached. */
export interface BarrierState {
  readonly everywhere: boolean;
  readonly members: number;
  /** Members that acknowledged, left, or whose term has ended. */
  readonly acknowledged: number;
  /** Monotonic time at which the last term will have ended; null before the members are known. */
  readonly deadlineMs: number | null;
  /** Monotonic time of the next term's end: then a confirming write is due. Null when no term is waited for. */
  readonly nextEndMs: number | null;
}

interface Waited {
  readonly termEndsMs: number;
  acknowledged: boolean;
}

/**
 * BARRIER as a state machine: knows one committed entry, hears what happens, and says `everywhere` only when no member can
 * still answer without the entry. All times are the caller's monotonic clock. It speaks of one generation; when that
 * changes, a new one is made.
 *
 * Three things end the waiting for a member: its acknowledgement, the end of its own lease + tolerance + margin since the
 * commit was known, or a later list in the same generation without it (it left after its last answer, or was removed after
 * its term). Where a term's end was used, a write of the caller, sent after that end, must have returned this generation:
 * the entry might be lost by then.
 */
export class Barrier {
  readonly name: Name;
  readonly #knownSinceMs: number;
  #members: Map<string, Waited> | null = null;
  #open = 0;
  /** FIRST TERM: nothing is `everywhere` before this time; -Infinity once the generation is settled. */
  #firstTermEndsMs = Number.NEGATIVE_INFINITY;
  /** When the newest write of the caller that returned this generation was sent. */
  #confirmedMs = Number.NEGATIVE_INFINITY;

  /** @param knownSinceMs when the caller knew that the entry was committed: never earlier than the commit itself. */
  constructor(name: Name, knownSinceMs: number) {
    this.name = name;
    this.#knownSinceMs = knownSinceMs;
  }

  get listed(): boolean {
    return this.#members !== null;
  }

  /**
   * The members, by a write sent at `sentMs`. The first list fixes who is waited for: whoever joins later knows the entry
   * before it answers. Later ones bring acknowledgements by row, and tell who has gone.
   */
  list(members: readonly BarrierMember[], sentMs: number, firstTermEndsMs: number): void {
    if (sentMs < this.#knownSinceMs) return;
    this.confirm(this.name.generation, sentMs);
    this.#firstTermEndsMs = firstTermEndsMs;
    if (this.#members === null) {
      this.#members = new Map();
      for (const member of members) {
        const termMs = member.leaseMs + member.toleranceMs;
        this.#members.set(member.id, {
          termEndsMs: this.#knownSinceMs + termMs + driftMarginMs(termMs),
          acknowledged: false,
        });
      }
      this.#open = this.#members.size;
    } else {
      const present = new Set(members.map((member) => member.id));
      for (const [id, waited] of this.#members) if (!present.has(id)) this.#done(waited);
    }
    for (const member of members) {
      if (member.generation !== null)
        this.acknowledge(member.id, member.generation, member.applied);
    }
  }

  /** A member has applied everything up to `position` of `generation`, by its row or through the hub. */
  acknowledge(memberId: string, generation: string, position: number): void {
    if (generation !== this.name.generation || position < this.name.position) return;
    const waited = this.#members?.get(memberId);
    if (waited !== undefined) this.#done(waited);
  }

  /** A write of the caller, sent at `sentMs`, returned `generation` and an agreeing identity. */
  confirm(generation: string, sentMs: number): void {
    if (generation === this.name.generation && sentMs > this.#confirmedMs)
      this.#confirmedMs = sentMs;
  }

  state(nowMs: number): BarrierState {
    if (this.#members === null) {
      return { everywhere: false, members: 0, acknowledged: 0, deadlineMs: null, nextEndMs: null };
    }
    let deadlineMs = Math.max(this.#knownSinceMs, this.#firstTermEndsMs);
    let nextEndMs =
      this.#firstTermEndsMs > nowMs ? this.#firstTermEndsMs : Number.POSITIVE_INFINITY;
    let waitedFor = 0;
    let usedEndMs = this.#firstTermEndsMs;
    if (this.#open > 0) {
      for (const waited of this.#members.values()) {
        if (waited.acknowledged) continue;
        deadlineMs = Math.max(deadlineMs, waited.termEndsMs);
        if (nowMs < waited.termEndsMs) {
          waitedFor += 1;
          nextEndMs = Math.min(nextEndMs, waited.termEndsMs);
        } else {
          usedEndMs = Math.max(usedEndMs, waited.termEndsMs);
        }
      }
    }
    const confirmed = this.#confirmedMs >= usedEndMs;
    return {
      everywhere: waitedFor === 0 && nowMs >= this.#firstTermEndsMs && confirmed,
      members: this.#members.size,
      acknowledged: this.#members.size - waitedFor,
      deadlineMs,
      nextEndMs: nextEndMs === Number.POSITIVE_INFINITY ? null : nextEndMs,
    };
  }

  /** Ids of the members that have neither acknowledged nor come to the end of their term. */
  waitingFor(nowMs: number): readonly string[] {
    return [...(this.#members ?? [])]
      .filter(([, { acknowledged, termEndsMs }]) => !acknowledged && nowMs < termEndsMs)
      .map(([id]) => id);
  }

  #done(waited: Waited): void {
    if (waited.acknowledged) return;
    waited.acknowledged = true;
    this.#open -= 1;
  }
}
