import type { Registry } from 'prom-client';
import type { TrailStatus } from '../audit/trail.ts';
import { addCounters, addGauges, type Figures } from './figures.ts';

const GAUGES: Figures<TrailStatus, number | null> = {
  sekisho_audit_sealing: [
    '1 while this node is the one that seals the audit trail.',
    ({ sealer }) => Number(sealer.state === 'sealing'),
  ],
  sekisho_audit_unsealed_rows: [
    'Rows that were not sealed when this node last looked, counted up to 10,000; absent before it did.',
    ({ sealer }) => sealer.unsealed,
  ],
  sekisho_audit_oldest_unsealed_seconds: [
    'How old the oldest of them was then; 0 when there was none.',
    ({ sealer }) => sealer.oldestUnsealedMs / 1000,
  ],
  sekisho_audit_checkpoint_timestamp_seconds: [
    'When this node last signed a checkpoint; absent before it did.',
    ({ sealer }) => sealer.lastCheckpointAtMs && sealer.lastCheckpointAtMs / 1000,
  ],
  sekisho_audit_contradicted_trails: [
    'Trails that this node does not seal, because they are not what it has sealed before: somebody rewrote them, or put them back.',
    ({ sealer }) => sealer.contradicted,
  ],
};

const COUNTERS: Figures<TrailStatus, number> = {
  sekisho_audit_contradictions_total: [
    'How often this node found a trail that is not what it has sealed before, each trail once a minute.',
    ({ sealer }) => sealer.contradictions,
  ],
  sekisho_audit_sealed_rows_total: ['Rows that this node sealed.', ({ sealer }) => sealer.sealed],
  sekisho_audit_checkpoints_total: [
    'Checkpoints that this node signed.',
    ({ sealer }) => sealer.checkpoints,
  ],
  sekisho_audit_pruned_rows_total: [
    'Rows that this node removed because they were kept no longer.',
    ({ keeper }) => keeper.pruned,
  ],
  sekisho_audit_erased_rows_total: [
    'Rows out of which this node erased personal data that were kept no longer.',
    ({ keeper }) => keeper.erased,
  ],
  sekisho_audit_failures_total: [
    'What could not be sealed, signed, removed or erased at the first try.',
    ({ sealer, keeper }) => sealer.failures + keeper.failures,
  ],
};

/** Figures of the sealed audit trail as this node knows of it. */
export function watchTrail(registry: Registry, status: () => TrailStatus): void {
  addGauges(registry, GAUGES, status);
  addCounters(registry, COUNTERS, status);
}
