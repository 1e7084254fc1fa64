import { expect, test } from 'vitest';
import type { WatchedMember } from '../../src/record/contract.ts';
import type { FollowerStatus } from '../../src/revocation/contract.ts';
import { memberState } from '../../src/session/nodes.ts';

const HEAD = { generation: 'g2', position: 9 };
const MEMBER: WatchedMember = {
  id: 'a',
  leaseMs: 750,
  toleranceMs: 1000,
  version: 1,
  address: null,
  beat: 5,
  generation: 'g2',
  applied: 9,
  joinedAtMs: 0,
  report: { lastHeartbeatMs: 2, hub: 'redis', hubWorking: true },
  beatAgeMs: 100,
};

test.each([
  [100, 650, 'fresh'],
  [749, 1, 'fresh'],
  [750, 0, 'stale'],
  [1749, -999, 'stale'],
  [1750, -1000, 'unavailable'],
  [null, null, 'unavailable'],
] as const)(
  'B11 another member whose heartbeat came %s ms ago has %s ms of lease left and is %s',
  (beatAgeMs, leaseLeftMs, freshness) => {
    const state = memberState({ ...MEMBER, beatAgeMs }, HEAD, null);
    expect(state).toMatchObject({ self: false, leaseLeftMs, freshness, lag: 0 });
    expect(state).not.toHaveProperty('beatAgeMs');
  },
);

test('B11 the node that answers says of itself what it knows', () => {
  const status = { memberId: 'a', leaseLeftMs: 12, freshness: 'stale' } as FollowerStatus;
  const state = memberState({ ...MEMBER, beatAgeMs: 5000 }, HEAD, status);
  expect(state).toMatchObject({ self: true, leaseLeftMs: 12, freshness: 'stale' });
});

test('B11 lag counts what was not applied; a member of another generation has none of this one', () => {
  expect(memberState({ ...MEMBER, applied: 4 }, HEAD, null).lag).toBe(5);
  expect(memberState({ ...MEMBER, generation: 'g1', applied: 40 }, HEAD, null).lag).toBe(9);
});
