import { AGE_STEP_MS } from './constants.ts';
import { EntryLog } from './entry-log.ts';
import { Marks } from './marks.ts';
import type { Entry } from './types.ts';

/** Entries up to `through` that were not seen before came by `atMs` at the latest. */
interface AgeNote {
  through: number;
  readonly firstMs: number;
  atMs: number;
}

/** What a view holds: the entries above the horizon, dense and in order, what they say, and when they came. */
export class Held {
  readonly entries: EntryLog;
  readonly marks: Marks;
  #horizon: number;
  #applied: number;
  #ages: AgeNote[] = [];

  constructor(horizon: number) {
    this.entries = new EntryLog(horizon);
    this.marks = new Marks(this.entries);
    this.#horizon = horizon;
    this.#applied = horizon;
  }

  get horizon(): number {
    return this.#horizon;
  }
  get applied(): number {
    return this.#applied;
  }

  /** Takes the entry at `applied + 1`, of a known scope, which arrived at `nowMs` of the monotonic clock. */
  append(entry: Entry, nowMs: number): void {
    this.entries.append(entry);
    this.marks.add(entry);
    this.#applied = entry.position;
    const last = this.#ages[this.#ages.length - 1];
    if (last !== undefined && nowMs - last.firstMs < AGE_STEP_MS) {
      last.through = entry.position;
      last.atMs = nowMs;
    } else {
      this.#ages.push({ through: entry.position, firstMs: nowMs, atMs: nowMs });
    }
  }

  /** FORGET: drops, in order, those that came before `beforeMs`, at most `limit`. @returns how many. */
  forget(beforeMs: number, limit: number): number {
    const before = this.#horizon;
    const last = before + limit;
    let note = this.#ages[0];
    while (note !== undefined && note.atMs < beforeMs) {
      while (this.#horizon < note.through && this.#horizon < last) this.#dropFirst();
      if (this.#horizon < note.through) break;
      this.#ages.shift();
      note = this.#ages[0];
    }
    return this.#horizon - before;
  }

  /** A time by which everything up to `position` had come; undefined if it has not. */
  cameByMs(position: number): number | undefined {
    if (position > this.#applied) return undefined;
    return this.#ages.find((note) => note.through >= position)?.atMs;
  }

  #dropFirst(): void {
    this.marks.remove(this.entries.at(this.#horizon + 1));
    this.entries.dropFirst();
    this.#horizon += 1;
  }
}
