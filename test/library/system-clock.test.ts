import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LONGEST_TIMER_MS, systemClock } from '../../src/clock.ts';

const MONTH_MS = 30 * 86_400_000;
let ran = 0;
const run = (): void => {
  ran += 1;
};

beforeEach(() => {
  vi.useFakeTimers();
  ran = 0;
});
afterEach(() => void vi.useRealTimers());

test.each([1, 1000, LONGEST_TIMER_MS, MONTH_MS, 3 * MONTH_MS])(
  'runs once after %d ms, and not before',
  (delayMs) => {
    systemClock.after(delayMs, run);
    vi.advanceTimersByTime(delayMs - 1);
    expect(ran).toBe(0);
    vi.advanceTimersByTime(1);
    expect(ran).toBe(1);
    vi.advanceTimersByTime(4 * MONTH_MS);
    expect(ran).toBe(1);
  },
);

test('never, when it is cancelled, however far it has come', () => {
  const timer = systemClock.after(3 * MONTH_MS, run);
  vi.advanceTimersByTime(2 * MONTH_MS);
  timer.cancel();
  vi.advanceTimersByTime(4 * MONTH_MS);
  expect(ran).toBe(0);
});

test('never, when it is infinitely far away', () => {
  const timer = systemClock.after(Number.POSITIVE_INFINITY, run);
  vi.advanceTimersByTime(12 * MONTH_MS);
  timer.cancel();
  expect(ran).toBe(0);
});
