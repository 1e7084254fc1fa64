import type { FileChains } from './file-chains.ts';
import { SIGNED_WITHIN_MS } from './signed.ts';
import type { Problem } from './verify.ts';

/** One trail of a file: which of its numbers the file has, and which of these somebody vouches for. */
export interface CoveredTrail {
  readonly tid: string;
  /** The lowest and the highest number in the file. */
  readonly from: number;
  readonly to: number;
  /** Numbers in between of which the file has no row. */
  readonly missing: number;
  /** Places between `from` and `to` that were vouched for, and of which the file has no row. */
  readonly absent: number;
  /** Rows that no place covers: none that agrees comes after them without a gap. Null: nobody was asked. */
  readonly unvouched: number | null;
  /** The highest number that a place agrees with; null: none does. */
  readonly vouchedTo: number | null;
  /** The highest place behind the end of the file; null: there is none. */
  readonly beyond: number | null;
}

/** Holds the trails of a file against places that somebody vouches for: checkpoints that were kept, lines of a log. */
export interface FileCover {
  /** A place with which the row of the file agrees. */
  agrees(tid: string, seq: number): void;
  /** A place of which the file has no row. */
  absent(tid: string, seq: number): void;
  /** @param asked whether there was any checkpoint or log. */
  end(asked: boolean): readonly CoveredTrail[];
}

/** Gaps and places that are named one by one, for each trail. */
const MOST_NAMED = 100;

/**
 * To be made when all rows have been added to `chains`.
 *
 * @param filtered rows were left out on purpose: what is not there and what nobody vouches for is counted, and no fault.
 */
export function createFileCover(
  chains: FileChains,
  filtered: boolean,
  report: (problem: Problem) => void,
): FileCover {
  const trails = new Map(
    chains.tids().map((tid) => {
      const numbers = chains.numbers(tid);
      const [from = 0, to = 0] = [numbers[0], numbers.at(-1)];
      const trail = { numbers, from, to, good: new Set<number>(), gone: 0, beyond: 0 };
      return [tid, trail];
    }),
  );
  const fault = (kind: Problem['kind'], tid: string, seq: number, detail: string): void => {
    if (!filtered) report({ kind, tid, seq, id: null, detail });
  };

  return {
    agrees(tid, seq) {
      trails.get(tid)?.good.add(seq);
    },
    absent(tid, seq) {
      const trail = trails.get(tid);
      if (trail === undefined) return;
      if (seq > trail.to) trail.beyond = Math.max(trail.beyond, seq);
      else if (seq > trail.from) {
        trail.gone += 1;
        if (trail.gone > MOST_NAMED) return;
        fault('removed', tid, seq, 'this place was vouched for, and the file has no row of it');
      }
    },
    end(asked) {
      return [...trails].map(([tid, { numbers, from, to, good, gone, beyond }]) => {
        let [missing, gaps, unvouched] = [0, 0, 0];
        // Backwards: a row is covered by the place behind it, as far as rows follow each other.
        let [covered, above] = [false, to + 1];
        for (const seq of numbers.toReversed()) {
          if (seq !== above - 1) {
            missing += above - 1 - seq;
            gaps += 1;
            covered = false;
            if (gaps <= MOST_NAMED) fault('removed', tid, seq + 1, goneUpTo(above - 1));
          }
          above = seq;
          covered ||= good.has(seq);
          if (!covered) unvouched += 1;
        }
        const vouchedTo = [...good].reduce((high, seq) => Math.max(high, seq), 0);
        if (asked && vouchedTo === 0) {
          fault('unsigned', tid, from, 'nothing vouches for any row of this trail');
        } else if (asked && latest(chains, tid, numbers, vouchedTo) > SIGNED_WITHIN_MS) {
          const detail = `nothing vouches for the rows from here on to ${to}, which go on for more than five minutes`;
          fault('unsigned', tid, vouchedTo + 1, detail);
        }
        return {
          ...{ tid, from, to, missing, absent: gone, unvouched: asked ? unvouched : null },
          ...{ vouchedTo: vouchedTo || null, beyond: beyond || null },
        };
      });
    },
  };
}

function goneUpTo(last: number): string {
  return `the file has no row from here on to ${last}, and has those before and behind`;
}

/** How long after the row at `vouchedTo` one behind it says that it was written, milliseconds. */
function latest(chains: FileChains, tid: string, numbers: Float64Array, vouchedTo: number): number {
  const sinceMs = chains.at(tid, vouchedTo)?.atMs ?? 0;
  let longest = 0;
  for (let index = numbers.length - 1; index >= 0; index -= 1) {
    const seq = numbers[index] ?? 0;
    if (seq <= vouchedTo) break;
    longest = Math.max(longest, (chains.at(tid, seq)?.atMs ?? 0) - sinceMs);
  }
  return longest;
}
