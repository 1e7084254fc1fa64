import { expect, test } from 'vitest';
import { createFollowerLog } from '../../src/create/follower-log.ts';
import { SekishoError } from '../../src/errors.ts';
import type { Log } from '../../src/observe/log.ts';
import { reasonOf } from '../../src/observe/reason.ts';
import { createTestClock } from '../support/clock.ts';

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

function noting(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  return {
    lines,
    log: { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') },
  };
}

const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' });
const away = new SekishoError('store_unavailable', 'PostgreSQL cannot be reached.', {
  cause: refused,
});

test('A8 an outage is said at once, summed up every ten seconds, and its end is said with how long it was', async () => {
  const { log, lines } = noting();
  const clock = createTestClock();
  const tell = createFollowerLog(log, clock);
  for (let beat = 0; beat < 100; beat += 1) {
    tell({ kind: 'failed', what: 'HEARTBEAT', error: away });
    await clock.advance(250);
  }
  expect(lines).toEqual([
    {
      level: 'warn',
      fields: { rule: 'HEARTBEAT', reason: 'PostgreSQL cannot be reached. ECONNREFUSED' },
      message: 'the record could not be asked; tried again',
    },
    expect.objectContaining({
      fields: expect.objectContaining({ failures: 41, lasts_ms: 10_000 }),
    }),
    expect.objectContaining({
      fields: expect.objectContaining({ failures: 81, lasts_ms: 20_000 }),
    }),
  ]);
  lines.length = 0;
  for (let beat = 0; beat < 20; beat += 1) {
    tell({ kind: 'heartbeat', tookMs: 2, covered: true });
    await clock.advance(250);
  }
  expect(lines).toEqual([
    {
      level: 'info',
      fields: { failures: 100, lasted_ms: 24_750 },
      message: 'the record can be asked again',
    },
  ]);
});

test('A8 what is no outage keeps its stack, and the next outage is said anew', async () => {
  const { log, lines } = noting();
  const clock = createTestClock();
  const tell = createFollowerLog(log, clock);
  const defect = new Error('a defect');
  for (let round = 0; round < 2; round += 1) {
    tell({ kind: 'failed', what: 'RECONCILE', error: defect });
    await clock.advance(2_000);
    tell({ kind: 'heartbeat', tookMs: 2, covered: true });
  }
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info', 'warn', 'info']);
  expect(lines[0]?.fields).toEqual({ rule: 'RECONCILE', err: defect });
});

test('a reason is one line, each sentence once', () => {
  expect(reasonOf(new Error('outer', { cause: new Error('outer') }))).toBe('outer');
  expect(reasonOf('odd')).toBe('odd');
});

test('A8 what is said of the protocol has its fields in snake case, as a request has', () => {
  const { log, lines } = noting();
  const tell = createFollowerLog(log, createTestClock());
  const name = { generation: 'g', position: 7 };
  tell({ kind: 'joined', memberId: 'm', generation: 'g', applied: 7 });
  tell({ kind: 'member_removed', memberId: 'm' });
  tell({ kind: 'wall_time_step', differenceMs: 9, adopted: false });
  tell({ kind: 'barrier', effective: 'everywhere', position: 7, members: 2, waitedMs: 3.5 });
  const entries = [{ operationId: 'o', from: name, to: null }];
  tell({ kind: 'entries_handed_in', generation: 'g', entries });
  expect(lines.map(({ fields }) => fields)).toEqual([
    { kind: 'joined', member_id: 'm', generation: 'g', applied: 7 },
    { kind: 'member_removed', member_id: 'm' },
    { kind: 'wall_time_step', difference_ms: 9, adopted: false },
    { kind: 'barrier', effective: 'everywhere', position: 7, members: 2, waited_ms: 3.5 },
    {
      ...{ kind: 'entries_handed_in', generation: 'g' },
      entries: [{ operation_id: 'o', from: name, to: null }],
    },
  ]);
});
