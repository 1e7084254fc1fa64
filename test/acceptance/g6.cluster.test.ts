import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { underLoad } from '../support/cluster.ts';

test('G6 B8 under ordinary load every request is answered, and rightly', async () => {
  const summary = await underLoad(
    'G6',
    async ({ load, yuki }) => {
      for (let round = 0; round < 4; round += 1) {
        await sleep(1000);
        await load.revoker.user(yuki);
      }
    },
    { load: { checksPerSecond: 150 }, check: { uninterrupted: true } },
  );
  expect(summary.answers['authenticate 200']).toBeGreaterThan(100);
});
