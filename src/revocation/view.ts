import { FORGET_LIMIT, FORGET_MARGIN_MS, MAX_ACCESS_TTL_MS } from './constants.ts';
import { digestOf } from './digest.ts';
import type { Draft } from './draft.ts';
import { isKnownScope } from './entry-log.ts';
import { Held } from './held.ts';
import { History, type Name, NO_HISTORY } from './lineage.ts';
import type { Entry, Head, Lineage, TokenFacts, Verdict } from './types.ts';

/** What became of one entry that was offered to the view. */
export type Applied =
  | 'applied'
  /** At or below `applied`: seen before. */
  | 'known'
  /** Beyond `applied + 1`: something is missing. */
  | 'gap'
  /** Its name is not in this view's history. */
  | 'foreign_generation'
  /** UPGRADE: of a scope that this release does not know; the view does not go on. */
  | 'unknown_scope';

/** What became of a snapshot. `jumped`: entries were missed that the record no longer keeps. */
export type Merged = 'merged' | 'jumped' | 'foreign_generation';

/**
 * A node's copy of every revocation that can still matter (docs/protocol.md section 2). Pure: no I/O, and the time comes
 * in. Order and duplicates cannot hurt it; since positions are dense, a missing entry is always noticed.
 */
export class View {
  #history: History = NO_HISTORY;
  #generation = '';
  #held = new Held(0);
  /** The highest position known to exist in this history. */
  #known = 0;
  /** Whether another history has been heard of, whose lineage this view has not met yet. */
  #foreign = false;
  #version = 0;
  #unknownScope: string | null = null;

  /** The generation this view is of; empty before the first snapshot. */
  get generation(): string {
    return this.#generation;
  }
  /** Everything up to this position has been applied. */
  get applied(): number {
    return this.#held.applied;
  }
  /** Entries up to this position are no longer held: tokens that have not seen it are superseded. */
  get horizon(): number {
    return this.#held.horizon;
  }
  /** Grows with everything that can change a judgement. */
  get version(): number {
    return this.#version;
  }
  get history(): History {
    return this.#history;
  }
  /** Entries held. */
  get size(): number {
    return this.#held.entries.length;
  }
  /** ANSWER: entries are known to be missing, which forbids tolerance. */
  get hasGap(): boolean {
    return this.#foreign || this.#known > this.applied;
  }
  /** UPGRADE: the scope of the entry at which this view does not go on; null when there is none. */
  get unknownScope(): string | null {
    return this.#unknownScope;
  }

