import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';
import { openTestRecord, type TestRecord } from '../support/record.ts';
import { START_MS } from '../support/seed.ts';
import { tamper } from '../support/trail.ts';

/** More than a call looks at. */
const ROWS = 22_000;
const RARE = [0, ROWS - 1];

let made: TestRecord;
let http: TestApp;
let acme: TestTenant;

beforeAll(async () => {
  made = await openTestRecord();
  http = await startTestApp({}, { record: made.record });
  acme = await http.engine.makeTenant('acme');
  await tamper(made, {
    text: `insert into sekisho.audit (tid, id, at, action, outcome, actor_kind, detail)
      select $1, 'row' || n, 'epoch'::timestamptz + ($2::bigint + n) * interval '1 millisecond',
             case when n = any ($4) then 'authn_logout' else 'authn_token_refreshed' end, 'success', 'user', '{}'
        from generate_series(0, $3::int - 1) n`,
    values: [acme.tenant.tid, START_MS - 2 * ROWS, ROWS, RARE],
  });
});
afterAll(() => http?.close());

const list = async (query: string) => {
  const path = `/v1/admin/audit?action=authn_logout${query}`;
  const before = made.database.statementCount();
  const { status, body } = await http.send('GET', path, { token: acme.pair.accessToken });
  expect(status).toBe(200);
  const events: readonly { readonly id: string }[] = body.events;
  const next: string | null = body.next_cursor;
  const statements = made.database.statementCount() - before;
  return { ids: events.map(({ id }) => id), next, statements };
};

test('A3 B14 a filter that fits few rows of a long trail is answered after a bounded number of looks, and the cursor goes on', async () => {
  const [newest, oldest] = [`row${ROWS - 1}`, 'row0'];
  const first = await list('');
  expect(first).toMatchObject({ ids: [newest], next: expect.any(String) });
  // Ten looks, beside what any request does; the clock of upkeep may add a few.
  expect(first.statements).toBeLessThan(30);
  const second = await list(`&cursor=${first.next}`);
  expect(second).toMatchObject({ ids: [oldest], next: null });
});

test('A3 B14 a page may be empty and have a cursor; a full one ends where its last row is', async () => {
  // Between the two there is nothing but others, and more of them than a call looks at.
  const to = new Date(START_MS - 2 * ROWS + ROWS - 1).toISOString();
  const empty = await list(`&to=${to}`);
  expect(empty).toMatchObject({ ids: [], next: expect.any(String) });
  expect(await list(`&to=${to}&cursor=${empty.next}`)).toMatchObject({ ids: ['row0'], next: null });

  const full = await list('&limit=1');
  expect(full).toMatchObject({ ids: [`row${ROWS - 1}`], next: expect.any(String) });
  const rest: string[] = [];
  let cursor = full.next;
  for (let pages = 0; cursor !== null && pages < 5; pages += 1) {
    const page = await list(`&limit=1&cursor=${cursor}`);
    rest.push(...page.ids);
    cursor = page.next;
  }
  expect([rest, cursor]).toEqual([['row0'], null]);
});
