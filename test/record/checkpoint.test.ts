import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openPgliteRecord } from '../../src/record/pglite/open.ts';
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

test('A3 in the middle of a long clean-up a table is vacuumed when a fifth of it, and much, is dead', async () => {
  const { database, record } = opened;
  const dead = async (): Promise<number> =>
    (await read<number>(
      "select pg_stat_get_dead_tuples('sekisho.used_ticket'::regclass)::integer as value",
    )) ?? -1;
  const system = { text: "select set_config('role', 'sekisho_system', true)" };
  const patient = { deadlineMs: 60_000 };
  await database.transaction(
    [
      system,
      {
        text: `insert into sekisho.used_ticket (tid, jti, expires_at)
          select 'nobody', n::text, now() from generate_series(1, 60000) n`,
      },
    ],
    patient,
  );
  await database.query({ text: 'vacuum (analyze) sekisho.used_ticket' }, patient);
  const remove = async (most: number): Promise<void> => {
    await database.transaction(
      [system, { text: `delete from sekisho.used_ticket where jti::integer <= ${most}` }],
      patient,
    );
  };
  await remove(20_000);
  await vi.waitFor(async () => expect(await dead()).toBe(20_000), { timeout: 60_000 });
  await record.maintenance.vacuumDue();
  expect(await dead()).toBe(20_000);
  await remove(55_000);
  await vi.waitFor(async () => expect(await dead()).toBe(55_000), { timeout: 60_000 });
  await record.maintenance.vacuumDue();
  expect(await dead()).toBe(0);
});

test('A3 A7 a record in a directory cuts its log in the middle of a run without vacuuming everything', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-checkpoint-'));
  const record = await openPgliteRecord({ dataDir: join(folder, 'data') });
  try {
    const statements = async (whole: boolean): Promise<number> => {
      const before = record.statementCount();
      await record.maintenance.checkpoint(whole);
      return record.statementCount() - before;
    };
    // Others are the look at the log every few seconds; each table would be two.
    expect(await statements(false)).toBeLessThan(10);
    expect(await statements(true)).toBeGreaterThan(50);
  } finally {
    await record.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
