import { describe, expect, it } from 'vitest';
import { BARRIER_LOOKS_PER_HEARTBEAT } from '../../src/revocation/constants.ts';
import type { BarrierResult } from '../../src/revocation/contract.ts';
import type { Entry } from '../../src/revocation/types.ts';
import { type SimulatedNode, Simulation } from '../support/simulation.ts';

const LEASE_MS = 750;
const HEARTBEAT_MS = LEASE_MS / 3;
const OPTIONS = { leaseMs: LEASE_MS, toleranceMs: 3000 };

type Hub = Simulation['network']['hubKind'];

async function joined(world: Simulation, count: number, hub: Hub): Promise<SimulatedNode[]> {
  world.network.hubKind = hub;
  const nodes = Array.from({ length: count }, () => world.addNode(OPTIONS));
  await world.until(Promise.all(nodes.map((node) => node.follower.join())));
  return nodes;
}

let operations = 0;
function commit(world: Simulation): Entry {
  operations += 1;
  return world.record.append({
    ...{ operationId: `op${operations}`, scope: 'user' },
    ...{ tid: 't1', uid: 'u1', sid: null, sparedSid: null },
  });
}

const listings = (world: Simulation): number => world.record.carried.get('listForBarrier') ?? 0;

describe('BARRIER while acknowledgements come by row', () => {
  it('B3 everywhere a few looks after the announcement, long before the next regular heartbeat', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new Simulation(seed);
      const [node] = (await joined(world, 3, 'notify')) as [SimulatedNode];
      const before = listings(world);
      const entry = commit(world);
      node.follower.committed([entry]);
      const result = await world.until(node.follower.barrier(entry, 2000));
      expect(result).toMatchObject({ effective: 'everywhere', members: 3 });
      expect(result?.waitedMs).toBeLessThan(HEARTBEAT_MS / 2);
      expect(listings(world) - before).toBeLessThanOrEqual(7);
    }
  });

  it('B3 with no hub at all, within two heartbeats', async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const world = new Simulation(seed);
      const [node] = (await joined(world, 3, 'none')) as [SimulatedNode];
      const entry = commit(world);
      node.follower.committed([entry]);
      const result = await world.until(node.follower.barrier(entry, 2000));
      expect(result).toMatchObject({ effective: 'everywhere', members: 3 });
      expect(result?.waitedMs).toBeLessThan(2 * HEARTBEAT_MS);
    }
  });

  it('a member that does not answer is not looked after faster than a few times a heartbeat', async () => {
    const world = new Simulation(3);
    const [node, gone] = (await joined(world, 2, 'notify')) as [SimulatedNode, SimulatedNode];
    gone.cutOff = true;
    const before = listings(world);
    const entry = commit(world);
    node.follower.committed([entry]);
    const result = await world.until(node.follower.barrier(entry, 20 * HEARTBEAT_MS));
    const heartbeats = (result?.waitedMs ?? 0) / HEARTBEAT_MS;
    expect(heartbeats).toBeGreaterThan(10);
    // Five more at the beginning, while the looks grow apart, and one at the end of the term.
    expect(listings(world) - before).toBeLessThanOrEqual(
      heartbeats * BARRIER_LOOKS_PER_HEARTBEAT + 6,
    );
  });

  it('B7 a thousand revocations, one after the other, share the looks', async () => {
    const world = new Simulation(4);
    const [node] = (await joined(world, 3, 'notify')) as [SimulatedNode];
    const before = listings(world);
    const results: Promise<BarrierResult>[] = [];
    for (let index = 0; index < 1000; index += 1) {
      const entry = commit(world);
      node.follower.committed([entry]);
      results.push(node.follower.barrier(entry, 5000));
      await world.run(1);
    }
    const reached = await world.until(Promise.all(results));
    expect(reached?.every(({ effective }) => effective === 'everywhere')).toBe(true);
    expect(listings(world) - before).toBeLessThan(500);
  });
});
