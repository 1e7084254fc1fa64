import { expect, test } from 'vitest';
import type { LogLevel } from '../../src/config.ts';
import { createInProcessHub } from '../../src/hub/in-process/hub.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { OperationsState, Override } from '../../src/record/operations-contract.ts';
import { createOperations } from '../../src/session/operations.ts';
import { createTestClock } from '../support/clock.ts';

const EMPTY: OperationsState = { version: 0, pause: null, overrides: [], seen: {} };

function start() {
  const clock = createTestClock();
  const record = { state: EMPTY, away: false, looks: 0, seen: [] as unknown[] };
  const level = { own: 'info' as LogLevel, above: null as LogLevel | null };
  const paused: boolean[] = [];
  const hub = createInProcessHub().connect();
  const operations = createOperations({
    store: {
      state: async () => {
        record.looks += 1;
        if (record.away) throw new Error('away');
        return record.state;
      },
      see: async (...told) => {
        record.seen.push(told);
      },
    },
    hub,
    pause: {
      on: false,
      ask: async () => false,
      learn: (on) => paused.push(on),
      set: async () => {},
    },
    levels: {
      get level() {
        return level.above ?? level.own;
      },
      override: (next) => {
        level.above = next;
      },
    },
    memberId: () => 'us',
    clock,
    wallNowMs: () => clock.wallMs(),
    log: silentLog,
  });
  const override = (untilMs: number | null, value: Override['value'], kind: Override['kind']) =>
    ({ id: kind, by: 'noor', begunAtMs: 0, node: null, kind, value, untilMs }) as Override;
  return { clock, record, level, paused, hub, operations, override };
}

test('A8 it looks every five seconds, and at once when the hub tells', async () => {
  const { clock, record, level, paused, hub, operations, override } = start();
  await clock.advance(0);
  expect([record.looks, level.above]).toEqual([1, null]);
  const overrides = [override(null, { level: 'debug' }, 'log_level')];
  record.state = { ...EMPTY, version: 1, pause: { by: 'noor', atMs: 0 }, overrides };
  await clock.advance(4_999);
  expect(record.looks).toBe(1);
  await clock.advance(1);
  expect([record.looks, level.above, paused.at(-1)]).toEqual([2, 'debug', true]);
  expect(record.seen.at(-1)).toEqual(['us', 1, 'debug']);
  record.state = { ...EMPTY, version: 2 };
  operations.announce();
  await clock.advance(0);
  expect([level.above, paused.at(-1)]).toEqual([null, false]);
  // Said once: what has not changed is not written again and again.
  const told = record.seen.length;
  for (let n = 0; n < 5; n += 1) await clock.advance(5_000);
  expect(record.seen).toHaveLength(told);
  await operations.close();
  await hub.close();
  expect(clock.pending()).toBe(0);
});

test('A8 while the record is away, what was decided goes on, and ends in time all the same', async () => {
  const { clock, record, level, operations, override } = start();
  const untilMs = clock.wallMs() + 60_000;
  const limits = override(untilMs, { account_attempts: 3 }, 'limits');
  record.state = {
    ...{ ...EMPTY, version: 1 },
    overrides: [override(untilMs, { level: 'trace' }, 'log_level'), limits],
  };
  await operations.look();
  record.away = true;
  for (let n = 0; n < 11; n += 1) await clock.advance(5_000);
  expect([level.above, operations.limits()]).toEqual(['trace', { account_attempts: 3 }]);
  for (let n = 0; n < 2; n += 1) await clock.advance(5_000);
  expect(operations.limits()).toBeNull();
  expect(level.above).toBeNull();
  await operations.close();
});
