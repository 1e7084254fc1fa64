import type { ChainPlace, SealedRow } from '../record/trail-contract.ts';
import { chainHash, hasPersonal, personalHash, sameBytes } from './chain.ts';

/**
 * What is wrong with a trail. `changed`: the row is not what was sealed, or does not follow from the row before it. `removed`:
 * it was sealed, or waited to be, and is gone. `inserted`: it is there without ever having been written by Sekisho.
 * `rewritten`: a signed checkpoint names another hash. `unsigned`: what pruned the trail or signed a checkpoint is not our key, or
 * nobody has signed what should have been. `unchained`: there are seals or checkpoints, and where their chain stands is gone.
 * `misdated`: its time, or that of its seal, cannot be true where it stands.
 */
export type ProblemKind =
  | 'changed'
  | 'removed'
  | 'inserted'
  | 'rewritten'
  | 'unsigned'
  | 'unchained'
  | 'misdated';

export interface Problem {
  readonly kind: ProblemKind;
  readonly tid: string;
  /** Its number in the chain; null for a row without one. */
  readonly seq: number | null;
  /** The row's id; null when nobody knows it any more. */
  readonly id: string | null;
  readonly detail: string;
}

/** Goes along one chain. Every problem is handed to `report`, and looking goes on behind it. */
export interface ChainWalk {
  add(sealed: SealedRow): void;
  /** To be called when no more rows come. `erased`: rows whose personal data were erased. */
  end(): { readonly at: ChainPlace; readonly rows: number; readonly erased: number };
}

/**
 * @param from where verification begins: the genesis of the tenant at 0, or what was pruned.
 * @example
 * const walk = walkChain(tid, { seq: 0, hash: genesisOf(tid) }, report);
 * for (const sealed of page) walk.add(sealed);
 */
export function walkChain(
  tid: string,
  from: ChainPlace,
  report: (problem: Problem) => void,
): ChainWalk {
  let at: ChainPlace = from;
  let rows = 0;
  let erased = 0;
  /** The place before a row that did not fit: when the next one fits there, that row was put in. */
  let doubted: { readonly before: ChainPlace; readonly sealed: SealedRow } | null = null;
  /** The last rows that fitted, and the places before them: what is put in by who can reckon fits, and the row behind it does not. */
  let fitted: { readonly before: ChainPlace; readonly sealed: SealedRow }[] = [];

  function wrong(kind: ProblemKind, sealed: SealedRow, detail: string): void {
    report({ kind, tid, seq: sealed.seq, id: sealed.id, detail });
  }

  function settle(nextFitsBefore: boolean): void {
    if (doubted === null) return;
    const { sealed } = doubted;
    doubted = null;
    if (nextFitsBefore)
      wrong('inserted', sealed, 'it stands between two rows that follow each other');
    else
      wrong('changed', sealed, 'its hash does not follow from the row before it and its content');
  }

  /** Rows before this one without which it would fit. */
  function putInBefore(sealed: SealedRow): readonly SealedRow[] {
    const first = fitted.findLastIndex(({ before }) => followsFrom(before, sealed));
    return first === -1 ? [] : fitted.slice(first).map((one) => one.sealed);
  }

  function judge(sealed: SealedRow): void {
    if (sealed.seq > at.seq + 1) {
      settle(false);
      fitted = [];
      reportGap(tid, at.seq + 1, sealed.seq - 1, report);
      // What it follows from is gone: only its personal data can be judged.
      if (sealed.row === null) wrong('removed', sealed, GONE);
      return;
    }
    if (sealed.row === null) {
      settle(false);
      fitted = [];
      wrong('removed', sealed, GONE);
      return;
    }
    if (followsFrom(at, sealed)) {
      settle(false);
      fitted = [...fitted.slice(-MOST_PUT_IN + 1), { before: at, sealed }];
      return;
    }
    const isInserted = doubted !== null && followsFrom(doubted.before, sealed);
    settle(isInserted);
    const before = isInserted ? [] : putInBefore(sealed);
    for (const one of before)
      wrong('inserted', one, 'the row behind it follows from one before it');
    fitted = [];
    if (!isInserted && before.length === 0) doubted = { before: at, sealed };
  }

  return {
    add(sealed) {
      judge(sealed);
      if (sealed.row !== null) {
        const found = personalProblem(sealed);
        if (found !== null) wrong('changed', sealed, found);
        if (sealed.personal !== null && sealed.salt === null) erased += 1;
        rows += 1;
      }
      at = { seq: sealed.seq, hash: sealed.hash };
    },
    end() {
      settle(false);
      return { at, rows, erased };
    },
  };
}

/** Rows put in at one place, with good hashes, that are told from the row behind them. */
const MOST_PUT_IN = 16;

/** Whether its seal follows from the hash of the place before it, and from its content. */
export function followsFrom(before: ChainPlace, { row, personal, hash }: SealedRow): boolean {
  return row !== null && sameBytes(chainHash(before.hash, row, personal), hash);
}

/** Rows of one gap that are named one by one. */
const MOST_NAMED = 100;

/** Rows that are gone together with their seals. */
export function reportGap(
  tid: string,
  first: number,
  last: number,
  report: (problem: Problem) => void,
): void {
  const named = Math.min(last, first + MOST_NAMED - 1);
  for (let seq = first; seq <= named; seq += 1) {
    const more = seq === named && named < last ? `; so are those up to ${last}` : '';
    const detail = `the row and its seal are gone${more}`;
    report({ kind: 'removed', tid, seq, id: null, detail });
  }
}
const GONE = 'it was sealed, and is gone';

/** What is wrong with a row's personal data; null when nothing is, or when they were erased. */
function personalProblem({ row, personal, salt }: SealedRow): string | null {
  if (row === null) return null;
  if (personal === null || salt === null) {
    return hasPersonal(row) ? 'personal data stand where none were sealed' : null;
  }
  return sameBytes(personalHash(salt, row), personal)
    ? null
    : 'its address, user agent or e-mail address is not what was sealed';
}
