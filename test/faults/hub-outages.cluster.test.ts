import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { PARTITIONS } from '../../src/hub/redis/seen-keys.ts';
import { checkHistory } from '../../tools/cluster/checker.mjs';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import { type Load, startLoad } from '../../tools/cluster/load.mjs';
import { report } from '../../tools/cluster/report.mjs';
import { type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { eventually, onCluster, PATIENT, type Scene } from '../support/cluster.ts';
import { type GuessedTenant, makeGuessedTenant } from '../support/guesser.ts';
import { expectWhole, logOutAndIn, revokeWhile, untilHub } from '../support/hub-faults.ts';
import { LONG } from '../support/long.ts';

/** The shortest idle time-out that a policy allows, in seconds. */
const IDLE_S = 30;

let redis: RedisServer;
let cluster: Cluster;
let database: pg.Client;
let guessed: GuessedTenant;
/** People of a tenant in which one grows idle quickly. They do nothing by themselves. */
let visitors: Load;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  cluster = await startCluster({
    ...{ postgres: { url: inject('postgresUrl') }, redis: { url: redis.url }, env: PATIENT.env },
  });
  database = new pg.Client({ connectionString: cluster.databaseUrl });
  await database.connect();
  guessed = await makeGuessedTenant(cluster, 'narrows');
  const { administrator, people } = await cluster.addTenant('quay', 3);
  const { policy } = (await administrator.call('/v1/admin/policy')).body;
  const body = { ...policy, access_ttl: IDLE_S, idle_timeout: IDLE_S };
  expect((await administrator.call('/v1/admin/policy', { method: 'PUT', body })).status).toBe(200);
  // What is known of these people in the record stays what it is now, until sweeping goes on.
  await database.query('select sekisho.pause_sweep(true)');
  visitors = await startLoad(
    { ...cluster, administrator, people },
    {
      ...{ checksPerSecond: 0, refreshesPerSecond: 0, loginsPerSecond: 0, sockets: 0 },
      ...{ devicesPerPerson: 1 },
    },
  );
});

afterAll(async () => {
  redis?.continue();
  await database?.end();
  await cluster?.stop();
  await redis?.stop();
});

/**
 * Two accounts are guessed at, one from before the fault on, one since it began; people are logged out all the while. None
 * of it is interrupted.
 */
async function outage(title: string, fault: (scene: Scene) => Promise<void>): Promise<void> {
  const summary = await onCluster(
    cluster,
    title,
    async (scene) => {
      const earlier = await guessed.guess();
      await logOutAndIn(scene);
      const revoked = await revokeWhile(scene, async () => {
        const later = await guessed.guess();
        await fault(scene);
        await later.end();
      });
      expect(revoked).toBeGreaterThanOrEqual(scene.nodes.length);
      await expectWhole(scene);
      await earlier.end();
    },
    { load: { ...PATIENT.load, loginsPerSecond: 2 }, check: { uninterrupted: true } },
  );
  expect(summary.notEverywhere).toBe(0);
}

/** Each of the people with the short time-out does something; resolves when Redis knows it, and nobody else. */
async function visit(): Promise<void> {
  for (const device of visitors.devices) {
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error('a cluster needs nodes');
    expect((await visitors.refresh(device))?.status).toBe(200);
    expect((await visitors.check(device, node)).status).toBe(200);
  }
  await eventually('their visits are in Redis', async () => {
    const keys = String(await redis.run('keys', '*:session:*'));
    return visitors.devices.every(({ session }) => keys.includes(session.sid));
  });
}

async function everyNodeHasMarks(): Promise<boolean> {
  const names = await redis.run('keys', '*:seen:{*');
  if (!Array.isArray(names) || names.length !== PARTITIONS) return false;
  const lengths = await Promise.all(names.map((name) => redis.run('hlen', String(name))));
  return lengths.every((length) => Number(length) >= cluster.nodes.length);
}

describe('B4 B9 A4 Redis, as a hub, goes away and comes back under load', () => {
  test.each([LONG ? 30 : 12, 3, 0.5])('it stands still for %d s', async (seconds) => {
    await outage(`Redis stopped for ${seconds} s`, async ({ nodes }) => {
      let answered = false;
      redis.pause();
      const asked = redis.run('ping').then(
        () => {
          answered = true;
        },
        () => {},
      );
      if (seconds >= 3) await untilHub('silent', nodes);
      await sleep(seconds * 1000);
      expect(answered).toBe(false);
      redis.continue();
      await asked;
    });
  });

  test('killed, and back with its file', async () => {
    await outage('Redis killed, and back from its file', async ({ nodes }) => {
      await redis.run('set', 'kept', 1);
      await redis.halt();
      await untilHub('silent', nodes);
      await redis.resume();
      expect(await redis.run('get', 'kept')).toBe('1');
      await untilHub('working', nodes);
    });
  });

  test('flushed again and again: nobody notices, and limits stay closed', async () => {
    await visit();
    await outage('Redis flushed', async () => {
      for (let flush = 0; flush < 8; flush += 1) {
        await redis.run('flushall');
        await sleep(300);
      }
    });
  });

  test('killed, and back with nothing', async () => {
    await outage('Redis killed, and back empty', async ({ nodes }) => {
      await redis.halt();
      await untilHub('silent', nodes);
      await redis.resume({ data: false });
      await untilHub('working', nodes);
    });
  });

  test('nobody grows idle whose visit was lost with Redis', async () => {
    // A sweep moves the time that idleness is judged by only as far as every node's marks go, and these were lost, too.
    await eventually('every node has left its marks anew', everyNodeHasMarks);
    await database.query('select sekisho.pause_sweep(false)');
    const sids = visitors.devices.map(({ session }) => session.sid);
    expect(sids).toHaveLength(3);
    await eventually(
      'by what is written down, all of them have been idle for too long',
      async () => {
        const { rows } = await database.query(
          `select bool_and(s.last_seen_at + $2 * interval '1 second' < w.swept_through) as are
           from sekisho.session s, sekisho.sweep w where s.sid = any($1)`,
          [sids, IDLE_S],
        );
        return rows[0]?.are === true;
      },
    );
    for (const device of visitors.devices) {
      expect((await visitors.refresh(device))?.status).toBe(200);
    }
    await visitors.stop();
    const verdict = checkHistory(visitors.history, { uninterrupted: true });
    process.stderr.write(`${report('those who came', visitors.history, verdict)}\n`);
    expect(verdict.violations).toEqual([]);
  });
});
