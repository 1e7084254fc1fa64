import { expect, test, vi } from 'vitest';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { MaintenanceStatus, MemberState, SweepStatus } from '../../src/session/contract.ts';

const MEMBER: MemberState = {
  id: 'one',
  ...{ leaseMs: 750, toleranceMs: 10_000, version: 1, address: null, beat: 9, joinedAtMs: 0 },
  ...{ generation: 'g1', applied: 41, lag: 2, self: true, leaseLeftMs: 500, freshness: 'fresh' },
  report: { lastHeartbeatMs: 4, hub: 'redis', hubWorking: true },
};
const OTHER: MemberState = {
  ...MEMBER,
  ...{ id: 'two', self: false, leaseLeftMs: null, freshness: 'unavailable', report: null },
};

test('B11 A10 each member has its figures, and all gauges of a scrape share one read', async () => {
  const metrics = createMetrics({ process: false });
  const read = vi.fn(async () => [MEMBER, OTHER]);
  metrics.watchMembers(read);
  const text = await metrics.read();
  expect(read).toHaveBeenCalledTimes(1);
  for (const line of [
    'sekisho_members{freshness="fresh"} 1',
    'sekisho_members{freshness="stale"} 0',
    'sekisho_members{freshness="unavailable"} 1',
    'sekisho_member_applied_position{member="one"} 41',
    'sekisho_member_lag_entries{member="two"} 2',
    'sekisho_member_lease_left_seconds{member="one"} 0.5',
    'sekisho_member_heartbeat_duration_seconds{member="one"} 0.004',
    'sekisho_member_answers_fresh{member="two"} 0',
    'sekisho_member_hub_working{member="one"} 1',
    'sekisho_member_info{member="one",generation="g1",hub="redis",version="1"} 1',
  ]) {
    expect(text.split('\n')).toContain(line);
  }
  expect(text).not.toContain('sekisho_member_lease_left_seconds{member="two"}');
});

test('A10 while the record cannot be read, members have no figures at all', async () => {
  const metrics = createMetrics({ process: false });
  metrics.watchMembers(() => Promise.reject(new Error('away')));
  const text = await metrics.read();
  expect(text).toContain('# TYPE sekisho_members gauge');
  expect(text).not.toMatch(/^sekisho_member/m);
});

test('A10 sweeping of last-seen: how far it is, and since when it stands still', async () => {
  let sweep: SweepStatus = {
    ...{ state: 'running', holder: 'one', number: 7, keysSeen: 900, swept: 40 },
    ...{ mastersDone: 1, masters: 3, sweptThroughMs: null, lastFinishedAtMs: null },
    ...{ heldBackBy: null, failures: 2 },
  };
  const metrics = createMetrics({ process: false });
  metrics.watchSweep(() => sweep);
  const first = await metrics.read();
  for (const line of [
    'sekisho_sweep_running 1',
    'sekisho_sweep_paused 0',
    'sekisho_sweep_keys_seen 900',
    'sekisho_sweep_sessions_written 40',
    'sekisho_sweep_masters_done 1',
    'sekisho_sweep_masters 3',
    'sekisho_sweep_failures_total 2',
  ]) {
    expect(first.split('\n')).toContain(line);
  }
  // Before this node's first sweep nothing is known, which is not 1970.
  expect(first).not.toMatch(/^sekisho_sweep_through_timestamp_seconds /m);
  sweep = { ...sweep, state: 'paused', sweptThroughMs: 1_700_000_000_500 };
  const second = (await metrics.read()).split('\n');
  expect(second).toContain('sekisho_sweep_paused 1');
  expect(second).toContain('sekisho_sweep_failures_total 2');
  expect(second).toContain('sekisho_sweep_through_timestamp_seconds 1700000000.5');
});

test('B11 A7 judged tokens by outcome, and whether there is room for those that are known', async () => {
  const refused = new Map<string, number>();
  const tokens = { size: 3, maxTokens: 1000, added: 7, displaced: 4, passed: 0, refused };
  const metrics = createMetrics({ process: false });
  metrics.watchTokens(() => tokens);
  expect(await metrics.read()).toContain('sekisho_authentications_total{outcome="success"} 0');
  Object.assign(tokens, { passed: 9 });
  refused.set('session_revoked', 2);
  const lines = (await metrics.read()).split('\n');
  for (const line of [
    'sekisho_known_tokens 3',
    'sekisho_known_tokens_limit 1000',
    'sekisho_verified_tokens_total 7',
    'sekisho_displaced_tokens_total 4',
    'sekisho_authentications_total{outcome="success"} 9',
    'sekisho_authentications_total{outcome="session_revoked"} 2',
  ]) {
    expect(lines).toContain(line);
  }
});

test('B11 what the follower reports is counted', async () => {
  const metrics = createMetrics({ process: false });
  const { protocol } = metrics;
  protocol({ kind: 'heartbeat', tookMs: 3, covered: true });
  protocol({ kind: 'failed', what: 'HEARTBEAT', error: new Error('away') });
  protocol({ kind: 'applied', entries: 3, position: 3, from: 'hub' });
  protocol({ kind: 'applied', entries: 2, position: 5, from: 'record' });
  protocol({ kind: 'connections_killed', count: 4, why: 'revoked' });
  protocol({ kind: 'gap', applied: 5, position: 7 });
  const lines = (await metrics.read()).split('\n');
  for (const line of [
    'sekisho_heartbeat_seconds_count 1',
    'sekisho_protocol_failures_total{rule="HEARTBEAT"} 1',
    'sekisho_entries_applied_total{source="hub"} 3',
    'sekisho_entries_applied_total{source="record"} 2',
    'sekisho_connections_cut_total{reason="revoked"} 4',
    'sekisho_protocol_events_total{event="gap"} 1',
  ]) {
    expect(lines).toContain(line);
  }
});

test('A3 A10 clean-up: how far it is, what it removed, whether it is paused', async () => {
  const kinds = ['sessions', 'attempts', 'tickets', 'idempotencyKeys', 'resets'] as const;
  const more = ['entries', 'operations', 'overrides'] as const;
  const none = Object.fromEntries([...kinds, ...more].map((kind) => [kind, 0]));
  let status = {
    ...{ state: 'running', lastRunAtMs: null, horizon: null, failures: 1, sweep: null },
    removed: { ...none, sessions: 500 } as MaintenanceStatus['removed'],
    progress: { sessions: { removed: 500, left: 700 } },
  } satisfies MaintenanceStatus as MaintenanceStatus;
  const metrics = createMetrics({ process: false });
  metrics.watchCleanup(() => status);
  const first = await metrics.read();
  for (const line of [
    'sekisho_cleanup_running 1',
    'sekisho_cleanup_paused 0',
    'sekisho_cleanup_left{kind="sessions"} 700',
    'sekisho_cleanup_removed_total{kind="sessions"} 500',
    'sekisho_cleanup_removed_total{kind="entries"} 0',
    'sekisho_cleanup_failures_total 1',
  ]) {
    expect(first.split('\n')).toContain(line);
  }
  expect(first).not.toMatch(/^sekisho_cleanup_finished/m);
  status = { ...status, state: 'paused', lastRunAtMs: 90_000, progress: {} };
  const second = await metrics.read();
  expect(second).toContain('sekisho_cleanup_paused 1');
  expect(second).toContain('sekisho_cleanup_finished_timestamp_seconds 90');
  expect(second).not.toMatch(/^sekisho_cleanup_left\{/m);
});
