import { expect, test } from 'vitest';
import { silentLog } from '../../src/observe/log.ts';
import type {
  CleanupClaim,
  CleanupKind,
  CleanupProgress,
} from '../../src/record/cleanup-contract.ts';
import { MAX_ACCESS_TTL_MS, MAX_TERM_MS } from '../../src/revocation/constants.ts';
import { createMaintenance } from '../../src/session/maintenance.ts';
import { createPause } from '../../src/session/pause.ts';
import { createTestClock } from '../support/clock.ts';

const STATE = {
  ...{ number: 0, finished: 0, holder: null, progress: null, sweptThroughMs: 0, lostAtMs: null },
};
const DAY_MS = 86_400_000;

/** @param rows how many there are to remove, by kind; a batch takes `batchMs` of the clock. */
function start(rows: Partial<Record<CleanupKind, number>>, { embedded = false, batchMs = 1 } = {}) {
  const clock = createTestClock(1_000_000_000_000);
  const batches: { readonly kind: CleanupKind; readonly count: number; readonly atMs: number }[] =
    [];
  const ages = new Map<CleanupKind, number>();
  const told: { progress: CleanupProgress; released: boolean[]; after: (string | null)[] } = {
    ...{ progress: {}, released: [], after: [] },
  };
  const calls = { checkpoints: 0, whole: 0, due: 0, fails: (_kind: CleanupKind) => false };
  // What the record says: of this node, and of any other one.
  const record = {
    ...{ paused: false, fails: false, ours: true, claim: null as CleanupClaim | null },
  };
  const pause = createPause({
    clock,
    store: {
      state: async () => ({ ...STATE, paused: record.paused }),
      pause: async (paused) => {
        if (record.fails) throw new Error('the record is away');
        record.paused = paused;
      },
    },
  });
  const maintenance = createMaintenance({
    clock,
    wallNowMs: () => clock.wallMs(),
    memberId: () => 'us',
    log: silentLog,
    embedded,
    pause,
    sweeper: null,
    cleanup: {
      claim: async (holder) => {
        expect(holder).toBe('us');
        if (record.paused) return { kind: 'paused' };
        return record.claim ?? { kind: 'claimed', run: 1 };
      },
      renew: async (_run, _claimMs, progress) => {
        told.progress = progress;
        return record.ours;
      },
      release: async (_run, whole, progress) => {
        told.progress = progress;
        told.released.push(whole);
      },
      state: async () => {
        throw new Error('nobody asks');
      },
      left: async (kind) => rows[kind] ?? 0,
      clean: async (kind, beforeMs, after, batch) => {
        if (calls.fails(kind)) throw new Error('the record is away');
        ages.set(kind, clock.wallMs() - beforeMs);
        await new Promise<void>((resolve) => {
          clock.after(batchMs, resolve);
        });
        const count = Math.min(rows[kind] ?? 0, batch);
        rows[kind] = (rows[kind] ?? 0) - count;
        if (kind === 'sessions') {
          told.after.push(after);
          batches.push({ kind, count, atMs: clock.monotonicMs() });
        }
        return { removed: count, after: count === 0 ? null : `${kind} ${rows[kind]}` };
      },
    },
    store: {
      forgetLog: async (beforeMs) => {
        // Longer than the longest access token and the longest term, by far.
        expect(clock.wallMs() - beforeMs).toBeGreaterThan(2 * (MAX_ACCESS_TTL_MS + MAX_TERM_MS));
        return 7;
      },
      checkpoint: async (whole) => {
        calls.checkpoints += 1;
        if (whole) calls.whole += 1;
      },
      vacuumDue: async () => {
        calls.due += 1;
        if (calls.due === 2) throw new Error('the record is busy');
      },
    },
  });
  /** Lets the clock go on until `work` is over. */
  async function finish(work: Promise<void>, stepMs = 1): Promise<void> {
    let over = false;
    const ended = work.finally(() => {
      over = true;
    });
    for (let steps = 0; !over && steps < 10_000; steps += 1) await clock.advance(stepMs);
    await ended;
  }
  return { clock, batches, ages, told, calls, record, maintenance, finish };
}

test('A3: clean-up goes on over as many batches of 100 as there are, each from where the last ended', async () => {
  const rows = { sessions: 1_050 };
  const { batches, told, maintenance, finish } = start(rows);
  await finish(maintenance.run());
  expect(rows.sessions).toBe(0);
  expect(batches.map(({ count }) => count)).toEqual([...new Array(10).fill(100), 50]);
  expect(told.after.slice(0, 3)).toEqual([null, 'sessions 950', 'sessions 850']);
  expect(told.released).toEqual([true]);
  expect(told.progress).toMatchObject({ sessions: { removed: 1_050, left: 0 } });
  expect(maintenance.status()).toMatchObject({
    state: 'idle',
    removed: { sessions: 1_050 },
    horizon: 7,
  });
});

test('A3: it rests longer than a batch has taken, so that most of the time is the requests’', async () => {
  for (const batchMs of [1, 10, 200]) {
    const { batches, maintenance, finish } = start({ sessions: 500 }, { batchMs });
    await finish(maintenance.run());
    const gaps = batches.slice(1).map(({ atMs }, at) => atMs - (batches[at]?.atMs ?? 0));
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(Math.max(5 + batchMs, Math.min(1_000, 4 * batchMs)));
      expect(gap).toBeLessThanOrEqual(batchMs * 4 + 20);
    }
  }
});

