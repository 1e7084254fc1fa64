import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Device } from '../../tools/cluster/device.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import { answers, underLoad } from '../support/cluster.ts';

test('G4 B10 a node that is added under traffic knows the revocations so far, and accepts nothing it should not', async () => {
  const joined: (number | null)[] = [];
  const summary = await underLoad('G4', async (scene) => {
    const { cluster, load, yuki } = scene;
    const revoked: Device[] = [];
    const revokeOne = async (): Promise<void> => {
      const device = await load.login(yuki);
      if (device === null) throw new Error('a device could not log in');
      expect((await load.revoker.session(device)).outcome).toBe('everywhere');
      revoked.push(device);
    };
    for (let index = 0; index < 3; index += 1) await revokeOne();

    // The new node is asked from before it exists until after it serves, and people are logged out meanwhile.
    let done = false;
    const asking: Promise<void>[] = [];
    const ask = async (node: ClusterNode): Promise<void> => {
      for (let round = 0; round < 2000 && !done; round += 1) {
        for (const device of [...revoked]) joined.push((await load.check(device, node)).status);
        await sleep(5);
      }
    };
    const adding = cluster.addNode({ made: (node) => void asking.push(ask(node)) }).finally(() => {
      done = true;
    });
    while (!done) await revokeOne();
    const node = await adding;
    await Promise.all(asking);
    expect(cluster.nodes).toHaveLength(4);
    for (const device of revoked) {
      expect(await load.check(device, node)).toMatchObject({
        status: 401,
        code: 'session_revoked',
      });
    }
    const fresh = await load.login(yuki, node);
    if (fresh === null) throw new Error('the new node logged nobody in');
    expect(await answers(scene, fresh)).toEqual(Array(4).fill([200, null]));
  });
  // It was refused, answered that it is starting, then 401: never anything else.
  expect(joined.filter((status) => status !== null && status !== 503 && status !== 401)).toEqual(
    [],
  );
  expect(joined.length).toBeGreaterThan(0);
  expect(summary.revocations.everywhere).toBeGreaterThan(3);
});
