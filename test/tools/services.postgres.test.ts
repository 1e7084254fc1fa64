import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { createTestDatabase } from '../../tools/services/postgres.mjs';

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('tests connect as a role for which row-level security is in force', async () => {
  const [role] = await query(
    inject('postgresUrl'),
    'select rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user',
  );

  expect(role).toEqual({
    rolsuper: false,
    rolbypassrls: false,
    rolcreatedb: true,
    rolcreaterole: true,
  });
});

test('a test file gets a database of its own, and dropping it ends what is connected', async () => {
  const database = await createTestDatabase(inject('postgresUrl'));
  const left = new pg.Client({ connectionString: database.url });
  const ended = new Promise((resolve) => left.on('error', resolve));
  await left.connect();
  await left.query('create table mine (id int)');

  await database.drop();

  await ended;
  await expect(query(database.url, 'select 1')).rejects.toThrow('does not exist');
});
