import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { checkHistory } from '../../tools/cluster/checker.mjs';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { Device } from '../../tools/cluster/device.mjs';
import { type Load, startLoad } from '../../tools/cluster/load.mjs';
import { report } from '../../tools/cluster/report.mjs';
import { type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { eventually, onCluster, PATIENT, type Scene } from '../support/cluster.ts';
import { type GuessedTenant, makeGuessedTenant } from '../support/guesser.ts';
import { expectWhole, LONG, logOutAndIn, revokeWhile, untilHub } from '../support/hub-faults.ts';

/** The shortest idle time-out that a policy allows, in seconds. */
const IDLE_S = 30;

let redis: RedisServer;
let cluster: Cluster;
let guessed: GuessedTenant;
/** People of a tenant in which one grows idle quickly: they come every second or two, all the time. */
let sitters: Load;
/** One of them who never comes again. */
let absent: Device;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  cluster = await startCluster({
    ...{ postgres: { url: inject('postgresUrl') }, redis: { url: redis.url }, env: PATIENT.env },
  });
  guessed = await makeGuessedTenant(cluster, 'narrows');
  const { administrator, people } = await cluster.addTenant('quay', 3);
  const { policy } = (await administrator.call('/v1/admin/policy')).body;
  const body = { ...policy, access_ttl: IDLE_S, idle_timeout: IDLE_S };
  expect((await administrator.call('/v1/admin/policy', { method: 'PUT', body })).status).toBe(200);
  const quay = { ...cluster, administrator, people };
  sitters = await startLoad(quay, {
    ...{ checksPerSecond: 6, refreshesPerSecond: 0.5, loginsPerSecond: 0, sockets: 0 },
    ...{ devicesPerPerson: 1 },
  });
  const [person] = people;
  const device = person === undefined ? null : await sitters.login(person);
  if (device === null) throw new Error('nobody could log in');
  sitters.devices = sitters.devices.filter((one) => one !== device);
  absent = device;
});

afterAll(async () => {
  redis?.continue();
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

describe('B4 B9 A4 Redis, as a hub, goes away and comes back under load', () => {
  test('flushed again and again: nobody notices, and limits stay closed', async () => {
    await outage('Redis flushed', async () => {
      for (let flush = 0; flush < (LONG ? 40 : 8); flush += 1) {
        await redis.run('flushall');
        await sleep(400);
      }
      expect(Number(await redis.run('dbsize'))).toBeGreaterThan(0);
    });
  });

  test('killed, and back with nothing', async () => {
    await outage('Redis killed, and back empty', async ({ nodes }) => {
      await redis.halt();
      await untilHub('silent', nodes);
      await sleep(1000);
      await redis.resume({ data: false });
      await untilHub('working', nodes);
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

  test.each([0.5, 3, LONG ? 30 : 12])('it stands still for %d s', async (seconds) => {
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

  test('through all of that nobody who came grew idle, and whoever did not come did', async () => {
    const client = new pg.Client({ connectionString: cluster.databaseUrl });
    await client.connect();
    try {
      await eventually(
        'everything was swept until an idle time-out after the last loss',
        async () => {
          const { rows } = await client.query(
            `select coalesce(swept_through > s.created_at + $2 * interval '1 second' and swept_through >
               coalesce((select max(at) from unnest(lost_at) at), '-infinity') + $2 * interval '1 second', false) as is_past
               from sekisho.sweep, sekisho.session s where s.sid = $1`,
            [absent.session.sid, IDLE_S + 1],
          );
          return rows[0]?.is_past === true;
        },
        120_000,
      );
    } finally {
      await client.end();
    }
    const devices = [...sitters.devices];
    expect(devices).toHaveLength(3);
    for (const device of devices) expect((await sitters.refresh(device))?.status).toBe(200);
    const [node] = cluster.nodes;
    const body = { refresh_token: absent.refreshToken };
    const reply = await cluster.http.call(`${node?.url}/v1/refresh`, { body });
    expect([reply.status, reply.code]).toEqual([401, 'session_expired']);
    await sitters.stop();
    const verdict = checkHistory(sitters.history, { uninterrupted: true });
    process.stderr.write(`${report('those who come', sitters.history, verdict)}\n`);
    expect(verdict.violations).toEqual([]);
  });
});
