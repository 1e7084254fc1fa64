import type { Log } from '../observe/log.ts';
import type { ChainPlace, PlaceFound, TrailStore } from '../record/trail-contract.ts';
import { readCheckpoint } from '../token/checkpoint.ts';
import { isPrunedBy, type KeyOf } from './base.ts';

/** Trails that are remembered: 200 bytes each, so 20 MB for 100,000 of them, and no more than twice that. */
export const MOST_REMEMBERED = 200_000;

/** A place of a chain with its hash in base64url, as it is remembered and logged. */
export interface NamedPlace {
  readonly seq: number;
  readonly hash: string;
}

/** A trail that is not what this process has sealed. */
export interface Contradiction {
  readonly tid: string;
  readonly remembered: NamedPlace;
  /** What the record has at that number, or where the chain stands when that is before it; null: nothing. */
  readonly found: NamedPlace | null;
}

/**
 * Where this process has last sealed or signed each chain. Whoever can write to the record can rewrite a whole chain with good
 * hashes; what stands here they cannot reach.
 */
export interface TrailMemory {
  /** The chain of `tid` has this hash there: this process has just put it there. */
  remember(tid: string, place: ChainPlace): void;
  /** Which of the chains, by where the record says that they stand, are not what they were. */
  contradicted(chains: ReadonlyMap<string, ChainPlace>): Promise<readonly Contradiction[]>;
  /** Everything: the record was put back on purpose. */
  forget(): void;
}

/** @example const memory = createTrailMemory({ store, verifiers: () => signing.verifiers(), log }) */
export function createTrailMemory(options: {
  readonly store: Pick<TrailStore, 'places'>;
  readonly verifiers: () => Promise<KeyOf>;
  readonly wallNowMs: () => number;
  readonly log: Log;
  /** For tests. Default `MOST_REMEMBERED`. */
  readonly most?: number;
}): TrailMemory {
  const { store, verifiers, wallNowMs, log, most = MOST_REMEMBERED } = options;
  /** Each with when this process put it there, wall milliseconds. */
  const places = new Map<string, NamedPlace & { readonly atMs: number }>();
  let isFull = false;

  /** Another node has sealed since: what stood there must still do so, unless a key of ours has pruned it. */
  async function isStillThere(found: PlaceFound, was: NamedPlace): Promise<boolean> {
    const { tid, hash, base } = found;
    if (hash !== null) return base64url(hash) === was.hash;
    if (base === null || base.seq < was.seq) return false;
    return isPrunedBy(await verifiers(), tid, base);
  }

  /**
   * An operator has had this chain gone on with since, and what they have accepted is part of it. What was accepted before this
   * process sealed it last says nothing: somebody may have put the chain of then back, and what was signed of it.
   */
  async function isAccepted({ tid, acceptedToken }: PlaceFound): Promise<boolean> {
    const was = places.get(tid);
    if (acceptedToken === null || was === undefined) return false;
    const read = await readCheckpoint(acceptedToken, await verifiers());
    if (read.kind !== 'good' || read.claims.kind !== 'accepted' || read.claims.tid !== tid) {
      return false;
    }
    const { seq, hash, atMs } = read.claims;
    if (atMs <= was.atMs) return false;
    const [found] = await store.places([{ tid, seq }]);
    return found !== undefined && (await isStillThere(found, { seq, hash: base64url(hash) }));
  }

  /** Those of them that nobody has accepted. What was is remembered no longer. */
  async function notAccepted(found: readonly Contradiction[]): Promise<readonly Contradiction[]> {
    if (found.length === 0) return found;
    const asked = found.map(({ tid, remembered }) => ({ tid, seq: remembered.seq }));
    const accepted = new Set<string>();
    for (const one of await store.places(asked)) {
      if (!(await isAccepted(one))) continue;
      places.delete(one.tid);
      accepted.add(one.tid);
      const said =
        'an operator has accepted the audit trail of a tenant as it stands: it is sealed on';
      log.warn({ tenant_id: one.tid }, said);
    }
    return found.filter(({ tid }) => !accepted.has(tid));
  }

  return {
    remember(tid, { seq, hash }) {
      // Nothing gives way to what is new: whoever can insert rows of tenants that never were could drive all else out.
      if (places.size < most || places.has(tid)) {
        places.set(tid, { seq, hash: base64url(hash), atMs: wallNowMs() });
      } else if (!isFull) {
        isFull = true;
        log.warn({ most }, 'the places of more audit trails are not remembered');
      }
    },

    async contradicted(chains) {
      const contradictions: Contradiction[] = [];
      const movedOn: { readonly tid: string; readonly seq: number }[] = [];
      for (const [tid, { seq, hash }] of chains) {
        const was = places.get(tid);
        if (was === undefined) continue;
        const now = { seq, hash: base64url(hash) };
        if (seq > was.seq) movedOn.push({ tid, seq: was.seq });
        else if (seq < was.seq || now.hash !== was.hash) {
          contradictions.push({ tid, remembered: named(was), found: seq === 0 ? null : now });
        }
      }
      for (const found of movedOn.length === 0 ? [] : await store.places(movedOn)) {
        const was = places.get(found.tid);
        if (was === undefined || (await isStillThere(found, was))) continue;
        const { tid, seq, hash } = found;
        const there = hash === null ? null : { seq, hash: base64url(hash) };
        contradictions.push({ tid, remembered: named(was), found: there });
      }
      return notAccepted(contradictions);
    },

    forget() {
      places.clear();
    },
  };
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function named({ seq, hash }: NamedPlace): NamedPlace {
  return { seq, hash };
}