test('A3: what administrators list and what operations need is kept; nothing younger than that goes', async () => {
  const { ages, maintenance, finish } = start({});
  await finish(maintenance.run());
  const days = Object.fromEntries([...ages].map(([kind, ms]) => [kind, ms / DAY_MS]));
  expect(days).toEqual({
    ...{ sessions: 7, attempts: 2, tickets: 1 / 24, idempotencyKeys: 1, resets: 1 / 24 },
    ...{ entries: 90, operations: 120, overrides: 40 },
  });
});

test('A3: clean-up can be paused at once, in the middle of a run, and resumed', async () => {
  const rows = { sessions: 1_000 };
  const { clock, batches, told, maintenance, finish } = start(rows);
  const run = maintenance.run();
  for (let n = 0; n < 20; n += 1) await clock.advance(1);
  const paused = maintenance.pause();
  expect(maintenance.status().state).toBe('paused');
  await paused;
  const before = batches.length;
  await finish(run);
  expect(batches.length).toBeLessThanOrEqual(before + 1);
  expect(rows.sessions).toBeGreaterThan(0);
  expect(told.released).toEqual([false]);
  expect(maintenance.status()).toMatchObject({ state: 'paused', lastRunAtMs: null });
  await maintenance.resume();
  await finish(maintenance.run());
  expect(rows.sessions).toBe(0);
});

test('A3: a pause on another node holds here within a second, and ends here too', async () => {
  const rows = { sessions: 50_000 };
  const { clock, batches, record, maintenance, finish } = start(rows);
  const run = maintenance.run();
  for (let n = 0; n < 20; n += 1) await clock.advance(1);
  record.paused = true;
  const pausedAtMs = clock.monotonicMs();
  await finish(run);
  expect(clock.monotonicMs() - pausedAtMs).toBeLessThan(1_100);
  const before = batches.length;
  expect(rows.sessions).toBeGreaterThan(0);
  expect(maintenance.status().state).toBe('paused');
  await maintenance.run();
  expect(batches).toHaveLength(before);
  record.paused = false;
  await clock.advance(1_000);
  await finish(maintenance.run());
  expect(rows.sessions).toBe(0);
});

test('A3: one node at a time cleans up; one that has lost its claim stops', async () => {
  const rows = { sessions: 50_000 };
  const { clock, record, batches, told, maintenance, finish } = start(rows);
  record.claim = { kind: 'held', holder: 'another' };
  await finish(maintenance.run());
  expect(batches).toEqual([]);
  record.claim = null;
  const run = maintenance.run();
  for (let n = 0; n < 20; n += 1) await clock.advance(1);
  record.ours = false;
  await finish(run);
  expect(rows.sessions).toBeGreaterThan(0);
  expect(told.released).toEqual([false]);
});

test('A3: a pause that the record could not be told is said so', async () => {
  const { record, maintenance } = start({ sessions: 0 });
  record.fails = true;
  await expect(maintenance.pause()).rejects.toThrow('away');
});

test('A3: a batch that fails is counted and tried again in the next run, and its run has not come to the end', async () => {
  const rows = { sessions: 10, tickets: 3 };
  const { calls, told, maintenance, finish } = start(rows);
  calls.fails = () => true;
  await finish(maintenance.run());
  expect(maintenance.status()).toMatchObject({ removed: { sessions: 0 }, lastRunAtMs: null });
  expect(maintenance.status().failures).toBeGreaterThan(1);
  // One kind alone holds up none of the others.
  calls.fails = (kind) => kind === 'sessions';
  await finish(maintenance.run());
  expect(rows).toMatchObject({ sessions: 10, tickets: 0 });
  expect(maintenance.status().lastRunAtMs).toBeNull();
  calls.fails = () => false;
  await finish(maintenance.run());
  expect(rows.sessions).toBe(0);
  expect(told.released).toEqual([false, false, true]);
  expect(maintenance.status().lastRunAtMs).not.toBeNull();
});

test('embedded: checkpoints are made by schedule, in the middle of a long run too, and only there', async () => {
  const embedded = start({ sessions: 0 }, { embedded: true });
  await embedded.finish(embedded.maintenance.run());
  expect(embedded.calls.checkpoints).toBe(0);
  await embedded.clock.advance(120_000);
  await embedded.finish(embedded.maintenance.run());
  expect(embedded.calls.checkpoints).toBe(1);
  const long = start({ sessions: 30_000 }, { embedded: true, batchMs: 200 });
  await long.finish(long.maintenance.run(), 100);
  // VACUUM of everything comes at the end; of a table with many dead rows in between, so that little is left.
  expect(long.calls.checkpoints).toBeGreaterThan(1);
  expect(long.calls.whole).toBe(1);
  // A batch of 200 ms and its rest are 0.8 s, so it is asked for after every second of the 300, also after one that failed.
  expect(long.calls.due).toBeGreaterThan(100);
  expect(long.calls.due).toBeLessThanOrEqual(300);
  expect(long.maintenance.status().failures).toBe(1);
  const cluster = start({ sessions: 0 });
  await cluster.clock.advance(240_000);
  await cluster.finish(cluster.maintenance.run());
  expect(cluster.calls.checkpoints).toBe(0);
  const busy = start({ sessions: 30_000 }, { batchMs: 200 });
  await busy.finish(busy.maintenance.run(), 100);
  expect(busy.calls.due).toBe(0);
});

test('close ends a run between two batches and leaves no timer behind', async () => {
  const rows = { sessions: 1_000 };
  const { clock, maintenance, finish } = start(rows);
  const run = maintenance.run();
  for (let n = 0; n < 5; n += 1) await clock.advance(1);
  await finish(maintenance.close());
  await run;
  expect(rows.sessions).toBeGreaterThan(0);
  expect(clock.pending()).toBe(0);
});
