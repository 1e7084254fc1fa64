import { expect, test } from 'vitest';
import { createRounds, type Rounds } from '../../src/rounds.ts';
import { createTestClock } from '../support/clock.ts';

const EVERY_MS = 1_000;

/** Rounds of two batches each. */
function start(more: { readonly firstMs?: number; readonly isTurn?: () => boolean } = {}) {
  const clock = createTestClock();
  const counts = { begun: 0, batches: 0, ended: 0 };
  const rounds: Rounds = createRounds({
    ...{ clock, everyMs: () => EVERY_MS, ...more },
    async round() {
      counts.begun += 1;
      for (let batch = 0; batch < 2 && !rounds.closed; batch += 1) {
        counts.batches += 1;
        await rounds.rest(100);
      }
      counts.ended += 1;
    },
  });
  return { clock, rounds, counts };
}

test('A3 a round begins so long after the one before it has ended, and is one, however many ask for it', async () => {
  const { clock, rounds, counts } = start({ firstMs: 500 });
  await clock.advance(499);
  expect(counts.begun).toBe(0);
  await clock.advance(1);
  const joined = [rounds.run(), rounds.run()];
  expect([rounds.atWork, counts.begun, counts.batches]).toEqual([true, 1, 1]);
  await clock.advance(100);
  expect(counts).toEqual({ begun: 1, batches: 2, ended: 0 });
  await clock.advance(100);
  await Promise.all(joined);
  expect([rounds.atWork, counts.ended]).toEqual([false, 1]);
  await clock.advance(EVERY_MS - 1);
  expect(counts.begun).toBe(1);
  await clock.advance(1);
  expect(counts.begun).toBe(2);
  await rounds.close();
});

test('A3 whoever has no turn makes no round by itself, and one when it is asked to', async () => {
  const { clock, rounds, counts } = start({ isTurn: () => false });
  for (let n = 0; n < 3; n += 1) await clock.advance(EVERY_MS);
  expect(counts.begun).toBe(0);
  const asked = rounds.run();
  await clock.advance(100);
  await clock.advance(100);
  await asked;
  expect(counts).toEqual({ begun: 1, batches: 2, ended: 1 });
  await rounds.close();
});

test('A3 closing ends the rest of a batch at once, waits for the round, and no other begins', async () => {
  const { clock, rounds, counts } = start();
  const running = rounds.run();
  await rounds.close();
  expect(counts).toEqual({ begun: 1, batches: 1, ended: 1 });
  await running;
  await rounds.rest(1_000_000);
  await rounds.run();
  for (let n = 0; n < 3; n += 1) await clock.advance(EVERY_MS);
  expect(counts.begun).toBe(1);
});
