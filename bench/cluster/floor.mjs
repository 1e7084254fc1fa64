/**
 * The least that a revocation can take on given servers: one commit, one message to another process, and its answer. Two
 * processes of their own do that and nothing else: this file is also what they run.
 *
 * With Redis the message and its answer are published there, with NOTIFY by PostgreSQL. Where there are heartbeats alone
 * the other process looks at the record as often as a node's heartbeat does, and answers by a row, which is read again
 * every few milliseconds.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import pg from 'pg';
import { createTestDatabase } from '../../tools/services/postgres.mjs';

/** A third of the default lease. */
export const HEARTBEAT_MS = 250;
const LOOK_MS = 3;

/** @typedef {'redis' | 'notify' | 'heartbeat'} HubName */
/** @typedef {{ measure: () => Promise<number>, stop: () => Promise<void> }} Floor `measure` in milliseconds */

if (process.env.BENCH_FLOOR !== undefined && process.send)
  await play(JSON.parse(process.env.BENCH_FLOOR));

/** @param {{ hub: HubName, postgresUrl: string, redisUrl: string }} options @returns {Promise<Floor>} */
export async function startFloor({ hub, postgresUrl, redisUrl }) {
  const database = await createTestDatabase(postgresUrl);
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('create table written (n int primary key, at timestamptz default now())');
  await client.query('create table head (n int)');
  await client.query('create table beat (n int)');
  await client.query('insert into head values (0)');
  await client.query('insert into beat values (0)');
  await client.end();
  const start = async (/** @type {string} */ role) => {
    const child = fork(fileURLToPath(import.meta.url), [], {
      env: {
        ...process.env,
        BENCH_FLOOR: JSON.stringify({ role, hub, postgresUrl: database.url, redisUrl }),
      },
    });
    await once(child, 'message');
    return child;
  };
  const answerer = await start('answerer');
  const asker = await start('asker');
  let stopped = false;
  return {
    async measure() {
      asker.send('measure');
      const [ms] = await once(asker, 'message');
      return ms;
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      for (const child of [asker, answerer]) {
        const gone = once(child, 'exit');
        child.disconnect();
        await gone;
      }
      await database.drop();
    },
  };
}

/** One of the two processes. */
async function play({ role, hub, postgresUrl, redisUrl }) {
  process.once('disconnect', () => process.exit(0));
  const record = new pg.Client({ connectionString: postgresUrl });
  await record.connect();
  const lane = await laneOf(hub, record, postgresUrl, redisUrl, role);
  if (role === 'answerer') {
    process.send?.('ready');
    return;
  }
  let n = 0;
  process.on('message', async () => {
    const began = performance.now();
    n += 1;
    await record.query(
      "with w as (insert into written (n) values ($1)), h as (update head set n = $1) select set_config('synchronous_commit', 'on', true)",
      [n],
    );
    await lane.ask(n);
    process.send?.(performance.now() - began);
  });
  process.send?.('ready');
}

/** @param {HubName} hub */
async function laneOf(hub, record, postgresUrl, redisUrl, role) {
  const [hears, says] = role === 'asker' ? ['answers', 'asks'] : ['asks', 'answers'];
  /** @type {Map<number, () => void>} */
  const waiting = new Map();
  const heard = (/** @type {number} */ n, /** @type {(n: number) => unknown} */ say) => {
    if (role === 'answerer') say(n);
    else waiting.get(n)?.();
  };
  const asking = (/** @type {(n: number) => unknown} */ say) => ({
    ask: (/** @type {number} */ n) =>
      new Promise((resolve) => {
        waiting.set(n, () => resolve(waiting.delete(n)));
        say(n);
      }),
  });

  if (hub === 'redis') {
    const [sender, listener] = [new Redis(redisUrl), new Redis(redisUrl)];
    const say = (n) => sender.publish(`floor:${says}`, String(n));
    listener.on('message', (_channel, text) => heard(Number(text), say));
    await listener.subscribe(`floor:${hears}`);
    return asking(say);
  }
  if (hub === 'notify') {
    const listener = new pg.Client({ connectionString: postgresUrl });
    await listener.connect();
    const say = (n) => record.query('select pg_notify($1, $2)', [says, String(n)]);
    listener.on('notification', ({ payload }) => heard(Number(payload), say));
    await listener.query(`listen ${hears}`);
    return asking(say);
  }
  if (role === 'answerer') {
    const look = () => record.query('update beat set n = (select n from head)');
    setInterval(look, HEARTBEAT_MS);
    return { ask: async () => {} };
  }
  return {
    async ask(n) {
      for (;;) {
        const { rows } = await record.query('select n from beat');
        if (rows[0].n >= n) return;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
    },
  };
}
