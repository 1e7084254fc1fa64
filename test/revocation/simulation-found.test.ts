import { describe, expect, it } from 'vitest';
import type { CommitRequest, LogStore } from '../../src/record/contract.ts';
import { Simulation } from '../support/simulation.ts';

const OPTIONS = { leaseMs: 300, toleranceMs: 0 };

/** Schedules that the simulation found a hole with, as small as they could be made. */
describe('found by the simulation', () => {
  it('WALL TIME: a process that is stopped while it joins neither gives up nor keeps a wrong time for ever', async () => {
    const world = new Simulation(1);
    const node = world.addNode(OPTIONS);
    const join = node.follower.join();
    // The row is inserted, and its acknowledgement waits for the process to go on.
    node.paused = true;
    await world.run(20 * 60_000);
    node.paused = false;
    await world.until(join);
    expect(node.follower.status().state).toBe('serving');
    expect(Math.abs(node.follower.wallNowMs() - world.nowMs)).toBeLessThan(1000);
  });

  it('HAND IN: another node was quicker, in a history that is newer than the lineage at hand', async () => {
    const world = new Simulation(2);
    const { record } = world;
    const log = record.log(async (_verb, run) => run());
    let overtaken = false;
    const slow: LogStore = {
      ...log,
      commit: async (requests: readonly CommitRequest[]) => {
        if (!overtaken && requests[0]?.handIn === true) {
          overtaken = true;
          const { generation } = record.head;
          record.restart();
          await log.beginGeneration(generation, 'newer', false);
          await log.commit(requests);
        }
        return log.commit(requests);
      },
    };
    const node = world.addNode({ ...OPTIONS, log: slow });
    await world.until(node.follower.join());
    const entry = record.append({
      operationId: 'op',
      scope: 'user',
      tid: 't1',
      uid: 'u1',
      sid: null,
      sparedSid: null,
    });
    node.follower.committed([entry]);
    record.restart(1);
    await world.run(2000);
    expect(overtaken).toBe(true);
    const failures = node.events.flatMap((event) =>
      event.kind === 'failed' ? [String(event.error)] : [],
    );
    expect(failures).toEqual([]);
    expect(node.follower.status()).toMatchObject({
      state: 'serving',
      freshness: 'fresh',
      generation: 'newer',
      applied: 1,
    });
    expect(record.entries.map(({ operationId }) => operationId)).toEqual(['op']);
  });
});
