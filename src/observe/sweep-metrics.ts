import type { Registry } from 'prom-client';
import type { SweepStatus } from '../session/contract.ts';
import { addCounters, addGauges, type Figures } from './figures.ts';

const GAUGES: Figures<SweepStatus, number | null> = {
  sekisho_sweep_running: [
    '1 while this node sweeps last-seen times.',
    ({ state }) => Number(state === 'running'),
  ],
  sekisho_sweep_paused: [
    '1 while sweeping is paused, as far as this node knows.',
    ({ state }) => Number(state === 'paused'),
  ],
  sekisho_sweep_keys_seen: [
    'Keys that the sweep at work, or the last one, has read.',
    ({ keysSeen }) => keysSeen,
  ],
  sekisho_sweep_sessions_written: [
    'Sessions that it has written to the record.',
    ({ swept }) => swept,
  ],
  sekisho_sweep_masters_done: [
    'Masters of Redis that it has gone through.',
    ({ mastersDone }) => mastersDone,
  ],
  sekisho_sweep_masters: ['Masters of Redis that there are.', ({ masters }) => masters],
  sekisho_sweep_through_timestamp_seconds: [
    'Up to when last-seen is complete in the record; absent before this node has swept.',
    ({ sweptThroughMs }) => sweptThroughMs && sweptThroughMs / 1000,
  ],
};

const COUNTERS: Figures<SweepStatus, number> = {
  sekisho_sweep_failures_total: [
    'Sweeps of this node that did not end; each began anew.',
    ({ failures }) => failures,
  ],
};

/** Figures of sweeping as this node knows of it. */
export function watchSweep(registry: Registry, status: () => SweepStatus): void {
  addGauges(registry, GAUGES, status);
  addCounters(registry, COUNTERS, status);
}
