import type { AuditKey, TrailState, TrailStore } from '../record/trail-contract.ts';
import { type CheckpointClaims, type ReadCheckpoint, readCheckpoint } from '../token/checkpoint.ts';
import { type Verifier, verifierOf } from '../token/signing-key.ts';
import { isPrunedBy, type KeyOf } from './base.ts';
import { sameBytes } from './chain.ts';
import { MISDATED_MS } from './dates.ts';
import type { Problem } from './verify.ts';

/**
 * How long after it was sealed a row is covered by a signature at the latest, while a node runs: a checkpoint is signed after a
 * minute, and a node that dies is followed by another one within seconds.
 */
export const SIGNED_WITHIN_MS = 300_000;

const ROWS_A_PAGE = 250;

/** What checkpoints are verified with. */
export interface TrailKeys {
  /** Keys whose private half opens under `SEKISHO_SECRET`. */
  readonly ours: KeyOf;
  /** All that the record has. Whoever can write to it can put one there: they vouch for nothing. */
  readonly recorded: KeyOf;
}

/** The public halves of all keys that the record has. */
export function recordedKeys(keys: readonly AuditKey[]): KeyOf {
  const all = new Map<string, Verifier>();
  for (const key of keys) {
    try {
      all.set(key.kid, verifierOf(key));
    } catch {
      // No key any more: whoever asks for it is told that there is none.
    }
  }
  return (kid) => all.get(kid) ?? null;
}

/** What was signed of one chain, by number. */
export interface SignedPlaces {
  /** By keys of ours, or kept elsewhere together with their keys. */
  readonly places: ReadonlyMap<number, Uint8Array>;
  /** By keys that open no more, of a secret that was exchanged. */
  readonly doubtful: ReadonlyMap<number, Uint8Array>;
  /** The highest number in `places`; 0: there is none. */
  readonly to: number;
  /** When that one was signed, milliseconds; null: there is none. */
  readonly toAtMs: number | null;
  /** How many checkpoints no key of ours has signed, as far as anybody can tell. */
  readonly unverifiable: number;
}

/** @param kept what checkpoints that were kept elsewhere say, of any tenant: they are verified already */
export async function readSigned(
  state: TrailState,
  options: {
    readonly store: Pick<TrailStore, 'checkpoints'>;
    readonly keys: TrailKeys;
    readonly kept: readonly CheckpointClaims[];
  },
  report: (problem: Problem) => void,
): Promise<SignedPlaces> {
  const { tid, base, signedToken, signedSeq } = state;
  const { store, keys, kept } = options;
  const places = new Map<number, Uint8Array>();
  const doubtful = new Map<number, Uint8Array>();
  let unverifiable = 0;
  const unsigned = (seq: number, detail: string): void =>
    report({ kind: 'unsigned', tid, seq, id: null, detail });

  const signedAt = new Map<number, number>();
  function put({ seq, hash, atMs }: CheckpointClaims, into: Map<number, Uint8Array>): void {
    // Said again later by a newer key, it was signed when it was said first.
    signedAt.set(seq, Math.min(signedAt.get(seq) ?? atMs, atMs));
    const isBase = base?.seq === seq;
    const known = isBase ? base.hash : into.get(seq);
    if (known !== undefined && !sameBytes(known, hash)) {
      const detail = isBase
        ? 'a signed checkpoint names another hash where verification begins'
        : 'two signed checkpoints name different hashes here';
      report({ kind: 'rewritten', tid, seq, id: null, detail });
    }
    // What was pruned is not there to be compared.
    if (seq > (base?.seq ?? 0)) into.set(seq, into.get(seq) ?? hash);
  }

  function putStored(
    read: ReadCheckpoint,
    seq: number,
    into: Map<number, Uint8Array>,
  ): ReadCheckpoint {
    if (read.kind === 'unknown_key')
      unsigned(seq, 'the key of a checkpoint is not in the record: nobody can verify it');
    else if (read.kind === 'forged') unsigned(seq, 'a checkpoint bears no signature of ours');
    else if (read.claims.tid !== tid || read.claims.seq !== seq)
      unsigned(seq, 'a checkpoint of another place stands here');
    else put(read.claims, into);
    return read;
  }

  async function take(token: string, seq: number): Promise<ReadCheckpoint> {
    const read = await readCheckpoint(token, keys.ours);
    if (read.kind !== 'unknown_key') return putStored(read, seq, places);
    unverifiable += 1;
    return putStored(await readCheckpoint(token, keys.recorded), seq, doubtful);
  }

  /** Retention prunes up to one that is old enough: when it was signed stands in it. */
  function judgeTime(seq: number, read: ReadCheckpoint, signedAtMs: number): void {
    if (read.kind !== 'good' || Math.abs(signedAtMs - read.claims.atMs) <= MISDATED_MS) return;
    const detail = 'a checkpoint is said to be of another time than it says itself';
    report({ kind: 'misdated', tid, seq, id: null, detail });
  }

  if (base !== null && !(await isPrunedBy(keys.ours, tid, base))) {
    unsigned(base.seq, 'rows up to here are gone, and no key of ours has pruned them');
  }
  for (let last = base?.seq ?? 0; ; ) {
    const page = await store.checkpoints(tid, last, ROWS_A_PAGE);
    for (const { seq, token, signedAtMs } of page)
      judgeTime(seq, await take(token, seq), signedAtMs);
    const end = page.at(-1);
    // Numbers that cannot be told apart are none of ours, and were named: they would be read again for ever.
    if (end === undefined || !Number.isSafeInteger(end.seq)) break;
    last = end.seq;
  }
  if (signedToken !== null) await take(signedToken, signedSeq);
  else if (signedSeq > 0)
    unsigned(signedSeq, 'it was signed up to here, and the checkpoint is gone');
  for (const claims of kept) if (claims.tid === tid) put(claims, places);

  let to = 0;
  for (const seq of places.keys()) to = Math.max(to, seq);
  for (const seq of doubtful.keys()) {
    // A later checkpoint of ours covers this place, too: the chain leads through it.
    if (seq <= to) continue;
    unsigned(
      seq,
      'the key of this checkpoint does not open under SEKISHO_SECRET, and none of ours covers this place',
    );
  }
  return { places, doubtful, to, toAtMs: signedAt.get(to) ?? null, unverifiable };
}

