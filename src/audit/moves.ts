import { randomBytes } from 'node:crypto';
import type { ChainMove, Seal, Taken, TakenChain, TrailRow } from '../record/trail-contract.ts';
import { signCheckpoint } from '../token/checkpoint.ts';
import { genesisOf, SALT_BYTES, sealOf } from './chain.ts';
import type { TrailSigning } from './signing.ts';

/** A checkpoint is signed after so many rows; otherwise when the record says that it is due. */
export const SIGN_AFTER_ROWS = 1_000;

/** What a chain becomes, and the key that signed it; null: it is not signed. */
export type SignedMove = ChainMove & { readonly kid: string | null };

/** Every chain that a batch is about, those that are to begin among them. */
export function chainsOf(
  taken: Extract<Taken, { kind: 'taken' }>,
): ReadonlyMap<string, TakenChain> {
  const chains = new Map(taken.chains.map((chain) => [chain.tid, chain]));
  for (const { tid } of taken.rows) {
    if (chains.has(tid)) continue;
    chains.set(tid, { ...{ tid, seq: 0, hash: genesisOf(tid), signedSeq: 0, due: false } });
  }
  return chains;
}

/**
 * What the chains become with these rows, in order of time as far as they were found together; rows of other tenants are left.
 * A key that cannot be had holds no row up: what it would have signed is signed later, and `unsigned` says why.
 */
export async function movesOf(
  chains: ReadonlyMap<string, TakenChain>,
  rows: readonly TrailRow[],
  parts: {
    readonly signing: Pick<TrailSigning, 'signer'>;
    readonly issuer: () => string;
    readonly wallNowMs: () => number;
  },
): Promise<{ readonly moves: readonly SignedMove[]; readonly unsigned: unknown }> {
  const seals = sealsBehind(chains, rows);
  const moves: SignedMove[] = [];
  let unsigned: unknown = null;
  for (const [tid, chain] of chains) {
    const own = seals.get(tid) ?? [];
    const { seq, hash } = own.at(-1) ?? chain;
    const move = { tid, was: { seq: chain.seq, hash: chain.hash }, seals: own };
    const isDue = chain.due || seq - chain.signedSeq >= SIGN_AFTER_ROWS;
    let signed: Pick<SignedMove, 'token' | 'kid'> = { token: null, kid: null };
    try {
      if (isDue && seq !== chain.signedSeq) {
        const signer = await parts.signing.signer();
        const atMs = Math.floor(parts.wallNowMs());
        const issuer = parts.issuer();
        const token = await signCheckpoint(signer, {
          ...{ kind: 'checkpoint', issuer, tid, seq, hash, atMs },
        });
        signed = { token, kid: signer.kid };
      }
    } catch (error) {
      unsigned = error;
    }
    if (own.length > 0 || signed.token !== null) moves.push({ ...move, ...signed });
  }
  return { moves, unsigned };
}

function sealsBehind(
  chains: ReadonlyMap<string, TakenChain>,
  rows: readonly TrailRow[],
): ReadonlyMap<string, readonly Seal[]> {
  const seals = new Map<string, Seal[]>();
  for (const row of rows.toSorted((a, b) => a.atUs - b.atUs || (a.id < b.id ? -1 : 1))) {
    const { tid } = row;
    const chain = chains.get(tid);
    if (chain === undefined) continue;
    const own = seals.get(tid) ?? [];
    seals.set(tid, own);
    const { seq, hash } = own.at(-1) ?? chain;
    own.push(sealOf(hash, seq + 1, row, () => randomBytes(SALT_BYTES)));
  }
  return seals;
}
