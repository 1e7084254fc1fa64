import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LEFT_OUT, listTables, ORDERED_ROWS } from '../../src/record/backup/tables.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import type { TestRecord } from '../support/record.ts';

let fixture: TestRecord;
beforeAll(async () => {
  fixture = await openPostgresTestRecord(inject('postgresUrl'));
});
afterAll(() => fixture?.close());

async function names(text: string): Promise<string[]> {
  const rows = await fixture.database.query<{ name: string }>({ text });
  return rows.map(({ name }) => name);
}

describe('A8: a backup holds every table of the schema', () => {
  test('but those that are left out on purpose', async () => {
    const all = await names(
      "select relname as name from pg_class where relnamespace = 'sekisho'::regnamespace and relkind in ('r', 'p')",
    );
    const backed = (await listTables(fixture.database)).map(({ name }) => name);
    expect([...backed, ...LEFT_OUT].sort()).toEqual(all.sort());
    expect(new Set(backed).size).toBe(backed.length);
  });

  test('each after those that it refers to', async () => {
    const order = (await listTables(fixture.database)).map(({ name }) => name);
    const references = await fixture.database.query<{ one: string; other: string }>({
      text: `select c.relname as one, r.relname as other from pg_constraint k
        join pg_class c on c.oid = k.conrelid join pg_class r on r.oid = k.confrelid
        where k.contype = 'f' and c.relnamespace = 'sekisho'::regnamespace`,
    });
    expect(references.length).toBeGreaterThan(0);
    for (const { one, other } of references) {
      // A table that refers to itself needs an order of its rows.
      if (one === other) expect(Object.keys(ORDERED_ROWS)).toContain(one);
      else expect(order.indexOf(one)).toBeGreaterThan(order.indexOf(other));
    }
  });

  test('and the role that reads it sees every row of each', async () => {
    const tables = await listTables(fixture.database);
    const unreadable = await names(
      `select c.relname as name from pg_class c where c.relnamespace = 'sekisho'::regnamespace
         and c.relkind in ('r', 'p') and not has_table_privilege('sekisho_system', c.oid, 'select')`,
    );
    expect(tables.map(({ name }) => name).filter((name) => unreadable.includes(name))).toEqual([]);
    const hidden = await names(
      `select c.relname as name from pg_class c where c.relnamespace = 'sekisho'::regnamespace and c.relrowsecurity
         and not exists (select from pg_policies p where p.schemaname = 'sekisho' and p.tablename = c.relname
           and 'sekisho_system' = any (p.roles) and p.qual = 'true')`,
    );
    expect(hidden).toEqual([]);
  });

  test('which has nothing that rows alone do not bring back', async () => {
    expect(
      await names(
        "select relname as name from pg_class where relnamespace = 'sekisho'::regnamespace and relkind in ('S', 'm', 'f')",
      ),
    ).toEqual([]);
    expect(
      await names(
        `select c.relname || '.' || a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid
          where c.relnamespace = 'sekisho'::regnamespace and (a.attgenerated <> '' or a.attidentity <> '')`,
      ),
    ).toEqual([]);
  });
});
