import type { Clock } from '../clock.ts';
import { SekishoError } from '../errors.ts';
import type { LogStore } from '../record/contract.ts';
import { HISTORY_REPEATS, SNAPSHOT_PAGE } from './constants.ts';
import { Draft } from './draft.ts';
import type { Entry, Head, SnapshotHeader } from './types.ts';

/** Pages that are on their way at a time: the record puts one together while another one is taken in. */
const PAGES_AHEAD = 2;

/** `changed`: the record answered from a server whose identity is not that of its head (GENERATION). */
export type Read =
  | { readonly kind: 'read'; readonly draft: Draft }
  | { readonly kind: 'changed'; readonly head: Head };

/**
 * FOLLOW: reads the whole log that the record keeps, page after page. Entries never change and have no gaps, so pages of
 * one history fit together whenever each was read: every page must be of the header's generation, by a server whose
 * identity agrees, and the record must not have let go of what comes next. Otherwise it starts over.
 *
 * The event loop turns between two pages.
 *
 * @throws SekishoError `internal` for a log with a hole in it; `store_unavailable`, `outcome_unknown`.
 */
export async function readSnapshot(log: LogStore, clock: Clock): Promise<Read> {
  for (let repeat = 0; repeat < HISTORY_REPEATS; repeat += 1) {
    const header = await log.snapshot();
    if (!header.identityAgrees) return { kind: 'changed', head: header.head };
    const draft = new Draft(header);
    const changed = await readPages(log, header, ({ entries }) => {
      draft.add(entries, clock.monotonicMs());
      return draft.unknownScope === null;
    });
    if (changed === 'moved') continue;
    if (changed !== null) return { kind: 'changed', head: changed };
    draft.check();
    return { kind: 'read', draft };
  }
  throw new SekishoError('store_unavailable', 'The log moves on faster than it can be read.', {
    retryAfterSeconds: 1,
  });
}

/** A page of the log, with the positions that were asked for. */
export interface Page {
  readonly from: number;
  readonly to: number;
  readonly entries: readonly Entry[];
}

/**
 * Gives the entries above the header's horizon up to its head to `take`, page after page and in order, until that returns
 * false.
 * @returns null when it is done; the head of a record whose identity does not agree; `moved` when the pages would be of
 *   another generation, or the horizon has passed what comes next.
 */
export async function readPages(
  log: LogStore,
  header: SnapshotHeader,
  take: (page: Page) => boolean,
  size = SNAPSHOT_PAGE,
): Promise<Head | 'moved' | null> {
  const end = header.head.position;
  let asked = header.horizon;
  const ask = () => {
    const after = asked;
    asked = Math.min(end, after + size);
    const answer = log.fetch(after, asked - after);
    // When taking a page fails, nobody waits for those behind it any more.
    answer.catch(() => {});
    return { from: after + 1, to: asked, answer };
  };
  const waiting: ReturnType<typeof ask>[] = [];
  for (;;) {
    while (asked < end && waiting.length < PAGES_AHEAD) waiting.push(ask());
    const next = waiting.shift();
    if (next === undefined) return null;
    const { from, to } = next;
    const { identityAgrees, head, horizon, entries } = await next.answer;
    if (!identityAgrees) return head;
    if (head.generation !== header.head.generation || horizon >= from) return 'moved';
    if (!take({ from, to, entries })) return null;
  }
}
