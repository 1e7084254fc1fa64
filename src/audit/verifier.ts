import type { ChainPlace, SealedRow, TrailState, TrailStore } from '../record/trail-contract.ts';
import type { CheckpointClaims } from '../token/checkpoint.ts';
import { genesisOf, sameBytes } from './chain.ts';
import { walkDates } from './dates.ts';
import {
  judgeCover,
  readSigned,
  type SignedPlaces,
  type TrailKeys,
  type Uncovered,
} from './signed.ts';
import { followsFrom, type Problem, reportGap, walkChain } from './verify.ts';

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
  /** Places whose checkpoints were verified, and checkpoints that no key of ours has signed, as far as anybody can tell. */
  readonly checkpoints: number;
  readonly unverifiable: number;
  /** Up to where a signature of ours covers the chain; 0: none does. */
  readonly signedTo: number;
  /** When the newest of these signatures was made, milliseconds; null: none does, or the chain ends before it. */
  readonly signedAtMs: number | null;
  /** How many there are; the first thousand of them are in `problems`. */
  readonly wrong: number;
  readonly problems: readonly Problem[];
}

export interface VerifyOptions {
  readonly store: Pick<TrailStore, 'state' | 'sealed' | 'unsealed' | 'checkpoints'>;
  readonly keys: TrailKeys;
  /** What checkpoints that were kept elsewhere say, of any tenant (`readKept`). */
  readonly kept?: readonly CheckpointClaims[];
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
  { store, keys, kept = [], onRows = () => {} }: VerifyOptions,
): Promise<{ readonly report: TrailReport; readonly after: TrailState }> {
  const { tid, base } = state;
  const problems: Problem[] = [];
  let wrong = 0;
  const report = (problem: Problem): void => {
    wrong += 1;
    if (problems.length < MOST_PROBLEMS) problems.push(problem);
  };
  const signed = await readSigned(state, { store, keys, kept }, report);

  const from = base ?? { seq: 0, hash: genesisOf(tid) };
  const walk = walkChain(tid, from, report);
  const dates = walkDates(tid, report);
  let uncovered: Uncovered | null = null;
  let reached: ChainPlace = from;
  let after = state;
  for (let isEnd = false; ; ) {
    const page = await store.sealed(tid, reached.seq, ROWS_A_PAGE);
    for (const sealed of page) {
      walk.add(sealed);
      dates.add(sealed);
      judgePlace(tid, sealed, signed, report);
      if (sealed.seq > signed.to) uncovered = withRow(uncovered, sealed);
    }
    onRows(page.length);
    reached = page.at(-1) ?? reached;
    if (page.length > 0) isEnd = false;
    // Nothing is here, and the chain was said to go on before it was looked: these rows are gone.
    else if (isEnd) break;
    else {
      after = await store.state(tid);
      // Sealed since, as it seems: there is more to read, however often that happens.
      isEnd = (after.head?.seq ?? 0) > reached.seq;
      if (!isEnd) break;
    }
  }
  const { at, rows, erased } = walk.end();
  dates.end(after);
  judgeEnd(at, after, signed, report);
  judgeCover(state, uncovered, report);

  if (after.lastSeal !== null && !Number.isSafeInteger(after.lastSeal)) {
    const detail = 'there are seals whose numbers no chain reaches';
    report({ kind: 'inserted', tid, seq: after.lastSeal, id: null, detail });
  }
  if (base !== null) await judgeLeft(tid, base, store, report);

  const unsealed = await lookForUnsealed(tid, store, onRows, report);
  for (const id of after.lost) {
    const detail = 'it was recorded, waited to be sealed, and is gone';
    report({ kind: 'removed', tid, seq: null, id, detail });
  }
  return {
    after,
    report: {
      ...{ tid, from: at.seq === 0 ? 0 : from.seq + 1, to: at.seq, rows, erased, unsealed },
      ...{ checkpoints: signed.places.size, unverifiable: signed.unverifiable },
      ...{ signedTo: highestUpTo(at.seq, signed), wrong, problems },
      signedAtMs: signed.to <= at.seq ? signed.toAtMs : null,
    },
  };
}

function highestUpTo(last: number, { places, to }: SignedPlaces): number {
  if (to <= last) return to;
  let highest = 0;
  for (const seq of places.keys()) if (seq <= last) highest = Math.max(highest, seq);
  return highest;
}

/** What was signed of a place must be what stands there. */
function judgePlace(
  tid: string,
  { seq, id, hash }: SealedRow,
  { places, doubtful }: SignedPlaces,
  report: (problem: Problem) => void,
): void {
  const differs = (said: Uint8Array | undefined) => said !== undefined && !sameBytes(said, hash);
  if (!differs(places.get(seq)) && !differs(doubtful.get(seq))) return;
  const detail = 'a signed checkpoint names another hash here';
  report({ kind: 'rewritten', tid, seq, id, detail });
}

