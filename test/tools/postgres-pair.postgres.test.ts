import pg from 'pg';
import { afterEach, expect, test } from 'vitest';
import { createTestDatabase, startPostgres } from '../../tools/services/postgres.mjs';
import { dumpDatabase } from '../../tools/services/postgres-dump.mjs';
import { type PostgresPair, startPostgresPair } from '../../tools/services/postgres-pair.mjs';

/** Several servers are started one after the other. */
const timeout = 300_000;
const running: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
}, timeout);

async function startPair(synchronous: boolean): Promise<PostgresPair> {
  const pair = await startPostgresPair({ synchronous });
  running.push(pair);
  return pair;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.map(([first]) => first);
  } finally {
    await client.end();
  }
}

const timeline = `select left(pg_walfile_name(pg_current_wal_lsn()), 8)`;
const system = 'select system_identifier from pg_control_system()';
const ids = 'select id from written order by id';

test(
  'a synchronous failover loses nothing that was acknowledged; roles and data are there, on another timeline',
  async () => {
    const pair = await startPair(true);
    await query(pair.url, 'create table written (id int)');
    await query(pair.url, 'insert into written values (1)');
    const [before] = await query(pair.superuserUrl, timeline);
    const [sameSystem] = await query(pair.superuserUrl, system);

    pair.pauseReplication();
    let acknowledged = false;
    const waiting = query(pair.url, 'insert into written values (2)').then(() => {
      acknowledged = true;
    });
    await query(pair.url, 'select pg_sleep(0.3)');
    expect(acknowledged).toBe(false);
    pair.resumeReplication();
    await waiting;
    await pair.failover();

    expect(await query(pair.url, ids)).toEqual([1, 2]);
    expect(
      await query(pair.url, 'select rolsuper from pg_roles where rolname = current_user'),
    ).toEqual([false]);
    expect(await query(pair.superuserUrl, timeline)).not.toEqual([before]);
    expect(await query(pair.superuserUrl, system)).toEqual([sameSystem]);
    await query(pair.url, 'insert into written values (3)');
    expect(pair.old?.running).toBe(false);
  },
  timeout,
);

test(
  'an asynchronous failover loses exactly the end that was not replicated, and can be repeated',
  async () => {
    const pair = await startPair(false);
    await query(pair.url, 'create table written (id int)');
    await query(pair.url, 'insert into written values (1)');

    await pair.lostEnd(() => query(pair.url, 'insert into written values (2)'));
    expect(await query(pair.url, ids)).toEqual([1]);

    await pair.follow();
    await query(pair.url, 'insert into written values (3)');
    await pair.caughtUp();
    await pair.failover();
    expect(await query(pair.url, ids)).toEqual([1, 3]);
  },
  timeout,
);

test(
  'an old primary that is not fenced goes on for those who are connected to it',
  async () => {
    const pair = await startPair(false);
    await query(pair.url, 'create table written (id int)');
    await pair.caughtUp();
    const connected = new pg.Client({ connectionString: pair.url });
    await connected.connect();

    await pair.failover({ fenced: false });

    await connected.query('insert into written values (1)');
    expect(await query(pair.url, ids)).toEqual([]);
    await connected.end();
  },
  timeout,
);

test(
  'a database is put back under a server that runs on, with its owners and its row-level security',
  async () => {
    const postgres = await startPostgres();
    running.push(postgres);
    const { url } = await createTestDatabase(postgres.url);
    const same = `select concat(pg_postmaster_start_time(), current_user)`;
    await query(url, 'create table written (id int)');
    await query(url, 'alter table written enable row level security');
    await query(url, 'alter table written force row level security');
    await query(url, 'create policy small on written using (id < 9)');
    await query(url, 'insert into written values (1)');
    const before = await query(url, same);

    const dump = await dumpDatabase(postgres, url);
    await query(url, 'insert into written values (2)');
    for (let time = 1; time <= 2; time += 1) {
      await dump.restore();
      expect(await query(url, ids)).toEqual([1]);
      await query(url, 'insert into written values (3)');
      await expect(query(url, 'insert into written values (9)')).rejects.toThrow('policy');
    }
    dump.remove();

    expect(await query(url, same)).toEqual(before);
  },
  timeout,
);

test(
  'a data directory is put back to an earlier state, roles and all, on the same timeline',
  async () => {
    const postgres = await startPostgres();
    running.push(postgres);
    const started = 'select pg_postmaster_start_time()';
    await query(postgres.url, 'create table written (id int)');
    await query(postgres.url, 'insert into written values (1)');
    const [before] = await query(postgres.superuserUrl, timeline);
    const [start] = await query(postgres.url, started);

    const snapshot = await postgres.snapshotDataDirectory();
    expect(await query(postgres.url, started)).toEqual([start]);
    await query(postgres.url, 'insert into written values (2)');

    for (let time = 1; time <= 2; time += 1) {
      await postgres.putBack(snapshot);
      expect(await query(postgres.url, ids)).toEqual([1]);
      await query(postgres.url, 'insert into written values (3)');
    }
    expect(await query(postgres.superuserUrl, timeline)).toEqual([before]);
    expect(await query(postgres.url, started)).not.toEqual([start]);
  },
  timeout,
);
