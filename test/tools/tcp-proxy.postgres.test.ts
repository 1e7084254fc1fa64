import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { everyNth, startProxy, type TcpProxy } from '../../tools/services/tcp-proxy.mjs';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let proxy: TcpProxy;
const clients: pg.Client[] = [];

beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy({
    target: { host: hostname, port: Number(port) },
    protocol: 'postgres',
  });
});

afterEach(async () => {
  proxy.onDelivery(undefined);
  proxy.setMode({ kind: 'pass' });
  await Promise.all(clients.splice(0).map((client) => client.end()));
});

afterAll(async () => {
  await proxy?.stop();
  await database?.drop();
});

async function dial(url: string, name = ''): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: name });
  client.on('error', () => {});
  await client.connect();
  clients.push(client);
  return client;
}

test('UNKNOWN OUTCOME: the commit gets through, its answer is lost', async () => {
  const direct = await dial(database.url);
  await direct.query('create table written (id int)');
  const through = await dial(proxy.through(database.url), 'node1');
  expect(proxy.connections().map(({ name }) => name)).toContain('node1');

  const lost = proxy.loseAnswerTo(/insert into written/);
  await expect(through.query('insert into written values ($1)', [1])).rejects.toThrow();

  await lost;
  expect((await direct.query('select id from written')).rows).toEqual([{ id: 1 }]);
});

test('the answer to a named statement that was prepared before is lost in silence', async () => {
  const direct = await dial(database.url);
  await direct.query('create table counted (id int)');
  const through = await dial(proxy.through(database.url));
  const statement = { name: 'count', text: 'insert into counted values ($1)' };
  await through.query({ ...statement, values: [1] });

  const lost = proxy.loseAnswerTo(/insert into counted/, 'silence');
  let answered = false;
  const answer = through.query({ ...statement, values: [2] }).finally(() => {
    answered = true;
  });
  await lost;

  expect((await direct.query('select id from counted')).rows).toEqual([{ id: 1 }, { id: 2 }]);
  expect(answered).toBe(false);
  proxy.cut();
  await expect(answer).rejects.toThrow();
});

test('from a statement on nothing passes, it included; later all of it does', async () => {
  const direct = await dial(database.url);
  await direct.query('create table held (id int)');
  const through = await dial(proxy.through(database.url));
  const beside = await dial(proxy.through(database.url));
  const statement = { name: 'hold', text: 'insert into held values ($1)' };
  await through.query({ ...statement, values: [1] });

  const cutOff = proxy.holdFrom(/insert into held/);
  await beside.query('select 1');
  let answers = 0;
  const written = through.query({ ...statement, values: [2] }).then(() => (answers += 1));
  await cutOff;
  const asked = beside.query('select 1').then(() => (answers += 1));
  await direct.query('select pg_sleep(0.1)');
  expect((await direct.query('select id from held')).rows).toEqual([{ id: 1 }]);
  expect(answers).toBe(0);

  proxy.setMode({ kind: 'pass' });
  await Promise.all([written, asked]);
  expect((await direct.query('select id from held')).rows).toEqual([{ id: 1 }, { id: 2 }]);
});

test('notifications are dropped, doubled and forged one by one; answers pass', async () => {
  const listener = await dial(proxy.through(database.url));
  const heard: string[] = [];
  listener.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await listener.query('listen other; listen "Told"; unlisten other');
  const direct = await dial(database.url);

  proxy.onDelivery(everyNth(2, 'drop'));
  for (const text of ['a', 'b', 'c']) await direct.query(`select pg_notify('Told', '${text}')`);
  await expect.poll(() => heard).toEqual(['a', 'c']);
  proxy.onDelivery(() => 'double');
  await direct.query(`select pg_notify('Told', 'd')`);
  await expect.poll(() => heard).toEqual(['a', 'c', 'd', 'd']);

  expect(proxy.forge({ channel: 'Told', payload: Buffer.from('evil') })).toBe(1);
  await expect.poll(() => heard.at(-1)).toBe('evil');
  expect((await listener.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('frozen connections go on where they were', async () => {
  const through = await dial(proxy.through(database.url));
  proxy.setMode({ kind: 'blackhole', direction: 'toClient' });
  let answered = false;
  const answer = through.query('select 1 as one').then(({ rows }) => {
    answered = true;
    return rows;
  });
  await (await dial(database.url)).query('select pg_sleep(0.1)');
  expect(answered).toBe(false);

  proxy.setMode({ kind: 'pass' });
  expect(await answer).toEqual([{ one: 1 }]);
});
