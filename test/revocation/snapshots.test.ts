import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { LogStore } from '../../src/record/contract.ts';
import { HISTORY_REPEATS } from '../../src/revocation/constants.ts';
import { readPages, readSnapshot } from '../../src/revocation/snapshots.ts';
import type { Entry, Lineage } from '../../src/revocation/types.ts';
import { Simulation } from '../support/simulation.ts';

const lineage: Lineage = [{ id: 'g1', parent: null, parentEnd: 0, settled: true }];

function entriesOf(from: number, to: number): Entry[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => ({
    ...{ generation: 'g1', position: from + index, operationId: `op${from + index}` },
    ...{ scope: 'user', tid: 't1', uid: `u${from + index}`, sid: null, sparedSid: null },
  }));
}

/** A log that can be changed between two pages. */
function logOf(state: {
  position: number;
  horizon?: number;
  generation?: string;
  identityAgrees?: boolean;
  /** Called before each page. */
  meanwhile?: (page: number) => void;
  without?: number;
}) {
  let pages = 0;
  let headers = 0;
  const check = () => ({
    head: { generation: state.generation ?? 'g1', position: state.position },
    identityAgrees: state.identityAgrees ?? true,
    horizon: state.horizon ?? 0,
  });
  const log: Pick<LogStore, 'snapshot' | 'fetch'> = {
    async snapshot() {
      headers += 1;
      return { ...check(), lineage };
    },
    async fetch(after, limit) {
      pages += 1;
      state.meanwhile?.(pages);
      const entries = entriesOf(after + 1, Math.min(after + limit, state.position));
      return { ...check(), entries: entries.filter((one) => one.position !== state.without) };
    },
  };
  return { log: log as LogStore, count: () => ({ headers, pages }) };
}

const read = (log: LogStore) => readSnapshot(log, systemClock);

async function draftOf(log: LogStore) {
  const outcome = await read(log);
  if (outcome.kind !== 'read') throw new Error('the record has changed');
  return outcome.draft;
}

