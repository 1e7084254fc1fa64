import type { ChainPlace, TrailState, TrailStore } from '../record/trail-contract.ts';
import { type ReadCheckpoint, readCheckpoint } from '../token/checkpoint.ts';
import { isPrunedBy, type KeyOf } from './base.ts';
import { genesisOf, sameBytes } from './chain.ts';
import { type Problem, reportGap, walkChain } from './verify.ts';

/** Rows that are read at once: the embedded database is never held for as long as a lease. */
const ROWS_A_PAGE = 250;
/** Problems of a tenant that are named; the others are counted. */
const MOST_PROBLEMS = 1_000;
/** How often it begins anew when the trail was pruned meanwhile. */
const TRIES = 3;

/** What was found out about the trail of one tenant. */
export interface TrailReport {
  /** '' for the operators' own. */
  readonly tid: string;
  /** Numbers of the chain that were looked at; `from` is 1 where nothing was pruned. Both 0: nothing is sealed. */
  readonly from: number;
  readonly to: number;
  readonly rows: number;
  readonly erased: number;
  /** Rows that are not sealed yet, counted up to 10,000. */
  readonly unsealed: number;
  /** Checkpoints that were verified, and those whose key cannot be had any more. */
  readonly checkpoints: number;
  readonly unverifiable: number;
  /** Up to where a signature of ours covers the chain; 0: none does. */
  readonly signedTo: number;
  /** How many there are; the first thousand of them are in `problems`. */
  readonly wrong: number;
  readonly problems: readonly Problem[];
}

export interface VerifyOptions {
  readonly store: Pick<TrailStore, 'state' | 'sealed' | 'unsealed' | 'checkpoints'>;
  readonly keyOf: KeyOf;
  /** Checkpoints that were kept elsewhere, of any tenant. */
  readonly kept?: readonly string[];
  /** Told of every page: how many rows. */
  readonly onRows?: (rows: number) => void;
}

/** Verifies the whole trail of a tenant: every sealed row against its chain, the chain against what was signed. */
export async function verifyTrail(tid: string, options: VerifyOptions): Promise<TrailReport> {
  for (let tries = 1; ; tries += 1) {
    const before = await options.store.state(tid);
    const { report, after } = await verifyFrom(before, options);
    // Pruned meanwhile: what it found missing was taken away on purpose.
    if (after.base?.seq === before.base?.seq || tries === TRIES) return report;
  }
}

