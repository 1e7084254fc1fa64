import { expect, test } from 'vitest';
import { auditEvent } from '../../src/audit/event.ts';
import { createTally } from '../../src/audit/tally.ts';
import type { NewAuditEvent } from '../../src/audit/types.ts';
import { silentLog } from '../../src/observe/log.ts';
import { createTestClock } from '../support/clock.ts';

function start() {
  const clock = createTestClock(1_000_000);
  const rows: NewAuditEvent[] = [];
  const store = { fails: false };
  const tally = createTally({
    clock,
    wallNowMs: () => clock.wallMs(),
    log: silentLog,
    write: async (events) => {
      if (store.fails) throw new Error('the record is away');
      rows.push(...events);
    },
  });
  return { clock, rows, store, tally };
}

const REFUSED = { action: 'authn_token_refused', tid: 't', code: 'token_expired' } as const;

test('A7: a flood of refused tokens becomes one row a minute for each tenant and code', async () => {
  const { clock, rows, tally } = start();
  for (let n = 0; n < 50_000; n += 1) tally.count(REFUSED);
  tally.count({ ...REFUSED, tid: null, code: 'invalid_token' });
  tally.count({ ...REFUSED, tid: 'u' });
  expect(rows).toEqual([]);
  await clock.advance(60_000);
  expect(rows.map(({ tid, detail }) => [tid, detail.code, detail.count])).toEqual([
    ['t', 'token_expired', 50_000],
    [null, 'invalid_token', 1],
    ['u', 'token_expired', 1],
  ]);
  await clock.advance(60_000);
  expect(rows).toHaveLength(3);
});

test('ASVS 16.3.2: the first of its kind is written at once, those after it in one row', async () => {
  const { clock, rows, tally } = start();
  const first = () =>
    auditEvent({
      tid: 't',
      atMs: clock.wallMs(),
      action: 'authz_fail',
      outcome: 'failure',
      detail: { needed: 'admin' },
    });
  const kind = { action: 'authz_fail', tid: 't', code: 'insufficient_role', key: 'sid' } as const;
  for (let n = 0; n < 10; n += 1) tally.count(kind, first);
  await clock.advance(0);
  expect(rows.map(({ detail }) => detail)).toEqual([{ needed: 'admin' }]);
  await clock.advance(60_000);
  expect(rows[1]?.detail).toMatchObject({ code: 'insufficient_role', count: 9 });
});

test('A7: memory is bounded: kinds beyond the limit are counted under one', async () => {
  const { rows, tally } = start();
  for (let n = 0; n < 3_000; n += 1) tally.count({ ...REFUSED, key: String(n) });
  await tally.flush();
  expect(rows).toHaveLength(1_001);
  expect(rows.at(-1)?.detail).toMatchObject({ code: 'several', count: 2_000 });
});

test('what cannot be written is kept, and written at close', async () => {
  const { clock, rows, store, tally } = start();
  store.fails = true;
  tally.count(REFUSED);
  await clock.advance(60_000);
  expect(rows).toEqual([]);
  store.fails = false;
  tally.count(REFUSED);
  await tally.close();
  expect(rows.map(({ detail }) => detail.count)).toEqual([1, 1]);
  expect(clock.pending()).toBe(0);
});

test('B14 what could not be written for long is dated anew, and says when it happened', async () => {
  const { clock, rows, store, tally } = start();
  const happenedMs = clock.wallMs();
  const first = () =>
    auditEvent({ tid: 't', atMs: happenedMs, action: 'authz_fail', outcome: 'failure' });
  store.fails = true;
  tally.count({ action: 'authz_fail', tid: 't', code: 'insufficient_role' }, first);
  await clock.advance(300_000);
  store.fails = false;
  tally.count(REFUSED);
  await clock.advance(60_000);
  const happened_at = new Date(happenedMs).toISOString();
  expect(rows.map(({ atMs, detail }) => [atMs, detail.happened_at])).toEqual([
    [happenedMs + 360_000, happened_at],
    [happenedMs + 360_000, undefined],
  ]);
  await tally.close();
});
