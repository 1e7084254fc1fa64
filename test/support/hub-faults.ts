import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Cluster } from '../../tools/cluster/cluster.mjs';
import type { ClusterNode } from '../../tools/cluster/node.mjs';
import type { TcpProxy } from '../../tools/services/tcp-proxy.mjs';
import { answers, eventually, type Scene } from './cluster.ts';

const PAUSE_MS = 50;

/** One person is logged out by an administrator: every node refuses the old session and accepts a new one. */
export async function logOutAndIn(scene: Scene, node?: ClusterNode): Promise<void> {
  const { load, yuki } = scene;
  const device = await load.login(yuki);
  if (device === null) throw new Error('nobody could log in');
  const revocation = await load.revoker.user(yuki, node === undefined ? {} : { node });
  expect(revocation.outcome).toBe('everywhere');
  const all = scene.nodes.length;
  expect(await answers(scene, device)).toEqual(Array(all).fill([401, 'session_revoked']));
  const again = await load.login(yuki);
  if (again === null) throw new Error('nobody could log in again');
  expect(await answers(scene, again)).toEqual(Array(all).fill([200, null]));
}

/**
 * Revokes at every node in turn, sessions and now and then all of a user's, from before `fault` until it is over and once
 * more at each node. @returns how many revoking calls began while it lasted
 */
export async function revokeWhile(scene: Scene, fault: () => Promise<unknown>): Promise<number> {
  const { load, nodes, cluster, yuki } = scene;
  // The first user is for what a case does itself.
  const others = cluster.people.filter((person) => person !== yuki);
  let over = false;
  let during = 0;
  const faulting = fault().finally(() => {
    over = true;
  });
  const revoking = Promise.all(
    nodes.map(async (node, index) => {
      const person = others[index % others.length];
      if (person === undefined) throw new Error('a case needs people');
      for (let round = 0; !over; round += 1) {
        during += 1;
        const device = await load.login(person);
        if (device !== null && round % 4 !== 3) await load.revoker.session(device, { node });
        else await load.revoker.user(person, { node });
        await sleep(PAUSE_MS);
      }
    }),
  );
  await Promise.all([faulting, revoking]);
  return during;
}

/** Waits until the hub demonstrably works, or does not, at all of these nodes. */
export async function untilHub(
  state: 'working' | 'silent',
  nodes: readonly ClusterNode[],
): Promise<void> {
  await eventually(
    `the hub is ${state} at ${nodes.map(({ name }) => name).join(', ')}`,
    async () => {
      const all = await Promise.all(nodes.map((node) => node.readiness()));
      return all.every(({ checks }) => checks.hub?.ok === (state === 'working'));
    },
  );
}

/** All is whole again: every node ready, its hub working, and a revocation through each of them everywhere. */
export async function expectWhole(scene: Scene): Promise<void> {
  await untilHub('working', scene.nodes);
  for (const node of scene.nodes) {
    expect((await node.readiness()).status).toBe(200);
    await logOutAndIn(scene, node);
  }
}

/** The proxies between the nodes and Redis, in the order of the nodes. */
export function redisProxies(cluster: Cluster): readonly TcpProxy[] {
  return cluster.nodes.map((node) => {
    const { redis } = cluster.proxies(node);
    if (redis === null) throw new Error('this cluster has no Redis');
    return redis;
  });
}
