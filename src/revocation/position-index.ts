import type { EntryLog, IdField } from './entry-log.ts';
import { hashId } from './packed-id.ts';

const FIRST_SLOTS = 64;

/**
 * Finds the newest entry of a tenant's user or session: a hash table of positions whose keys are read from the entry log
 * itself. Eight bytes a slot and two to four slots a mark, where a Map of strings costs ten times as much; a node may hold
 * a million. Every position in it must be held by the log.
 */
export class PositionIndex {
  readonly #log: EntryLog;
  readonly #field: IdField;
  /** 0: the slot is free. */
  #hashes = new Uint32Array(0);
  /** The low 32 bits of the position. */
  #positions = new Uint32Array(0);
  #size = 0;
  /** The highest position added: those held lie less than 2^32 below it. */
  #last = 0;

  constructor(log: EntryLog, field: IdField) {
    this.#log = log;
    this.#field = field;
  }

  get size(): number {
    return this.#size;
  }

  /** The position kept for `id` of `tid`; 0 when there is none. Allocates nothing. */
  find(tid: string, id: string): number {
    if (this.#size === 0) return 0;
    const slot = this.#slotOf(tid, id, hashId(id));
    return this.#hashes[slot] === 0 ? 0 : this.#positionAt(slot);
  }

  /** Keeps `position`, which the log holds by now, for `id` of `tid`, in place of an earlier one. */
  set(tid: string, id: string, position: number): void {
    if (this.#size * 2 >= this.#hashes.length) this.#grow();
    const hash = hashId(id);
    if (position > this.#last) this.#last = position;
    const slot = this.#slotOf(tid, id, hash);
    if (this.#hashes[slot] === 0) this.#size += 1;
    this.#hashes[slot] = hash;
    this.#positions[slot] = position;
  }

  /** Forgets `position`, unless a later one has replaced it. The log must still hold it. */
  delete(tid: string, id: string, position: number): void {
    if (this.#size === 0) return;
    let free = this.#slotOf(tid, id, hashId(id));
    if (this.#hashes[free] === 0 || this.#positionAt(free) !== position) return;
    const hashes = this.#hashes;
    const positions = this.#positions;
    const mask = hashes.length - 1;
    // Whatever stands behind it and would not be found past a free slot moves up.
    for (let slot = (free + 1) & mask; hashes[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (hashes[slot] ?? 0) & mask;
      if (((slot - home) & mask) < ((slot - free) & mask)) continue;
      hashes[free] = hashes[slot] ?? 0;
      positions[free] = positions[slot] ?? 0;
      free = slot;
    }
    hashes[free] = 0;
    this.#size -= 1;
  }

  /** The slot of `id`, or the free one where it would stand. */
  #slotOf(tid: string, id: string, hash: number): number {
    const hashes = this.#hashes;
    const mask = hashes.length - 1;
    let slot = hash & mask;
    for (; hashes[slot] !== 0; slot = (slot + 1) & mask) {
      if (hashes[slot] !== hash) continue;
      if (this.#log.names(this.#positionAt(slot), tid, this.#field, id)) return slot;
    }
    return slot;
  }

  #positionAt(slot: number): number {
    return this.#last - ((this.#last - (this.#positions[slot] ?? 0)) >>> 0);
  }

  #grow(): void {
    const before = this.#hashes;
    const positions = this.#positions;
    const length = Math.max(FIRST_SLOTS, before.length * 2);
    this.#hashes = new Uint32Array(length);
    this.#positions = new Uint32Array(length);
    for (let from = 0; from < before.length; from += 1) {
      const hash = before[from] ?? 0;
      if (hash === 0) continue;
      let slot = hash & (length - 1);
      while (this.#hashes[slot] !== 0) slot = (slot + 1) & (length - 1);
      this.#hashes[slot] = hash;
      this.#positions[slot] = positions[from] ?? 0;
    }
  }
}
