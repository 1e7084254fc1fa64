import { describe, expect, test } from 'vitest';
import { backupWords, leaseWords, memberLines } from '../../src/cli/commands/doctor-words.ts';
import { memberState } from '../../src/session/nodes.ts';

const HEAD = { generation: 'g1', position: 41 };

/** A member whose last heartbeat the record saw so long ago. */
function memberAged(beatAgeMs: number | null): string {
  const row = {
    ...{
      id: 'one',
      leaseMs: 750,
      toleranceMs: 10_000,
      version: 1,
      address: 'http://10.0.0.7:4001',
    },
    ...{ beat: 9, generation: 'g1', applied: 41, joinedAtMs: 0, beatAgeMs },
    report: { lastHeartbeatMs: 4, hub: 'redis', hubWorking: true },
  };
  return memberLines(memberState(row, HEAD, null)).join('\n');
}

describe('A10 what doctor says of a member', () => {
  test('one that beats: what is left of its lease', () => {
    expect(memberAged(250)).toMatch(/^ {2}one {2}fresh {2}http:\/\/10\.0\.0\.7:4001\n/);
    expect(memberAged(250)).toContain('lease 750 ms, 500 ms left; heartbeat 4.0 ms');
    expect(memberAged(250).split('\n')).toHaveLength(4);
  });

  test('one that was killed a moment ago, or is late: since when, and how long it may answer', () => {
    const said = memberAged(4_501);
    expect(said).toContain('one  stale');
    expect(said).toContain('lease 750 ms, ran out 3.8 s ago;');
    expect(said).toContain('it may answer as stale for 6.2 s more');
    expect(said).not.toContain('-');
  });

  test('one that may not answer any more: what there is to do', () => {
    const said = memberAged(75_750);
    expect(said).toContain('one  unavailable');
    expect(said).toContain('ran out 1.3 min ago');
    expect(said).toContain('if it is gone for good, there is nothing to do');
  });

  test('one that has never beaten', () => {
    expect(memberAged(null)).toContain('lease 750 ms, no heartbeat yet;');
    expect(memberAged(null)).toContain('it answers nobody');
    expect(leaseWords(null)).toBe('no heartbeat yet');
  });
});

describe('A8 what doctor says of backups', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  const status = {
    ...{ everyMs: 900_000, lastAtMs: now - 180_000, lastBytes: 14_000_000, lastTookMs: 5_000 },
    ...{ failures: 0, overdue: false },
  };

  test('the newest one, and how often one is due', () => {
    expect(backupWords(status, now)).toBe(
      'one each 15 min, the last one 3 min ago (2026-11-21T11:57:00Z)',
    );
    expect(backupWords({ ...status, lastAtMs: null }, now)).toBe('one each 15 min, none yet');
  });

  test('one that is too old is a warning', () => {
    const late = { ...status, lastAtMs: now - 7_200_000, failures: 3, overdue: true };
    expect(backupWords(late, now)).toBe(
      'one each 15 min, the last one 2 h ago (2026-11-21T10:00:00Z), 3 failed since the start: overdue, see the log of the server',
    );
  });
});
