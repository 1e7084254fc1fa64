import type { SealedRow } from '../record/trail-contract.ts';
import type { Problem } from './verify.ts';

/**
 * How far the time of a row may be from when it could be sealed: nodes' clocks differ by 30 s (MAX_SKEW), a request and its
 * transaction end within a minute, what is counted is written every minute and dated anew when it could not be written for
 * five, and a sealer that died is followed by another one within ten seconds.
 */
export const MISDATED_MS = 600_000;

/**
 * How long rows that waited together are sealed, one batch after the other and in no order of time: at five thousand rows a second
 * more than half a million.
 */
const SEALED_TOGETHER_MS = 120_000;

/** Rows dated after their seals that are kept in mind at once, until a later row shows that time has not come so far. */
const MOST_EARLY = 1_000;

/**
 * Looks at the times along a chain. The order of a chain is that in which rows were found, so a row that is dated long before
 * what had long been sealed was written later than it says. When everything waited (the record could not be reached, the
 * chain was not sealed) nothing was sealed meanwhile, and nothing is said of it.
 */
export interface DateWalk {
  add(sealed: SealedRow): void;
  /** @param times by the record's clock: now, and since when it says that trails are sealed */
  end(times: { readonly nowMs: number; readonly begunAtMs: number | null }): void;
}

export function walkDates(tid: string, report: (problem: Problem) => void): DateWalk {
  /** When earlier rows were sealed, each time once, in order; and the newest of those that did not wait with this one. */
  const recent: number[] = [];
  let settledMs = Number.NEGATIVE_INFINITY;
  let first: SealedRow | null = null;
  let last: SealedRow | null = null;
  /** Dated after they were sealed. */
  let early: { readonly sealed: SealedRow; readonly atMs: number }[] = [];
  let earliestMs = Number.NEGATIVE_INFINITY;

  function wrong({ seq, id }: SealedRow, detail: string): void {
    report({ kind: 'misdated', tid, seq, id, detail });
  }

  function judgeSeal(sealed: SealedRow): void {
    const { sealedAtMs } = sealed;
    if (last !== null && sealedAtMs < last.sealedAtMs - MISDATED_MS) {
      const detail = `its seal is of ${iso(sealedAtMs)}, and one before it of ${iso(last.sealedAtMs)}`;
      wrong(sealed, detail);
      return;
    }
    while (recent[0] !== undefined && recent[0] < sealedAtMs - SEALED_TOGETHER_MS) {
      settledMs = Math.max(settledMs, recent.shift() ?? settledMs);
    }
  }

  function judgeRow(sealed: SealedRow, atMs: number): void {
    if (atMs < settledMs - MISDATED_MS) {
      const detail = `it says ${iso(atMs)}, was sealed at ${iso(sealed.sealedAtMs)}, and stands behind what was sealed at ${iso(settledMs)}`;
      wrong(sealed, detail);
      return;
    }
    if (atMs < earliestMs - MISDATED_MS) {
      const isEarly = (one: { readonly atMs: number }) => atMs < one.atMs - MISDATED_MS;
      for (const one of early.filter(isEarly)) {
        const detail = `it says ${iso(one.atMs)}, was sealed at ${iso(one.sealed.sealedAtMs)}, and stands before what says ${iso(atMs)}`;
        wrong(one.sealed, detail);
      }
      early = early.filter((one) => !isEarly(one));
      earliestMs = Math.max(Number.NEGATIVE_INFINITY, ...early.map((one) => one.atMs));
    }
    if (atMs > sealed.sealedAtMs + MISDATED_MS && early.length < MOST_EARLY) {
      early.push({ sealed, atMs });
      earliestMs = Math.max(earliestMs, atMs);
    }
  }

  return {
    add(sealed) {
      const { row, old, sealedAtMs } = sealed;
      first ??= sealed;
      judgeSeal(sealed);
      if (row !== null && !old) judgeRow(sealed, row.atUs / 1000);
      if (last === null || sealedAtMs > last.sealedAtMs) {
        recent.push(sealedAtMs);
        last = sealed;
      }
    },
    end({ nowMs, begunAtMs }) {
      // Rows of before pass for old ones, whatever they say.
      if (first !== null && begunAtMs !== null && begunAtMs > first.sealedAtMs + MISDATED_MS) {
        const detail = `its seal is of ${iso(first.sealedAtMs)}, and trails are said to be sealed since ${iso(begunAtMs)}`;
        wrong(first, detail);
      }
      if (begunAtMs === null) {
        const detail = 'since when trails are sealed, and who does, is gone from the record';
        report({ kind: 'removed', tid, seq: null, id: null, detail });
      }
      if (last !== null && last.sealedAtMs > nowMs + MISDATED_MS) {
        wrong(last, `its seal is of ${iso(last.sealedAtMs)}, which is still to come`);
      }
    },
  };
}

/** RFC 3339 where it is a time that JavaScript has; PostgreSQL has more of them. */
function iso(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