function withRow(before: Uncovered | null, { seq, id, sealedAtMs }: SealedRow): Uncovered {
  return before === null
    ? { seq, id, sealedAtMs, lastMs: sealedAtMs }
    : { ...before, lastMs: Math.max(before.lastMs, sealedAtMs) };
}

/** The chain must end where it is said to end, and no earlier than at a place that was signed. */
function judgeEnd(
  at: ChainPlace,
  { tid, head, known, chained }: TrailState,
  signed: SignedPlaces,
  report: (problem: Problem) => void,
): void {
  // A tenant is made together with the first row of its trail; of one that was deleted, too, something stays.
  if (!known && tid !== '') {
    const detail = 'nothing is left of the trail of this tenant';
    report({ kind: 'removed', tid, seq: null, id: null, detail });
  } else if (!chained && (at.seq > 0 || signed.places.size + signed.doubtful.size > 0)) {
    const detail = 'there are seals or checkpoints of it, and where its chain stands is gone';
    report({ kind: 'unchained', tid, seq: null, id: null, detail });
  }
  const headSeq = head?.seq ?? 0;
  let last = Math.max(headSeq, signed.to);
  for (const seq of signed.doubtful.keys()) last = Math.max(last, seq);
  if (last > at.seq) reportGap(tid, at.seq + 1, last, report);
  else if (at.seq > headSeq && chained) {
    const detail = 'it was put behind the end of the chain';
    for (let seq = headSeq + 1; seq <= Math.min(at.seq, headSeq + MOST_PROBLEMS); seq += 1) {
      report({ kind: 'inserted', tid, seq, id: null, detail });
    }
  } else if (head !== null && !sameBytes(head.hash, at.hash)) {
    const detail = 'the chain is said to end with another hash';
    report({ kind: 'changed', tid, seq: at.seq, id: null, detail });
  }
}

/**
 * Of what was pruned, a batch or more may be left. Its rows follow each other up to where verification begins, since the oldest
 * go first; whatever does not was put there, where nobody looks any more.
 */
async function judgeLeft(
  tid: string,
  base: ChainPlace,
  store: Pick<TrailStore, 'sealed'>,
  report: (problem: Problem) => void,
): Promise<void> {
  /** What follows each other so far: its last place, and its first rows. */
  let run: { readonly at: ChainPlace; readonly rows: SealedRow[] } | null = null;
  const inserted = (rows: readonly SealedRow[]): void => {
    for (const { seq, id } of rows) {
      const detail =
        'it stands before the place from which verification begins, and does not lead there';
      report({ kind: 'inserted', tid, seq, id, detail });
    }
  };
  for (let last = 0; last < base.seq; ) {
    const page = await store.sealed(tid, last, ROWS_A_PAGE);
    for (const sealed of page.filter(({ seq }) => seq <= base.seq)) {
      const isNext: boolean = run !== null && run.at.seq + 1 === sealed.seq;
      if (run !== null && !isNext) inserted(run.rows);
      if (run !== null && isNext && !followsFrom(run.at, sealed)) {
        const detail = 'it was to be pruned, and does not follow from the row before it';
        report({ kind: 'changed', tid, seq: sealed.seq, id: sealed.id, detail });
      }
      const rows: SealedRow[] = run !== null && isNext ? run.rows : [];
      if (rows.length < MOST_PROBLEMS) rows.push(sealed);
      run = { at: sealed, rows };
    }
    last = page.at(-1)?.seq ?? base.seq;
  }
  if (run !== null && !(run.at.seq === base.seq && sameBytes(run.at.hash, base.hash))) {
    inserted(run.rows);
  }
}

async function lookForUnsealed(
  tid: string,
  store: Pick<TrailStore, 'unsealed'>,
  onRows: (rows: number) => void,
  report: (problem: Problem) => void,
): Promise<number> {
  let waiting = 0;
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<TrailStore['unsealed']>> = await store.unsealed(
      tid,
      after,
      ROWS_A_PAGE,
    );
    for (const row of page.rows) {
      if (row.sealed) {
        const detail = 'it is sealed, and somebody has put it among those that wait to be';
        report({ kind: 'inserted', tid, seq: null, id: row.id, detail });
      } else if (row.waiting) waiting += 1;
      else {
        const detail = 'it has no seal and does not wait for one';
        report({ kind: 'inserted', tid, seq: null, id: row.id, detail });
      }
    }
    onRows(page.looked);
    after = page.last;
  } while (after !== null);
  return waiting;
}
