import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { answers, type Scene, underLoad } from '../support/cluster.ts';

/** A forced logout that becomes everywhere, with a login before and after it. */
async function logOutAndIn(scene: Scene): Promise<void> {
  const { load, yuki } = scene;
  const device = await load.login(yuki);
  if (device === null) throw new Error('nobody could log in');
  expect((await load.revoker.user(yuki)).outcome).toBe('everywhere');
  expect(await answers(scene, device)).toEqual(Array(3).fill([401, 'session_revoked']));
  const again = await load.login(yuki);
  if (again === null) throw new Error('nobody could log in again');
  expect(await answers(scene, again)).toEqual(Array(3).fill([200, null]));
}

test('G5 B4 Redis is slow, stopped, killed, and back empty: requests go on, and revocations are everywhere', async () => {
  const summary = await underLoad(
    'G5',
    async (scene) => {
      const { cluster, nodes } = scene;
      const { redis } = cluster;
      if (redis === null) throw new Error('this case needs a Redis of its own');
      const toRedis = nodes.map((node) => cluster.proxies(node).redis);
      await logOutAndIn(scene);

      for (const proxy of toRedis) proxy?.setMode({ kind: 'delay', delayMs: 400, jitterMs: 200 });
      await logOutAndIn(scene);
      for (const proxy of toRedis) proxy?.setMode({ kind: 'pass' });

      redis.pause();
      await sleep(2500);
      await logOutAndIn(scene);
      redis.continue();
      await logOutAndIn(scene);

      await redis.halt();
      await logOutAndIn(scene);
      await redis.resume({ data: false });
      await logOutAndIn(scene);
    },
    { cluster: { hub: 'redis', proxied: true }, check: { uninterrupted: true } },
  );
  expect(summary.revocations.everywhere).toBeGreaterThanOrEqual(6);
});
