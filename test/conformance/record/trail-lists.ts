import { expect, test } from 'vitest';
import { createAuditStore, ROWS_A_LOOK } from '../../../src/record/audit.ts';
import type { AuditFilter, AuditStore } from '../../../src/record/contract.ts';
import type { Database } from '../../../src/record/database.ts';
import { createTrailStore } from '../../../src/record/trail.ts';
import type { TrailStore } from '../../../src/record/trail-contract.ts';
import { type RecordFixture, START_MS, seedTenant } from '../../support/seed.ts';
import { tamper } from '../../support/trail.ts';

const ROWS = 9_000;
/** Those that a filter may look for, by how many milliseconds they are younger than the first. */
const RARE = [0, 4_321, ROWS - 1];
const LIMIT = 50;

/** How many rows of the trail the engine itself says that it has fetched so far, and how it came to them. */
const FETCHED = {
  text: `select coalesce(sum(seq_tup_read), 0)::int as scanned, coalesce(sum(idx_tup_fetch), 0)::int as fetched
    from pg_stat_xact_user_tables where schemaname = 'sekisho' and relname = 'audit'`,
};
type Fetched = { readonly scanned: number; readonly fetched: number };

/** The stores on a database that counts what each statement looks at. */
function countingStores({ database }: RecordFixture) {
  const looks: Fetched[] = [];
  const counting: Database = Object.create(database, {
    query: {
      async value(...[call, options]: Parameters<Database['query']>) {
        const calls = [FETCHED, call, FETCHED];
        const [[before], rows, [after]] = (await database.transaction(calls, options)) as [
          ...[Fetched[], unknown[], Fetched[]],
        ];
        if (before === undefined || after === undefined) throw new Error('nothing was counted');
        const { scanned, fetched } = after;
        looks.push({ scanned: scanned - before.scanned, fetched: fetched - before.fetched });
        return rows;
      },
    },
  });
  return { looks, audit: createAuditStore(counting), trail: createTrailStore(counting) };
}

/** A long trail in which few rows are not like the others. */
async function longTrail(fixture: RecordFixture): Promise<string> {
  const { tid } = await seedTenant(fixture);
  await tamper(fixture, {
    text: `insert into sekisho.audit (tid, id, at, action, outcome, actor_kind, actor_uid, detail)
      select $1, 'row' || n, 'epoch'::timestamptz + ($2::bigint + n) * interval '1 millisecond',
             case when n = any ($4) then 'policy_changed' else 'authn_token_refreshed' end,
             'success', 'user', case when n = any ($4) then 'rare' else 'busy' end, '{}'
        from generate_series(0, $3::int - 1) n`,
    values: [tid, START_MS, ROWS, RARE],
  });
  return tid;
}

const FILTERS: readonly (readonly [name: string, filter: AuditFilter, found: number])[] = [
  ['everything', {}, ROWS],
  ['a rare action', { action: 'policy_changed' }, RARE.length],
  ['a rare actor', { actor: 'rare' }, RARE.length],
  ['what two common filters have in common', { actor: 'busy', action: 'policy_changed' }, 0],
  ['nobody', { actor: 'nobody' }, 0],
  ['an action and a time', { action: 'policy_changed', fromMs: START_MS + 1 }, RARE.length - 1],
  ['an action before a time', { action: 'policy_changed', toMs: START_MS + ROWS - 1 }, 2],
  ['a time', { fromMs: START_MS + 100, toMs: START_MS + 300 }, 200],
];

async function readList(audit: AuditStore, tid: string, filter: AuditFilter) {
  const read: string[] = [];
  let pages = 0;
  for (let cursor: Awaited<ReturnType<AuditStore['look']>>['next'] = null; ; ) {
    const page = await audit.look(tid, filter, { limit: LIMIT, cursor });
    pages += 1;
    expect(page.rows.length).toBeLessThanOrEqual(LIMIT);
    read.push(...page.rows.map(({ id }) => id));
    cursor = page.next;
    if (cursor === null) return { read: read.toReversed(), pages };
  }
}

async function readExport(trail: TrailStore, tid: string, filter: AuditFilter) {
  const read: string[] = [];
  let pages = 0;
  for (let cursor: Awaited<ReturnType<TrailStore['exportPage']>>['next'] = null; ; ) {
    const page = await trail.exportPage(tid, filter, { limit: LIMIT, cursor });
    pages += 1;
    expect(page.rows.length).toBeLessThanOrEqual(LIMIT);
    read.push(...page.rows.map(({ row }) => row.id));
    cursor = page.next;
    if (cursor === null) return { read, pages };
  }
}

/** Lists and exports of a long trail: whatever is asked for, no statement goes through all of it. */
export function listsTests(opened: () => RecordFixture): void {
  test('A3 A6 every filter of a list and of an export finds all of its rows, and no statement looks at more than a look', async () => {
    const fixture = opened();
    const tid = await longTrail(fixture);
    const { looks, audit, trail } = countingStores(fixture);
    for (const [name, filter, found] of FILTERS) {
      for (const [how, reading] of [
        ['list', readList(audit, tid, filter)],
        ['export', readExport(trail, tid, filter)],
      ] as const) {
        const { read, pages } = await reading;
        expect([name, how, read.length, new Set(read).size]).toEqual([name, how, found, found]);
        const inOrder = read.toSorted((a, b) => Number(a.slice(3)) - Number(b.slice(3)));
        expect([name, how, read]).toEqual([name, how, inOrder]);
        // As many statements as the rows that are looked through have need of, and one at the end.
        const most = Math.ceil(found / LIMIT) + Math.ceil(ROWS / ROWS_A_LOOK) + 1;
        expect([name, how, pages <= most]).toEqual([name, how, true]);
      }
    }
    expect(looks.length).toBeGreaterThan(2 * FILTERS.length);
    expect(Math.max(...looks.map(({ scanned }) => scanned))).toBe(0);
    const fetched = looks.map((one) => one.fetched);
    // The row behind which a look goes on is at its beginning again.
    expect(Math.max(...fetched)).toBeLessThanOrEqual(ROWS_A_LOOK + 1);
    expect(Math.max(...fetched)).toBeGreaterThanOrEqual(ROWS_A_LOOK);
  });

  test('A6 a page without a filter looks at no more rows than it has, however far behind', async () => {
    const fixture = opened();
    const tid = await longTrail(fixture);
    const { looks, audit, trail } = countingStores(fixture);
    const cursor = { atMs: START_MS + 1_000, id: 'row1000' };
    const list = await audit.look(tid, {}, { limit: LIMIT, cursor });
    expect(list.rows.map(({ id }) => id)).toEqual(
      Array.from({ length: LIMIT }, (_, n) => `row${999 - n}`),
    );
    const behind = { atUs: (START_MS + 8_000) * 1_000, id: 'row8000' };
    const exported = await trail.exportPage(tid, {}, { limit: LIMIT, cursor: behind });
    expect(exported.rows[0]?.row.id).toBe('row8001');
    expect(looks.every(({ scanned, fetched }) => scanned === 0 && fetched <= LIMIT + 1)).toBe(true);
    // What is asked for as one page comes as one page, by as many looks as it takes.
    const rare = await audit.list(tid, { actor: 'rare' }, { limit: 200, cursor: null });
    expect(rare.map(({ id }) => id)).toEqual(RARE.map((n) => `row${n}`).toReversed());
  });
}
