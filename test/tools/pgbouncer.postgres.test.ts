import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { type Pgbouncer, startPgbouncer } from '../../tools/services/pgbouncer.mjs';
import { createTestDatabase } from '../../tools/services/postgres.mjs';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pooler: Pgbouncer | undefined;
const clients: pg.Client[] = [];

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await pooler?.stop();
  pooler = undefined;
});

afterAll(() => database?.drop());

async function dial(poolMode: 'session' | 'transaction' | 'statement'): Promise<pg.Client> {
  pooler ??= await startPgbouncer({ target: inject('postgresUrl'), poolMode });
  const client = new pg.Client({ connectionString: pooler.through(database.url) });
  clients.push(client);
  await client.connect();
  return client;
}

const pidOf = async (client: pg.Client) =>
  (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid;

test('session mode: a connection has a backend to itself, transactions and all', async () => {
  const [one, two] = [await dial('session'), await dial('session')];

  await one.query('begin');
  await one.query('create table made (id int)');
  await one.query('commit');

  expect(await pidOf(one)).not.toBe(await pidOf(two));
});

test('transaction mode: connections share a backend between transactions', async () => {
  const [one, two] = [await dial('transaction'), await dial('transaction')];

  expect(await pidOf(one)).toBe(await pidOf(two));
  await one.query('begin');
  const held = await pidOf(one);
  expect(await pidOf(two)).not.toBe(held);
  await one.query('commit');
});

test('statement mode: a transaction of several statements is refused', async () => {
  const client = await dial('statement');
  client.on('error', () => {});

  expect(await pidOf(client)).toBeGreaterThan(0);
  await expect(client.query('begin')).rejects.toThrow('not allowed');
});
