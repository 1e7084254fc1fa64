import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Cluster, startCluster } from '../../tools/cluster/cluster.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import { movableWallClock, shiftedWallClock } from '../../tools/services/faketime.mjs';
import { answers, eventually, onCluster, type Scene } from '../support/cluster.ts';
import { LONG } from '../support/long.ts';
import { expectAllWhole, loggedIn, untilEverywhere } from '../support/node-faults.ts';

/** Within MAX_SKEW of the record's, and most of a minute apart from each other. */
const OFFSETS_MS = [-25_000, 0, 25_000];
const MINUTES_MS = 5 * 60_000;

let cluster: Cluster;
const folder = mkdtempSync(join(tmpdir(), 'sekisho-clocks-'));
/** Of the node in the middle. */
const clock = movableWallClock(join(folder, 'clock'));

beforeAll(async () => {
  cluster = await startCluster({
    postgres: { url: inject('postgresUrl') },
    env: (index) => ({
      SEKISHO_LEASE_MS: '1500',
      ...(index === 1 ? clock.env : shiftedWallClock({ offsetMs: OFFSETS_MS[index] ?? 0 })),
    }),
  });
});

afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Logged in at each node, refreshed at each, honoured by all; revoked at each, and refused by all. */
async function live(scene: Scene): Promise<void> {
  const { load, nodes, yuki } = scene;
  for (const node of nodes) {
    const device = await loggedIn(load, yuki, node);
    for (const other of nodes) {
      await eventually('it is refreshed', async () => {
        const reply = await load.refresh(device, other);
        return reply?.status === 200;
      });
      await eventually('every node accepts it', async () => {
        const all = await answers(scene, device);
        expect(all.map(([status]) => status)).not.toContain(401);
        return all.every(([status]) => status === 200);
      });
    }
    await untilEverywhere([await load.revoker.user(yuki, { node })]);
    const all = await answers(scene, device);
    expect(all).toEqual(nodes.map(() => [401, 'session_revoked']));
  }
}

function at(nodes: readonly ClusterNode[], index: number): ClusterNode {
  const node = nodes[index];
  if (node === undefined) throw new Error(`there is no node ${index}`);
  return node;
}

describe('WALL TIME A3 B3 wall clocks differ', () => {
  test('by most of a minute: nobody notices', async () => {
    const summary = await onCluster(cluster, 'wall clocks apart', async (scene) => {
      for (let round = 0; round < (LONG ? 20 : 1); round += 1) await live(scene);
      await expectAllWhole(scene.load, scene.nodes, scene.yuki);
    });
    expect(summary.notEverywhere).toBe(0);
  });

  test('by minutes: such a node does not start and says why, and the others go on', async () => {
    await onCluster(cluster, 'a start with a wrong wall clock', async (scene) => {
      const node = at(scene.nodes, 2);
      await node.stop();
      for (const [word, offsetMs] of [
        ['ahead of', MINUTES_MS],
        ['behind', -MINUTES_MS],
      ] as const) {
        await expect(node.start({ env: shiftedWallClock({ offsetMs }) })).rejects.toThrow(
          `s ${word} that of the database, and at most 30 s are allowed: set the clock that is wrong, and keep both with NTP.`,
        );
        expect(node.exitCode).toBeGreaterThan(0);
      }
      await node.start({ env: shiftedWallClock({ offsetMs: OFFSETS_MS[2] ?? 0 }) });
      await expectAllWhole(scene.load, scene.nodes, scene.yuki);
    });
  });

  test('and one jumps by minutes while its node runs: it stays right, until it is started anew', async () => {
    await onCluster(cluster, 'a wall clock jumps', async (scene) => {
      const { load, nodes, yuki } = scene;
      const node = at(nodes, 1);
      for (const offsetMs of [MINUTES_MS, -MINUTES_MS]) {
        clock.move(offsetMs);
        await live(scene);
      }
      // It really has jumped.
      await node.stop();
      await expect(node.start()).rejects.toThrow('s behind that of the database');
      clock.move(0);
      await node.start();
      await expectAllWhole(load, nodes, yuki);
    });
  });
});
