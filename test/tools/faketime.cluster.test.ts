import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shiftedWallClock } from '../../tools/services/faketime.mjs';

/** What a process sees of its clocks: each reading of the wall clock stands between two of the other. */
const program = `
const { Worker } = require('node:worker_threads');
const read = () => [performance.now(), Date.now(), performance.now()];
const monotonic = process.hrtime.bigint();
const first = read();
setTimeout(() => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  const last = read();
  new Worker('require("node:worker_threads").parentPort.postMessage(Date.now())', { eval: true })
    .once('message', (inWorker) => {
      console.log(JSON.stringify({ first, last, inWorker, monotonic: Number(monotonic / 1_000_000n) }));
    });
}, 200);
`;

type Reading = [before: number, wall: number, after: number];

interface Seen {
  first: Reading;
  last: Reading;
  inWorker: number;
  monotonic: number;
}

function clocksOf(env: Record<string, string>): Seen {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout) as Seen;
}

const monotonicMs = () => Number(process.hrtime.bigint() / 1_000_000n);

test.each([600_000, -600_000, 1_500, 0])(
  'WALL TIME: off by %i ms, while the monotonic clock is that of the machine',
  (offsetMs) => {
    const before = { wall: Date.now(), monotonic: monotonicMs() };
    const { first, last, inWorker, monotonic } = clocksOf(shiftedWallClock({ offsetMs }));
    const after = { wall: Date.now(), monotonic: monotonicMs() };

    for (const wall of [first[1], last[1], inWorker]) {
      expect(wall - offsetMs).toBeGreaterThanOrEqual(before.wall - 1);
      expect(wall - offsetMs).toBeLessThanOrEqual(after.wall + 1);
    }
    expect(monotonic).toBeGreaterThanOrEqual(before.monotonic);
    expect(monotonic).toBeLessThanOrEqual(after.monotonic);
    // Waits last as long as they say, and the shifted clock runs at the rate of the other one.
    expect(last[0] - first[2]).toBeGreaterThanOrEqual(390);
    const passed = last[1] - first[1];
    expect(passed).toBeGreaterThanOrEqual(last[0] - first[2] - 10);
    expect(passed).toBeLessThanOrEqual(last[2] - first[0] + 10);
  },
  120_000,
);
