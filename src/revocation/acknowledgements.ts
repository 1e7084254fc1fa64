import type { Acknowledgement } from '../hub/contract.ts';
import type { Barrier } from './barrier.ts';
import type { Name } from './lineage.ts';

/** Of that many members they are remembered from before a list of members names them. */
const MAX_REMEMBERED = 10_000;

/** BARRIER: the newest acknowledgement of each other member that came through the hub. */
export class Acknowledgements {
  readonly #newest = new Map<string, Acknowledgement>();

  /** @returns whether it says something new. */
  take(acknowledgement: Acknowledgement): boolean {
    const { memberId } = acknowledgement;
    if (this.has(memberId, acknowledgement)) return false;
    if (this.#newest.size >= MAX_REMEMBERED) this.#newest.clear();
    this.#newest.set(memberId, acknowledgement);
    return true;
  }

  /** Whether the member has said that it has applied everything up to that name, in that generation. */
  has(memberId: string, { generation, position }: Name): boolean {
    const newest = this.#newest.get(memberId);
    return newest?.generation === generation && newest.position >= position;
  }

  /** Forgets those of members that are not among these. */
  keep(members: readonly { readonly id: string }[]): void {
    const present = new Set(members.map(({ id }) => id));
    for (const id of this.#newest.keys()) if (!present.has(id)) this.#newest.delete(id);
  }

  giveTo(barrier: Barrier): void {
    for (const { memberId, generation, position } of this.#newest.values()) {
      barrier.acknowledge(memberId, generation, position);
    }
  }
}
