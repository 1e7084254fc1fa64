import { describe, expect, it } from 'vitest';
import { Simulation } from '../support/simulation.ts';

describe('RECONCILE: a view that was found wrong', () => {
  it('B9 ASVS 16.5.2 vouches for nobody until it is mended, and is mended although the record was away', async () => {
    const world = new Simulation(71);
    const node = world.addNode({
      leaseMs: 20_000,
      toleranceMs: 0,
      onEvent: ({ kind }) => {
        if (kind === 'view_differed') world.faults.recordDown = true;
      },
    });
    await world.until(node.follower.join());
    await world.run(50 * 60_000);
    world.record.append({
      ...{ operationId: 'op', scope: 'user', tid: 't1', uid: 'u1', sid: null, sparedSid: null },
    });
    await world.run(3 * 60_000);
    world.record.corrupt(1, { uid: 'u2' });
    const { generation } = world.record.head;
    const revoked = { tid: 't1', uid: 'u2', sid: 's2', generation, epoch: 0, tokenEpoch: 0 };
    while (!world.faults.recordDown) {
      expect(node.follower.judgeNow(revoked).kind).toBe('pass');
      await world.run(1000);
    }
    await world.run(10_000);
    expect(node.follower.judgeNow(revoked).kind).toBe('unavailable');
    world.faults.recordDown = false;
    await world.run(60_000);
    expect(node.follower.freshnessNow()).toBe('fresh');
    expect(node.follower.judgeNow(revoked).kind).toBe('revoked');
  });
});
