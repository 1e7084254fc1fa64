import type { TrailState } from '../record/trail-contract.ts';
import { readCheckpoint } from '../token/checkpoint.ts';
import type { Verifier } from '../token/signing-key.ts';
import { sameBytes } from './chain.ts';

/** The key of a `kid`; null for one that is none of ours. */
export type KeyOf = (kid: string) => Verifier | null;

/** Where the record says that verification begins, and what was signed of pruning up to there. */
export type BasePlace = NonNullable<TrailState['base']>;

/** Whether a key of ours has said that the chain of `tid` was pruned up to this place. */
export async function isPrunedBy(keyOf: KeyOf, tid: string, base: BasePlace): Promise<boolean> {
  const read = await readCheckpoint(base.token ?? '', keyOf);
  return (
    read.kind === 'good' &&
    read.claims.kind === 'pruned' &&
    read.claims.tid === tid &&
    read.claims.seq === base.seq &&
    sameBytes(read.claims.hash, base.hash)
  );
}
