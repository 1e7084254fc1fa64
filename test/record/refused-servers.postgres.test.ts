import pg from 'pg';
import { afterEach, expect, inject, test } from 'vitest';
import { openPostgres, openPostgresRecord } from '../../src/record/postgres/open.ts';
import { startPgbouncer } from '../../tools/services/pgbouncer.mjs';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startPostgresPair } from '../../tools/services/postgres-pair.mjs';

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A database whose connections begin with `settings`, after `script` was run in it. */
async function databaseWith(settings: string, script = 'select 1'): Promise<string> {
  const made = await createTestDatabase(inject('postgresUrl'));
  closers.push(made.drop);
  const client = new pg.Client({ connectionString: made.url });
  await client.connect();
  await client.query(script);
  await client.query(`alter database ${new URL(made.url).pathname.slice(1)} ${settings}`);
  await client.end();
  return made.url;
}

/** A new database behind PgBouncer. */
async function pooled(poolMode: 'session' | 'transaction' | 'statement'): Promise<string> {
  const made = await createTestDatabase(inject('postgresUrl'));
  closers.push(made.drop);
  const pooler = await startPgbouncer({ target: inject('postgresUrl'), poolMode });
  closers.push(pooler.stop);
  return pooler.through(made.url);
}

/** The one sentence with which `url` is refused. */
async function sentenceFor(url: string): Promise<string> {
  const refused = await openPostgres({ url }).then(
    (database) => database.close().then(() => 'it was opened'),
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code: 'invalid_configuration' });
  const { message } = refused as Error;
  expect(message).toMatch(/^DATABASE_URL [^\n]+\.$/);
  expect(message).not.toContain(new URL(url).password);
  return message;
}

test('B4 a read replica is refused: no proof could be had from it', async () => {
  const pair = await startPostgresPair({ synchronous: false });
  closers.push(pair.stop);
  const record = await openPostgresRecord({ url: pair.url });
  await record.close();
  await pair.caughtUp();
  expect(await sentenceFor(pair.standby?.url ?? '')).toContain(
    'Sekisho needs the primary: name it',
  );
});

test('B4 a database that takes no writes is refused', async () => {
  const url = await databaseWith('set default_transaction_read_only = on');
  expect(await sentenceFor(url)).toContain('set default_transaction_read_only to off');
});

test('B4 a server older than PostgreSQL 15 is refused', async () => {
  // What the server says of itself is put before its own word for it.
  const url = await databaseWith(
    'set search_path = old, pg_catalog',
    `create schema old;
    create function old.current_setting(name text) returns text language sql as $$
      select case name when 'server_version_num' then '140011' when 'server_version' then '14.11'
        else pg_catalog.current_setting(name) end $$`,
  );
  expect(await sentenceFor(url)).toContain('PostgreSQL 14.11; Sekisho needs 15 or later');
});

test('B4 a pooler in statement mode is refused: it takes transactions apart', async () => {
  expect(await sentenceFor(await pooled('statement'))).toContain('set its pool_mode to session');
});

test.each(['session', 'transaction'] as const)(
  'B4 a pooler in %s mode is good, many statements at once included',
  async (poolMode) => {
    const record = await openPostgresRecord({ url: await pooled(poolMode), max: 4 });
    try {
      const looks = Array.from({ length: 50 }, () => record.log.head());
      for (const { identityAgrees } of await Promise.all(looks)) expect(identityAgrees).toBe(true);
      const members = Array.from({ length: 20 }, () => record.members.list());
      for (const list of await Promise.all(members)) expect(list).toEqual([]);
    } finally {
      await record.close();
    }
  },
);
