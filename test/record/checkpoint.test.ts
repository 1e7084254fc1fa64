import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestRecord, type TestRecord } from '../support/record.ts';
import { seedTenant, seedUser } from '../support/seed.ts';

let opened: TestRecord;
beforeAll(async () => {
  opened = await openTestRecord();
});
afterAll(() => opened.close());

async function read<Value>(text: string): Promise<Value | undefined> {
  const [row] = await opened.database.query<{ value: Value }>({ text });
  return row?.value;
}

const REDO = 'select redo_lsn::text as value from pg_control_checkpoint()';

test('A7 the embedded database is checkpointed, and every table that grows is vacuumed and analyzed', async () => {
  const { tid } = await seedTenant(opened);
  for (let n = 0; n < 5; n += 1) await seedUser(opened, tid);
  const before = await read<string>(REDO);
  await opened.record.maintenance.checkpoint();
  expect(await read<string>(REDO)).not.toBe(before);
  const users =
    "select reltuples::integer as value from pg_class where oid = 'sekisho.tenant_user'::regclass";
  expect(await read<number>(users)).toBe(5);
  // -1 is a table that no VACUUM or ANALYZE has seen.
  const [row] = await opened.database.query<{ names: string[] }>({
    text: `select coalesce(array_agg(relname::text order by relname), '{}') as names from pg_class
      where relnamespace = 'sekisho'::regnamespace and relkind = 'r' and reltuples < 0`,
  });
  expect(row?.names).toEqual([]);
});

test('A7 heartbeats go between the statements of a checkpoint', async () => {
  const order: string[] = [];
  const checkpoint = opened.record.maintenance.checkpoint().then(() => order.push('checkpoint'));
  // Sent when the first statement is under way already.
  await new Promise((resolve) => setImmediate(resolve));
  await opened.database
    .query({ text: 'select 1' }, { urgent: true })
    .then(() => order.push('beat'));
  await checkpoint;
  expect(order).toEqual(['beat', 'checkpoint']);
});