  /** Judges a token, in the order of the table in docs/protocol.md section 2. Allocates nothing. */
  judge(facts: TokenFacts): Verdict {
    if (facts.generation !== this.#generation || this.#generation === '') {
      const end = this.#history.endOf(facts.generation);
      if (end === undefined) return 'unknown_generation';
      if (facts.tokenEpoch > end) return 'superseded';
    }
    if (facts.tokenEpoch < this.#held.horizon) return 'superseded';
    return this.#held.marks.judge(facts);
  }

  /**
   * SOCKETS: judges a connection that has been registered since before the entries above its `tokenEpoch` were applied: it
   * has survived them, so that their being forgotten does not concern it.
   */
  judgeRegistered(facts: TokenFacts): Verdict {
    const end = this.#history.endOf(facts.generation);
    if (end === undefined) return 'unknown_generation';
    return facts.tokenEpoch > end ? 'superseded' : this.#held.marks.judge(facts);
  }

  /** FOLLOW: applies one entry that arrived at `nowMs` of the monotonic clock. */
  apply(entry: Entry, nowMs: number): Applied {
    if (!this.#history.has(entry)) return 'foreign_generation';
    if (entry.position <= this.applied) return 'known';
    if (entry.position > this.#known) this.#known = entry.position;
    if (entry.position > this.applied + 1) return 'gap';
    if (!isKnownScope(entry.scope)) {
      this.#unknownScope = entry.scope;
      return 'unknown_scope';
    }
    this.#held.append(entry, nowMs);
    this.#version += 1;
    return 'applied';
  }

  /** Takes note of a head: what lies above `applied` is missing, and of another history anything may be. */
  learn(head: Head): void {
    const end = this.#history.endOf(head.generation);
    if (end === undefined) this.#foreign = true;
    else if (head.generation === this.#generation && head.position > this.#known)
      this.#known = head.position;
  }

  /**
   * FOLLOW: merges a snapshot of the view's own generation: what was not applied yet is, and each entry is given to
   * `onApplied`. Where the record no longer keeps what comes next, the view jumps: it takes the snapshot for its own, and
   * nothing is given. Doing it twice is doing it once.
   */
  merge(draft: Draft, nowMs: number, onApplied: (entry: Entry) => void = ignore): Merged {
    if (draft.header.head.generation !== this.#generation || this.#generation === '')
      return 'foreign_generation';
    if (draft.held.horizon > this.applied) {
      this.#adopt(draft);
      return 'jumped';
    }
    for (let position = this.applied + 1; position <= draft.through; position += 1) {
      const entry = draft.held.entries.at(position);
      if (this.apply(entry, nowMs) !== 'applied') break;
      onApplied(entry);
    }
    if (this.applied === draft.through) this.#unknownScope = draft.unknownScope;
    this.learn(draft.header.head);
    return 'merged';
  }

  /** JOIN, LINEAGE: takes a snapshot in place of everything that was held. */
  replace(draft: Draft): void {
    const { lineage, head } = draft.header;
    this.#history = new History(lineage);
    this.#generation = head.generation;
    this.#foreign = false;
    this.#known = 0;
    this.#adopt(draft);
  }

  /**
   * LINEAGE: goes on in the newest generation of `lineage`, of which this view must be a prefix.
   * @returns false, with nothing changed, when it is not: it holds entries that were lost.
   */
  continueIn(lineage: Lineage): boolean {
    const history = new History(lineage);
    if (history.newest === null || !history.continues(this.end)) return false;
    this.#foreign = false;
    if (history.newest === this.#generation) return true;
    this.#history = history;
    this.#generation = history.newest;
    this.#known = this.applied;
    this.#version += 1;
    return true;
  }

  /** The name of this view's end. */
  get end(): Name {
    return { generation: this.#generation, position: this.applied };
  }

  /** HAND IN: the entries held here whose name is not in `lineage`, in order. */
  lostIn(lineage: Lineage): Entry[] {
    const history = new History(lineage);
    const lost: Entry[] = [];
    for (let position = this.applied; position > this.horizon; position -= 1) {
      const entry = this.#held.entries.at(position);
      if (history.has(entry)) break;
      lost.push(entry);
    }
    return lost.reverse();
  }

  /**
   * FORGET: drops, in order, entries that are older by local age than the longest access token and a margin. The caller
   * must hold a covered proof.
   * @returns how many were dropped: at most FORGET_LIMIT, the others with the next calls.
   */
  forget(nowMs: number): number {
    const beforeMs = nowMs - MAX_ACCESS_TTL_MS - FORGET_MARGIN_MS;
    const dropped = this.#held.forget(beforeMs, FORGET_LIMIT);
    if (dropped > 0) this.#version += 1;
    return dropped;
  }

  /** BARRIER: a time by which this node knew that everything up to `position` was committed; undefined if it does not. */
  knownSinceMs(position: number): number | undefined {
    return this.#held.cameByMs(position);
  }

  /** RECONCILE: digest over positions `from` to `to`, both included and both held. */
  digest(from: number, to: number): string {
    return digestOf(this.#held.entries.range(from, to));
  }

  /** The entries from `from` to `to`, both included and both held. */
  range(from: number, to: number): Iterable<Entry> {
    return this.#held.entries.range(from, to);
  }

  #adopt(draft: Draft): void {
    this.#held = draft.held;
    this.#unknownScope = draft.unknownScope;
    this.#known = Math.max(this.#known, draft.header.head.position, this.applied);
    this.#version += 1;
  }
}

function ignore(): void {}
