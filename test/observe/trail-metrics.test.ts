import { expect, test } from 'vitest';
import type { TrailStatus } from '../../src/audit/trail.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

test('B14 the sealed audit trail is in the figures: what waits, how old it is, the newest checkpoint', async () => {
  const metrics = createMetrics({ process: false });
  let status: TrailStatus = {
    sealer: {
      ...{ state: 'standby', unsealed: null, oldestUnsealedMs: 0, sealed: 0, checkpoints: 0 },
      ...{ failures: 0, contradicted: 0, contradictions: 0, lastCheckpointAtMs: null },
    },
    keeper: { pruned: 0, erased: 0, failures: 0, lastRunAtMs: null },
  };
  metrics.watchTrail(() => status);
  const before = await metrics.read();
  expect(before).toContain('\nsekisho_audit_sealing 0\n');
  expect(before).toContain('\nsekisho_audit_contradicted_trails 0\n');
  expect(before).not.toMatch(/^sekisho_audit_(unsealed_rows|checkpoint_timestamp_seconds) /m);
  status = {
    sealer: {
      ...{ state: 'sealing', unsealed: 12, oldestUnsealedMs: 1_500, sealed: 7, checkpoints: 2 },
      ...{ failures: 1, contradicted: 1, contradictions: 5, lastCheckpointAtMs: 9_000 },
    },
    keeper: { pruned: 3, erased: 4, failures: 2, lastRunAtMs: 1 },
  };
  const text = await metrics.read();
  for (const line of [
    'sekisho_audit_sealing 1',
    'sekisho_audit_unsealed_rows 12',
    'sekisho_audit_oldest_unsealed_seconds 1.5',
    'sekisho_audit_checkpoint_timestamp_seconds 9',
    'sekisho_audit_sealed_rows_total 7',
    'sekisho_audit_checkpoints_total 2',
    'sekisho_audit_pruned_rows_total 3',
    'sekisho_audit_erased_rows_total 4',
    'sekisho_audit_failures_total 3',
    'sekisho_audit_contradicted_trails 1',
    'sekisho_audit_contradictions_total 5',
  ]) {
    expect(text).toContain(`\n${line}\n`);
  }
});