/** What of a chain no signature covers yet: its first row, and when the last one was sealed. */
export interface Uncovered {
  readonly seq: number;
  readonly id: string;
  readonly sealedAtMs: number;
  readonly lastMs: number;
}

/**
 * What is sealed is signed within `SIGNED_WITHIN_MS`. Only the end of a chain may still wait for that, whose nodes were stopped
 * just then: the record says since when, and no node has the turn to seal.
 */
export function judgeCover(
  { tid, nowMs, sealing, unsignedSinceMs }: TrailState,
  uncovered: Uncovered | null,
  report: (problem: Problem) => void,
): void {
  if (uncovered === null || nowMs - uncovered.sealedAtMs <= SIGNED_WITHIN_MS) return;
  const { seq, id, sealedAtMs, lastMs } = uncovered;
  const isStopped =
    !sealing &&
    unsignedSinceMs !== null &&
    Math.abs(unsignedSinceMs - sealedAtMs) <= SIGNED_WITHIN_MS &&
    lastMs - sealedAtMs <= SIGNED_WITHIN_MS;
  if (isStopped) return;
  const at = new Date(sealedAtMs).toISOString();
  const detail = `it was sealed at ${at}, and neither it nor what follows was ever signed, which takes a minute`;
  report({ kind: 'unsigned', tid, seq, id, detail });
}

/** What somebody has kept elsewhere (`KeptCheckpoints`), as far as keys vouch for it. */
export async function readKept(
  checkpoints: readonly {
    readonly tenant_id: string;
    readonly sequence: number;
    readonly token: string;
  }[],
  keys: { readonly kept: KeyOf; readonly ours: KeyOf },
): Promise<{
  readonly claims: readonly CheckpointClaims[];
  readonly problems: readonly Problem[];
}> {
  const claims: CheckpointClaims[] = [];
  const problems: Problem[] = [];
  // The record may have lost the key, or somebody has taken it away: those that were kept with it are believed first.
  const keyOf: KeyOf = (kid) => keys.kept(kid) ?? keys.ours(kid);
  for (const { tenant_id: tid, sequence: seq, token } of checkpoints) {
    const read = await readCheckpoint(token, keyOf);
    if (read.kind === 'good') {
      claims.push(read.claims);
      continue;
    }
    const detail =
      read.kind === 'unknown_key'
        ? 'a kept checkpoint cannot be verified: its key was neither kept with it nor is it one of ours'
        : 'a kept checkpoint bears no signature of the keys that were kept with it, or of ours';
    problems.push({ kind: 'unsigned', tid, seq, id: null, detail });
  }
  return { claims, problems };
}
