import { SekishoError } from '../errors.ts';
import { AGE_STEP_MS, FORGET_LIMIT, FORGET_MARGIN_MS, MAX_ACCESS_TTL_MS } from './constants.ts';
import { digestOf } from './digest.ts';
import { EntryLog, isKnownScope } from './entry-log.ts';
import { History, type Name, NO_HISTORY } from './lineage.ts';
import { Marks } from './marks.ts';
import type { Entry, Head, Lineage, Snapshot, TokenFacts, Verdict } from './types.ts';

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

/** Entries up to `through` that were not seen before came by `atMs` at the latest. */
interface AgeNote {
  through: number;
  readonly firstMs: number;
  atMs: number;
}

/**
 * A node's copy of every revocation that can still matter (docs/protocol.md section 2). Pure: no I/O, and the time comes
 * in. Order and duplicates cannot hurt it; since positions are dense, a missing entry is always noticed.
 */
export class View {
  #history: History = NO_HISTORY;
  #generation = '';
  #applied = 0;
  #horizon = 0;
  /** The highest position known to exist in this history. */
  #known = 0;
  /** Whether another history has been heard of, whose lineage this view has not met yet. */
  #foreign = false;
  #version = 0;
  #entries = new EntryLog(0);
  #marks = new Marks();
  #ages: AgeNote[] = [];

  /** The generation this view is of; empty before the first snapshot. */
  get generation(): string {
    return this.#generation;
  }
  /** Everything up to this position has been applied. */
  get applied(): number {
    return this.#applied;
  }
  /** Entries up to this position are no longer held: tokens that have not seen it are superseded. */
  get horizon(): number {
    return this.#horizon;
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
    return this.#entries.length;
  }
  /** ANSWER: entries are known to be missing, which forbids tolerance. */
  get hasGap(): boolean {
    return this.#foreign || this.#known > this.#applied;
  }

