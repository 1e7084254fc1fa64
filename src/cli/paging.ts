import type { Page } from '../record/contract.ts';

/** Rows that are asked for at once. */
const PAGE = 200;

/**
 * Every row of a list, page after page, at most `most`.
 *
 * @param cursorOf the place of a row in the verb's own order
 * @example everyPage((page) => operator.listTenants(page), ({ createdAtMs, tid }) => ({ atMs: createdAtMs, id: tid }))
 */
export async function everyPage<Row>(
  read: (page: Page) => Promise<readonly Row[]>,
  cursorOf: (row: Row) => NonNullable<Page['cursor']>,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let cursor: Page['cursor'] = null;
  while (rows.length < most) {
    const limit = Math.min(PAGE, most - rows.length);
    const page: readonly Row[] = await read({ limit, cursor });
    rows.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < limit) break;
    cursor = cursorOf(last);
  }
  return rows;
}
