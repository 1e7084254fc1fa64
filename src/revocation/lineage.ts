import type { Lineage } from './types.ts';

/** A generation and a position: the name of an entry, or of the end of a view. */
export interface Name {
  readonly generation: string;
  readonly position: number;
}

interface Stretch {
  /** Positions of the generation are above this … */
  readonly after: number;
  /** … up to this. Infinity for the newest generation: it has no end yet. */
  readonly end: number;
}

/**
 * One history of the log, as its lineage tells it: which positions belong to which generation. Immutable.
 *
 * A generation ends where the one that was begun from it says (`parentEnd`), and never beyond the end of a later one: what
 * a descendant cut off is lost, whoever wrote it.
 */
export class History {
  readonly lineage: Lineage;
  readonly #stretches = new Map<string, Stretch>();

  constructor(lineage: Lineage) {
    this.lineage = lineage;
    let end = Number.POSITIVE_INFINITY;
    for (const generation of lineage) {
      this.#stretches.set(generation.id, { after: generation.parentEnd, end });
      end = Math.min(end, generation.parentEnd);
    }
  }

  /** The newest generation; null for no history at all. */
  get newest(): string | null {
    return this.lineage[0]?.id ?? null;
  }

  /** Last position of `generation` that counts, Infinity for the newest; undefined when it is not in the lineage. */
  endOf(generation: string): number | undefined {
    return this.#stretches.get(generation)?.end;
  }

  /** HAND IN: whether an entry of this name is part of the history. A missing operation id proves nothing; the name does. */
  has(name: Name): boolean {
    const stretch = this.#stretches.get(name.generation);
    return stretch !== undefined && name.position > stretch.after && name.position <= stretch.end;
  }

  /**
   * LINEAGE: whether a view of `generation` that has applied everything up to `position` is a prefix of this history. If
   * not, it has seen entries that were lost.
   */
  continues(end: Name): boolean {
    const last = this.endOf(end.generation);
    return last !== undefined && end.position <= last;
  }
}

/** Before a node has seen any. */
export const NO_HISTORY = new History([]);