  /** Judges a token, in the order of the table in docs/protocol.md section 2. Allocates nothing. */
  judge(facts: TokenFacts): Verdict {
    if (facts.generation !== this.#generation || this.#generation === '') {
      const end = this.#history.endOf(facts.generation);
      if (end === undefined) return 'unknown_generation';
      if (facts.tokenEpoch > end) return 'superseded';
    }
    if (facts.tokenEpoch < this.#horizon) return 'superseded';
    return this.#marks.judge(facts);
  }

  /**
   * SOCKETS: judges a connection that has been registered since before the entries above its `tokenEpoch` were applied: it
   * has survived them, so that their being forgotten does not concern it.
   */
  judgeRegistered(facts: TokenFacts): Verdict {
    const end = this.#history.endOf(facts.generation);
    if (end === undefined) return 'unknown_generation';
    return facts.tokenEpoch > end ? 'superseded' : this.#marks.judge(facts);
  }

  /** FOLLOW: applies one entry that arrived at `nowMs` of the monotonic clock. */
  apply(entry: Entry, nowMs: number): Applied {
    if (!this.#history.has(entry)) return 'foreign_generation';
    if (entry.position <= this.#applied) return 'known';
    if (entry.position > this.#known) this.#known = entry.position;
    if (entry.position > this.#applied + 1) return 'gap';
    if (!isKnownScope(entry.scope)) return 'unknown_scope';
    this.#append(entry, nowMs);
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
   * `onApplied`. Where the record no longer keeps what comes next, the view jumps to its horizon. Doing it twice is
   * doing it once.
   */
  merge(snapshot: Snapshot, nowMs: number, onApplied: (entry: Entry) => void = ignore): Merged {
    if (snapshot.head.generation !== this.#generation || this.#generation === '')
      return 'foreign_generation';
    checkDense(snapshot);
    const jumps = snapshot.horizon > this.#applied;
    if (jumps) {
      this.#clear(snapshot.horizon);
      this.#version += 1;
    }
    for (const entry of snapshot.entries) {
      if (entry.position <= this.#applied) continue;
      if (this.apply(entry, nowMs) !== 'applied') break;
      onApplied(entry);
    }
    this.learn(snapshot.head);
    return jumps ? 'jumped' : 'merged';
  }

  /** JOIN, LINEAGE: takes a snapshot in place of everything that was held. */
  replace(snapshot: Snapshot, nowMs: number): void {
    checkDense(snapshot);
    this.#history = new History(snapshot.lineage);
    this.#generation = snapshot.head.generation;
    this.#clear(snapshot.horizon);
    for (const entry of snapshot.entries) {
      if (!isKnownScope(entry.scope)) break;
      this.#append(entry, nowMs);
    }
    this.#known = Math.max(snapshot.head.position, this.#applied);
    this.#foreign = false;
    this.#version += 1;
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
    this.#known = this.#applied;
    this.#version += 1;
    return true;
  }

  /** The name of this view's end. */
  get end(): Name {
    return { generation: this.#generation, position: this.#applied };
  }

  /** HAND IN: the entries held here whose name is not in `lineage`, in order. */
  lostIn(lineage: Lineage): Entry[] {
    const history = new History(lineage);
    const lost: Entry[] = [];
    for (let position = this.#applied; position > this.#horizon; position -= 1) {
      const entry = this.#entries.at(position);
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
    const before = this.#horizon;
    const last = before + FORGET_LIMIT;
    let note = this.#ages[0];
    while (note !== undefined && nowMs - note.atMs > MAX_ACCESS_TTL_MS + FORGET_MARGIN_MS) {
      while (this.#horizon < note.through && this.#horizon < last) this.#dropFirst();
      if (this.#horizon < note.through) break;
      this.#ages.shift();
      note = this.#ages[0];
    }
    if (this.#horizon !== before) this.#version += 1;
    return this.#horizon - before;
  }

  /** BARRIER: a time by which this node knew that everything up to `position` was committed; undefined if it does not. */
  knownSinceMs(position: number): number | undefined {
    if (position > this.#applied) return undefined;
    return this.#ages.find((note) => note.through >= position)?.atMs;
  }

  /** RECONCILE: digest over positions `from` to `to`, both included and both held. */
  digest(from: number, to: number): string {
    return digestOf(this.#entries.range(from, to));
  }

  /** The entries from `from` to `to`, both included and both held. */
  range(from: number, to: number): Iterable<Entry> {
    return this.#entries.range(from, to);
  }

  #append(entry: Entry, nowMs: number): void {
    this.#entries.append(entry);
    this.#marks.add(entry);
    this.#applied = entry.position;
    if (this.#known < this.#applied) this.#known = this.#applied;
    const last = this.#ages[this.#ages.length - 1];
    if (last !== undefined && nowMs - last.firstMs < AGE_STEP_MS) {
      last.through = entry.position;
      last.atMs = nowMs;
    } else {
      this.#ages.push({ through: entry.position, firstMs: nowMs, atMs: nowMs });
    }
  }

  #dropFirst(): void {
    this.#marks.remove(this.#entries.at(this.#horizon + 1));
    this.#entries.dropFirst();
    this.#horizon += 1;
  }

  #clear(horizon: number): void {
    this.#entries = new EntryLog(horizon);
    this.#marks = new Marks();
    this.#ages = [];
    this.#horizon = horizon;
    this.#applied = horizon;
    this.#known = horizon;
  }
}

/** A snapshot with a hole would hide a missing entry: better no view than that one. */
function checkDense(snapshot: Snapshot): void {
  let position = snapshot.horizon;
  for (const entry of snapshot.entries) {
    position += 1;
    if (entry.position !== position) break;
  }
  const last = snapshot.entries.at(-1)?.position ?? snapshot.horizon;
  if (
    position !== last ||
    last !== snapshot.head.position ||
    last - snapshot.horizon !== snapshot.entries.length
  ) {
    throw new SekishoError('internal', 'The record returned a revocation log with a hole in it.');
  }
}

function ignore(): void {}
