import { createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../src/record/database.ts';
import { migrate } from '../../src/record/migrator.ts';
import { openPostgres, openPostgresRecord } from '../../src/record/postgres/open.ts';
import { openPoolDatabase } from '../../src/record/postgres/pool-database.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';

describe('the pool', () => {
  let made: Awaited<ReturnType<typeof createTestDatabase>>;
  let database: Database;
  beforeAll(async () => {
    made = await createTestDatabase(inject('postgresUrl'));
    database = await openPostgres({ url: made.url, max: 3 });
    await database.script('create table seen (name text);');
  });
  afterAll(async () => {
    await database?.close();
    await made?.drop();
  });

  /** What passes only while the gate is open: statements that take as long as a test says. */
  const passing = '(pg_advisory_lock_shared(7), pg_advisory_unlock_shared(7))::text';

  /** Does `work` while the gate is closed. */
  async function closed(work: () => Promise<void>): Promise<void> {
    const holder = openPoolDatabase({ url: made.url, max: 1 });
    try {
      await holder.query({ text: 'select pg_advisory_lock(7)' });
      await work();
    } finally {
      // With its connection goes the lock.
      await holder.close();
    }
  }

  const seen = async () =>
    (await database.query<{ name: string }>({ text: 'select name from seen order by 1' })).map(
      (row) => row.name,
    );

  test('values come back in the types of the contract, prepared or not', async () => {
    const at = new Date('2030-01-01T00:00:00.123Z');
    const bytes = new Uint8Array([0, 1, 254, 255]);
    const call = {
      text: `select 9007199254740991::int8 as big, array[1, 2]::int8[] as bigs, $1::timestamptz as at,
        $2::bytea as bytes, $3::text[] as texts, $4::jsonb as json, null as nothing`,
      values: [at, bytes, ['a', 'b"c'], '{"x": [1]}'],
    };
    const unprepared = openPoolDatabase({ url: made.url, prepare: false });
    try {
      for (const one of [database, database, unprepared]) {
        const [row] = await one.query<{ bytes: Uint8Array }>(call);
        expect(row).toMatchObject({
          ...{ big: 9007199254740991, bigs: [1, 2], at, texts: ['a', 'b"c'] },
          ...{ json: { x: [1] }, nothing: null },
        });
        expect(new Uint8Array(row?.bytes ?? [])).toEqual(bytes);
      }
    } finally {
      await unprepared.close();
    }
  });

  test('DURABLE a statement past its deadline is abandoned, not cancelled: it happens all the same', async () => {
    const slow = { text: `insert into seen select 'slow' from (select ${passing}) gate` };
    await closed(async () => {
      await expect(database.query(slow, { deadlineMs: 50 })).rejects.toMatchObject({
        code: 'outcome_unknown',
      });
      expect(await seen()).toEqual([]);
    });
    await expect.poll(seen, { timeout: 60_000 }).toEqual(['slow']);
  });

  test('DURABLE a result that came with a warning proves nothing', async () => {
    const warning = { text: "do $$ begin raise warning 'not replicated'; end $$" };
    await expect(database.query(warning)).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(await database.query({ text: 'select 1 as one' })).toEqual([{ one: 1 }]);
    // As a server says it whose messages are in another language: the word is another one, the code is not.
    for (const code of ['01000', '57P01']) {
      const foreign = { text: `do $$ begin raise notice 'x' using errcode = '${code}'; end $$` };
      await expect(database.query(foreign)).rejects.toMatchObject({ code: 'outcome_unknown' });
    }
    expect(await database.query({ text: "do $$ begin raise notice 'fine'; end $$" })).toEqual([]);
  });

  test('B4 a statement of a running node goes on when a later release has given its table a column', async () => {
    const wide = { text: 'select * from wide' };
    await database.script('create table wide (a int); insert into wide values (1);');
    // On each connection, as in a node that has run for a while.
    const all = () => Promise.all([1, 2, 3, 4, 5, 6].map(() => database.query(wide)));
    await all();
    await database.script('alter table wide add column b int');
    for (const [row] of [...(await all()), ...(await all())]) {
      expect(row).toEqual({ a: 1, b: null });
    }
    const both = [wide, { text: 'select 1 as one' }];
    await database.script('alter table wide add column c int');
    expect((await database.transaction(both))[0]).toEqual([{ a: 1, b: null, c: null }]);
  });

  test('HEARTBEAT an urgent statement has a connection of its own', async () => {
    const busy: Promise<unknown>[] = [];
    await closed(async () => {
      for (let one = 0; one < 3; one += 1) {
        busy.push(database.query({ text: `select ${passing}` }, { deadlineMs: 60_000 }));
      }
      // These are urgent themselves; the others wait for the gate, and would for a connection.
      const waiting = `select count(*)::int as count from pg_locks
        where locktype = 'advisory' and not granted
          and database = (select oid from pg_database where datname = current_database())`;
      const rows = async () => database.query({ text: waiting }, { urgent: true });
      await expect.poll(rows, { timeout: 60_000 }).toEqual([{ count: 3 }]);
    });
    await Promise.all(busy);
  });

  test('an error of the database is a SqlError and undoes its transaction', async () => {
    const add = { text: "insert into seen values ('never')" };
    await expect(database.transaction([add, { text: 'select 1 / 0' }])).rejects.toMatchObject({
      name: 'SqlError',
      sqlState: '22012',
    });
    expect(await seen()).not.toContain('never');
  });

  test('a connection that the server ends leaves the outcome unknown, and the next call works', async () => {
    const suicide = { text: 'select pg_terminate_backend(pg_backend_pid())' };
    await expect(database.query(suicide)).rejects.toMatchObject({ code: 'outcome_unknown' });
    expect(await database.query({ text: 'select 1 as one' })).toEqual([{ one: 1 }]);
  });
});

describe('opening', () => {
  test('a server that is not there, or does not answer, is unavailable: try again', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const url = `postgres://u:p@127.0.0.1:${port}/d`;
    await expect(openPostgres({ url })).rejects.toMatchObject({ code: 'store_unavailable' });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
    await expect(openPostgres({ url })).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('a wrong password or database is a setting to mend, and no password is repeated', async () => {
    const wrong = new URL(inject('postgresUrl'));
    wrong.password = 'not-the-password';
    const error = await openPostgres({ url: wrong.href }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'invalid_configuration' });
    expect(String(error)).not.toContain('not-the-password');
    const missing = new URL(inject('postgresUrl'));
    missing.pathname = '/no_such_database';
    await expect(openPostgres({ url: missing.href })).rejects.toMatchObject({
      code: 'invalid_configuration',
    });
  });

  test('B4 many nodes that start at once on an empty database migrate it once', async () => {
    const made = await createTestDatabase(inject('postgresUrl'));
    try {
      const records = await Promise.all(
        Array.from({ length: 5 }, () => openPostgresRecord({ url: made.url, max: 2 })),
      );
      const heads = await Promise.all(records.map((record) => record.log.head()));
      expect(new Set(heads.map(({ head }) => head.generation)).size).toBe(1);
      expect(heads.every(({ identityAgrees }) => identityAgrees)).toBe(true);
      await Promise.all(records.map((record) => record.close()));
    } finally {
      await made.drop();
    }
  });

  test('many databases of one server may be migrated at once: their roles are the server’s', async () => {
    const made = await Promise.all(
      Array.from({ length: 4 }, () => createTestDatabase(inject('postgresUrl'))),
    );
    try {
      await Promise.all(
        made.map(async ({ url }) => {
          const database = await openPostgres({ url, max: 2 });
          await migrate(database);
          await database.close();
        }),
      );
    } finally {
      await Promise.all(made.map((one) => one.drop()));
    }
  });
});
