import type { ChainPlace, TrailStore } from '../record/trail-contract.ts';
import { sameBytes } from './chain.ts';
import type { SignedMove } from './moves.ts';

/** What became of the moves of a batch that was refused as a whole. */
export interface SealedApart {
  readonly sealed: readonly SignedMove[];
  /** Tenants whose chains stand where they stood and cannot be extended all the same: they were changed by other means. */
  readonly faulty: readonly string[];
}

/**
 * Chain by chain, so that what is wrong with one is no other tenant's. A chain that has moved on was sealed by another sealer,
 * which is no fault: its rows are taken afresh. Only sealing moves a chain, and it never goes back, so one that stands where it
 * stood after it was refused has lost no race.
 */
export async function sealApart(
  store: Pick<TrailStore, 'seal' | 'heads'>,
  moves: readonly SignedMove[],
): Promise<SealedApart> {
  const sealed: SignedMove[] = [];
  const refused: SignedMove[] = [];
  const heads = await store.heads(moves.map(({ tid }) => tid));
  for (const move of moves) {
    if (!isAt(heads.get(move.tid), move.was)) continue;
    if (await store.seal([move])) sealed.push(move);
    else refused.push(move);
  }
  const after = await store.heads(refused.map(({ tid }) => tid));
  const faulty = refused.filter(({ tid, was }) => isAt(after.get(tid), was));
  return { sealed, faulty: faulty.map(({ tid }) => tid) };
}

/** A chain that nobody has begun has no head. */
function isAt(head: ChainPlace | undefined, was: ChainPlace): boolean {
  if (head === undefined) return was.seq === 0;
  return head.seq === was.seq && sameBytes(head.hash, was.hash);
}
