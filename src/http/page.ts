import { z } from 'zod';
import { SekishoError } from '../errors.ts';
import type { Page } from '../record/contract.ts';
import { queryInteger } from './query.ts';

/** Rows of a page when its caller does not say, and at most. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

/** `?limit=` and `?cursor=` of every list. */
export const pageFields = {
  limit: queryInteger(1, MAX_LIMIT)
    .optional()
    .describe(`Rows of a page: 1 to ${MAX_LIMIT}, default ${DEFAULT_LIMIT}.`),
  cursor: z
    .string()
    .max(1000)
    .optional()
    .describe('`next_cursor` of the page before. Only good as it was given.'),
};

export interface PageQuery {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

type Position = NonNullable<Page['cursor']>;

/**
 * Fetches a page and says where the next one begins. One row more is asked for, so that the last page has no cursor; a
 * page of 200 that is exactly the last one may have one to an empty page.
 *
 * @param keyOf the sort key of a row: its time and its id.
 */
export async function pageOf<Row>(
  query: PageQuery,
  fetch: (page: Page) => Promise<readonly Row[]>,
  keyOf: (row: Row) => Position,
): Promise<{ readonly rows: readonly Row[]; readonly nextCursor: string | null }> {
  return lookedPageOf(
    query,
    async (page) => {
      const rows = await fetch(page);
      const last = rows.at(-1);
      return { rows, next: rows.length === MAX_LIMIT && last !== undefined ? keyOf(last) : null };
    },
    keyOf,
  );
}

/**
 * The same for a list whose pages are not full where its filter fits few rows: `fetch` says where to go on, also behind a page
 * with none.
 */
export async function lookedPageOf<Row>(
  query: PageQuery,
  fetch: (page: Page) => Promise<{ readonly rows: readonly Row[]; readonly next: Page['cursor'] }>,
  keyOf: (row: Row) => Position,
): Promise<{ readonly rows: readonly Row[]; readonly nextCursor: string | null }> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const asked = Math.min(limit + 1, MAX_LIMIT);
  const found = await fetch({ limit: asked, cursor: readCursor(query.cursor) });
  const rows = found.rows.slice(0, limit);
  const last = rows.at(-1);
  const isOver = found.rows.length > limit && last !== undefined;
  const next = isOver ? keyOf(last) : found.next;
  return { rows, nextCursor: next === null ? null : writeCursor(next) };
}

function writeCursor({ atMs, id }: Position): string {
  return Buffer.from(`${atMs}.${id}`).toString('base64url');
}

/** @throws SekishoError `invalid_cursor` for anything that `writeCursor` did not make. */
export function readCursor(cursor: string | undefined): Position | null {
  if (cursor === undefined) return null;
  const text = Buffer.from(cursor, 'base64url').toString();
  const [, at, id] = /^(\d{1,16}(?:\.\d{1,6})?)\.([^\0]{1,300})$/s.exec(text) ?? [];
  const position = { atMs: Number(at), id: id ?? '' };
  // A timestamp beyond 9999 is none of ours, and no date of the database's either.
  const known = at !== undefined && position.atMs < 253_402_300_800_000;
  if (!known || writeCursor(position) !== cursor) {
    throw new SekishoError('invalid_cursor', 'Use next_cursor as it was given.');
  }
  return position;
}