async function verifyFrom(
  state: TrailState,
  { store, keyOf, kept = [], onRows = () => {} }: VerifyOptions,
): Promise<{ readonly report: TrailReport; readonly after: TrailState }> {
  const { tid, base } = state;
  const problems: Problem[] = [];
  let wrong = 0;
  const report = (problem: Problem): void => {
    wrong += 1;
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  const signed = await readSigned(state, { store, keyOf, kept }, report);

  const from = base ?? { seq: 0, hash: genesisOf(tid) };
  const walk = walkChain(tid, from, report);
  let reached: ChainPlace = from;
  let after = state;
  for (let empty = 0; empty < 2; ) {
    const page = await store.sealed(tid, reached.seq, ROWS_A_PAGE);
    for (const sealed of page) {
      walk.add(sealed);
      const claimed = signed.places.get(sealed.seq);
      if (claimed !== undefined && !sameBytes(claimed, sealed.hash)) {
        const detail = 'a signed checkpoint names another hash here';
        report({ kind: 'rewritten', tid, seq: sealed.seq, id: sealed.id, detail });
      }
    }
    onRows(page.length);
    reached = page.at(-1) ?? reached;
    if (page.length > 0) continue;
    after = await store.state(tid);
    // Sealed since: there is more to read.
    empty = (after.head?.seq ?? 0) > reached.seq ? empty + 1 : 2;
  }
  const { at, rows, erased } = walk.end();
  judgeEnd(at, after, signed.places, report);

  const unsealed = await lookForUnsealed(tid, store, onRows, report);
  for (const id of after.lost) {
    const detail = 'it was recorded, waited to be sealed, and is gone';
    report({ kind: 'removed', tid, seq: null, id, detail });
  }
  const numbers = [...signed.places.keys()].filter((seq) => seq <= at.seq);
  return {
    after,
    report: {
      ...{ tid, from: at.seq === 0 ? 0 : from.seq + 1, to: at.seq, rows, erased, unsealed },
      ...{ checkpoints: signed.places.size, unverifiable: signed.unverifiable },
      signedTo: Math.max(0, ...numbers),
      ...{ wrong, problems },
    },
  };
}

/** What our keys have said of the chain, by number. */
async function readSigned(
  { tid, base, signedToken }: TrailState,
  {
    store,
    keyOf,
    kept,
  }: {
    readonly store: Pick<TrailStore, 'checkpoints'>;
    readonly keyOf: VerifyOptions['keyOf'];
    readonly kept: readonly string[];
  },
  report: (problem: Problem) => void,
): Promise<{ readonly places: ReadonlyMap<number, Uint8Array>; readonly unverifiable: number }> {
  const places = new Map<number, Uint8Array>();
  let unverifiable = 0;
  const unsigned = (seq: number | null, detail: string): void =>
    report({ kind: 'unsigned', tid, seq, id: null, detail });

  const take = (read: ReadCheckpoint, seq: number | null): void => {
    if (read.kind === 'unknown_key') unverifiable += 1;
    else if (read.kind === 'forged') unsigned(seq, 'a checkpoint bears no signature of ours');
    else if (read.claims.tid !== tid || (seq !== null && read.claims.seq !== seq))
      unsigned(seq, 'a checkpoint of another place stands here');
    // What was pruned is not there to be compared.
    else if (read.claims.seq > (base?.seq ?? 0)) {
      const known = places.get(read.claims.seq);
      if (known !== undefined && !sameBytes(known, read.claims.hash)) {
        const detail = 'two signed checkpoints name different hashes here';
        report({ kind: 'rewritten', tid, seq: read.claims.seq, id: null, detail });
      }
      places.set(read.claims.seq, known ?? read.claims.hash);
    } else if (base?.seq === read.claims.seq && !sameBytes(base.hash, read.claims.hash)) {
      const detail = 'a signed checkpoint names another hash where verification begins';
      report({ kind: 'rewritten', tid, seq: read.claims.seq, id: null, detail });
    }
  };

  if (base !== null && !(await isPrunedBy(keyOf, tid, base))) {
    unsigned(base.seq, 'rows up to here are gone, and no key of ours has pruned them');
  }
  for (let last = base?.seq ?? 0; ; ) {
    const page = await store.checkpoints(tid, last, ROWS_A_PAGE);
    for (const { seq, token } of page) take(await readCheckpoint(token, keyOf), seq);
    const end = page.at(-1);
    if (end === undefined) break;
    last = end.seq;
  }
  if (signedToken !== null) take(await readCheckpoint(signedToken, keyOf), null);
  for (const token of kept) {
    const read = await readCheckpoint(token, keyOf);
    if (read.kind === 'good' && read.claims.tid !== tid) continue;
    take(read, null);
  }
  return { places, unverifiable };
}

/** The chain must end where it is said to end, and no earlier than at a place that was signed. */
function judgeEnd(
  at: ChainPlace,
  { tid, head }: TrailState,
  signed: ReadonlyMap<number, Uint8Array>,
  report: (problem: Problem) => void,
): void {
  const headSeq = head?.seq ?? 0;
  const last = Math.max(headSeq, ...signed.keys());
  if (last > at.seq) reportGap(tid, at.seq + 1, last, report);
  else if (at.seq > headSeq) {
    const detail = 'it was put behind the end of the chain';
    for (let seq = headSeq + 1; seq <= Math.min(at.seq, headSeq + MOST_PROBLEMS); seq += 1) {
      report({ kind: 'inserted', tid, seq, id: null, detail });
    }
  } else if (head !== null && !sameBytes(head.hash, at.hash)) {
    const detail = 'the chain is said to end with another hash';
    report({ kind: 'changed', tid, seq: at.seq, id: null, detail });
  }
}

async function lookForUnsealed(
  tid: string,
  store: Pick<TrailStore, 'unsealed'>,
  onRows: (rows: number) => void,
  report: (problem: Problem) => void,
): Promise<number> {
  let waiting = 0;
  for (let after: string | null = ''; after !== null; ) {
    const page: Awaited<ReturnType<TrailStore['unsealed']>> = await store.unsealed(
      tid,
      after,
      ROWS_A_PAGE,
    );
    for (const row of page.rows) {
      if (row.waiting) waiting += 1;
      else {
        const detail = 'it has no seal and does not wait for one';
        report({ kind: 'inserted', tid, seq: null, id: row.id, detail });
      }
    }
    onRows(page.looked);
    after = page.last;
  }
  return waiting;
}
