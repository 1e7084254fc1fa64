import { expect, test } from 'vitest';
import { silentLog } from '../../src/observe/log.ts';
import { MAX_ACCESS_TTL_MS, MAX_TERM_MS } from '../../src/revocation/constants.ts';
import { createMaintenance } from '../../src/session/maintenance.ts';
import { createPause } from '../../src/session/pause.ts';
import { createTestClock } from '../support/clock.ts';

const STATE = {
  ...{ number: 0, finished: 0, holder: null, progress: null, sweptThroughMs: 0, lostAtMs: null },
};

function start(rows: { sessions: number }, embedded = false) {
  const clock = createTestClock(1_000_000_000_000);
  const batches: number[] = [];
  const calls = { checkpoints: 0, fails: false };
  // What the record says: of this node, and of any other one.
  const told = { paused: false, fails: false };
  const pause = createPause({
    clock,
    store: {
      state: async () => ({ ...STATE, paused: told.paused }),
      pause: async (paused) => {
        if (told.fails) throw new Error('the record is away');
        told.paused = paused;
      },
    },
  });
  const maintenance = createMaintenance({
    clock,
    wallNowMs: () => clock.wallMs(),
    log: silentLog,
    embedded,
    pause,
    sweeper: null,
    store: {
      deleteEndedSessions: async (beforeMs, batch) => {
        expect(beforeMs).toBeLessThan(clock.wallMs());
        if (calls.fails) throw new Error('the record is away');
        const count = Math.min(rows.sessions, batch);
        rows.sessions -= count;
        batches.push(count);
        return count;
      },
      deleteOldAttempts: async () => 0,
      deleteOldTickets: async () => 0,
      deleteOldIdempotencyKeys: async () => 0,
      deleteOldResets: async () => 0,
      forgetLog: async (beforeMs) => {
        // Longer than the longest access token and the longest term, by far.
        expect(clock.wallMs() - beforeMs).toBeGreaterThan(2 * (MAX_ACCESS_TTL_MS + MAX_TERM_MS));
        return 7;
      },
      checkpoint: async () => {
        calls.checkpoints += 1;
      },
    },
  });
  return { clock, batches, calls, told, maintenance };
}

test('A3: clean-up goes on over as many batches of 100 as there are', async () => {
  const rows = { sessions: 1_050 };
  const { clock, batches, maintenance } = start(rows);
  const run = maintenance.run();
  for (let n = 0; n < 30; n += 1) await clock.advance(50);
  await run;
  expect(rows.sessions).toBe(0);
  expect(batches).toEqual([...new Array(10).fill(100), 50]);
  expect(maintenance.status()).toMatchObject({
    state: 'idle',
    removed: { sessions: 1_050 },
    horizon: 7,
  });
});

test('A3: clean-up can be paused at once, in the middle of a run, and resumed', async () => {
  const rows = { sessions: 1_000 };
  const { clock, batches, maintenance } = start(rows);
  const run = maintenance.run();
  await clock.advance(50);
  const paused = maintenance.pause();
  expect(maintenance.status().state).toBe('paused');
  await paused;
  const before = batches.length;
  await clock.advance(50);
  await run;
  expect(batches).toHaveLength(before);
  expect(maintenance.status()).toMatchObject({ state: 'paused', lastRunAtMs: null });
  await maintenance.resume();
  const second = maintenance.run();
  for (let n = 0; n < 30; n += 1) await clock.advance(50);
  await second;
  expect(rows.sessions).toBe(0);
});

test('A3: a pause on another node holds here within a second, and ends here too', async () => {
  const rows = { sessions: 5_000 };
  const { clock, batches, told, maintenance } = start(rows);
  const run = maintenance.run();
  await clock.advance(50);
  told.paused = true;
  for (let n = 0; n < 25; n += 1) await clock.advance(50);
  await run;
  const before = batches.length;
  expect(rows.sessions).toBeGreaterThan(0);
  expect(maintenance.status().state).toBe('paused');
  await maintenance.run();
  expect(batches).toHaveLength(before);
  told.paused = false;
  await clock.advance(1_000);
  const second = maintenance.run();
  for (let n = 0; n < 60; n += 1) await clock.advance(50);
  await second;
  expect(rows.sessions).toBe(0);
});

test('A3: a pause that the record could not be told is said so', async () => {
  const { told, maintenance } = start({ sessions: 0 });
  told.fails = true;
  await expect(maintenance.pause()).rejects.toThrow('away');
});

test('a batch that fails is counted and tried again in the next run', async () => {
  const rows = { sessions: 10 };
  const { calls, maintenance } = start(rows);
  calls.fails = true;
  await maintenance.run();
  expect(maintenance.status()).toMatchObject({ failures: 1, removed: { sessions: 0 } });
  calls.fails = false;
  await maintenance.run();
  expect(rows.sessions).toBe(0);
});

test('embedded: checkpoints are made by schedule, and only there', async () => {
  const embedded = start({ sessions: 0 }, true);
  await embedded.maintenance.run();
  expect(embedded.calls.checkpoints).toBe(0);
  await embedded.clock.advance(120_000);
  await embedded.maintenance.run();
  expect(embedded.calls.checkpoints).toBe(1);
  const cluster = start({ sessions: 0 });
  await cluster.clock.advance(240_000);
  await cluster.maintenance.run();
  expect(cluster.calls.checkpoints).toBe(0);
});

test('close ends a run between two batches and leaves no timer behind', async () => {
  const rows = { sessions: 1_000 };
  const { clock, maintenance } = start(rows);
  const run = maintenance.run();
  await clock.advance(0);
  await maintenance.close();
  await run;
  expect(rows.sessions).toBeGreaterThan(0);
  expect(clock.pending()).toBe(0);
});
