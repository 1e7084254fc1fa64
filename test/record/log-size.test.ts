import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { keepLogShort } from '../../src/record/pglite/log-size.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(grown: () => boolean) {
  const made: string[] = [];
  const asked: string[] = [];
  const log = keepLogShort(
    {
      query: async <Row extends object>({ text }: { readonly text: string }) => {
        asked.push(text);
        return [{ grown: grown() }] as unknown as Row[];
      },
    },
    async () => {
      made.push('checkpoint');
      if (made.length === 2) throw new Error('the database is busy');
    },
  );
  return { log, made, asked };
}

test('A7 a log that has grown is cut short out of turn, also after a failure, and one that has not is left alone', async () => {
  let grown = false;
  const { log, made, asked } = start(() => grown);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked.length).toBe(4);
  expect(made).toEqual([]);
  grown = true;
  await vi.advanceTimersByTimeAsync(15_000);
  expect(made).toHaveLength(3);
  await log.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(made).toHaveLength(3);
});