describe('FOLLOW: a snapshot in pages', () => {
  it('is whole, whatever is committed meanwhile', async () => {
    const state = {
      position: 12_345,
      meanwhile: () => {
        state.position += 10;
      },
    };
    const { log, count } = logOf(state);
    const draft = await draftOf(log);
    expect([draft.through, draft.held.entries.length]).toEqual([12_345, 12_345]);
    expect(count()).toEqual({ headers: 1, pages: 3 });
    expect(draft.held.entries.at(12_345)).toEqual(entriesOf(12_345, 12_345)[0]);
  });

  it('an empty log is read by its header alone', async () => {
    const { log, count } = logOf({ position: 7, horizon: 7 });
    expect((await draftOf(log)).through).toBe(7);
    expect(count()).toEqual({ headers: 1, pages: 0 });
  });

  it('starts over when the record lets go of what comes next, or goes on in another generation', async () => {
    const forgetting = {
      position: 12_000,
      horizon: 0,
      meanwhile: (page: number) => {
        if (page === 3) forgetting.horizon = 11_000;
      },
    };
    const first = logOf(forgetting);
    expect((await draftOf(first.log)).held.horizon).toBe(11_000);
    expect(first.count().headers).toBe(2);
    const failing = {
      position: 12_000,
      generation: 'g1',
      meanwhile: (page: number) => {
        if (page === 2) failing.generation = 'g2';
      },
    };
    const second = logOf(failing);
    expect((await draftOf(second.log)).header.head.generation).toBe('g2');
    expect(second.count().headers).toBe(2);
  });

  it('a horizon that moves behind what was read already changes nothing', async () => {
    const state = {
      position: 12_000,
      horizon: 0,
      meanwhile: (page: number) => {
        if (page === 3) state.horizon = 9_999;
      },
    };
    const { log, count } = logOf(state);
    expect((await draftOf(log)).held.horizon).toBe(0);
    expect(count().headers).toBe(1);
  });

  it('GENERATION: a page from another server ends it', async () => {
    const state = {
      position: 12_000,
      identityAgrees: true,
      meanwhile: (page: number) => {
        if (page === 2) state.identityAgrees = false;
      },
    };
    expect(await read(logOf(state).log)).toEqual({
      ...{ kind: 'changed', head: { generation: 'g1', position: 12_000 } },
    });
  });

  it('a hole is refused, in a page and at its end', async () => {
    for (const without of [1, 77, 5000, 12_000]) {
      await expect(read(logOf({ position: 12_000, without }).log)).rejects.toThrow(/hole/);
    }
  });

  it('a log that moves faster than it can be read is tried again later', async () => {
    const { log, count } = logOf({ position: 12_000 });
    const moving: LogStore = {
      ...log,
      async fetch(after, limit) {
        return { ...(await log.fetch(after, limit)), horizon: after + 1 };
      },
    };
    await expect(read(moving)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(count().headers).toBe(HISTORY_REPEATS);
  });

  it('UPGRADE: an entry of an unknown scope ends it, and what lies before it is taken', async () => {
    const { log } = logOf({ position: 9000 });
    const newer: LogStore = {
      ...log,
      async fetch(after, limit) {
        const page = await log.fetch(after, limit);
        const entries = page.entries.map((entry) =>
          entry.position === 6001 ? { ...entry, scope: 'region' } : entry,
        );
        return { ...page, entries };
      },
    };
    const draft = await draftOf(newer);
    expect([draft.through, draft.unknownScope, draft.complete]).toEqual([6000, 'region', true]);
  });

  it('RECONCILE reads the same pages, and ends when it has seen enough', async () => {
    const { log, count } = logOf({ position: 9000 });
    const seen: number[] = [];
    const header = await log.snapshot();
    const take = ({ from, to }: { from: number; to: number }) => {
      seen.push(from, to);
      return to < 4000;
    };
    expect(await readPages(log, header, take, 2000)).toBeNull();
    expect(seen).toEqual([1, 2000, 2001, 4000]);
    expect(count().pages).toBeLessThanOrEqual(4);
  });
});

describe('MEMBERS: a node that takes long to read the log', () => {
  it('B10 beats meanwhile, so that nobody takes it for one that has stopped; and answers nobody before it has all', async () => {
    const world = new Simulation(7);
    const options = { leaseMs: 300, toleranceMs: 0 };
    const first = world.addNode(options);
    await world.until(first.follower.join());
    for (let n = 0; n < 20_000; n += 1) {
      const uid = `u${n}`;
      world.record.append({
        ...{ operationId: `op${n}`, scope: 'user', tid: 't1', uid, sid: null, sparedSid: null },
      });
    }
    await world.run(2000);
    const node = world.addNode(options);
    // Each page takes half of all that time to arrive; together they take far longer than the node's own term.
    const { log } = node;
    const fetch = log.fetch.bind(log);
    (log as { fetch: LogStore['fetch'] }).fetch = async (after, limit) => {
      await new Promise<void>((resolve) => {
        node.clock.after(4000, resolve);
      });
      return fetch(after, limit);
    };
    const join = node.follower.join();
    const stranger = { tid: 't2', uid: 'x', sid: 'x', generation: 'g0', epoch: 0, tokenEpoch: 0 };
    let answered = 0;
    for (let step = 0; step < 2000 && node.follower.status().state === 'joining'; step += 1) {
      if (node.follower.judgeNow(stranger).kind === 'pass') answered += 1;
      await world.run(20);
    }
    await join;
    expect(answered).toBe(0);
    expect(node.follower.status()).toMatchObject({ applied: 20_000, viewEntries: 20_000 });
    const removed = first.events.filter((event) => event.kind === 'member_removed');
    expect(removed).toEqual([]);
    expect(node.events.filter((event) => event.kind === 'heartbeat').length).toBeGreaterThan(20);
  });
});
