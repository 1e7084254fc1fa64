import { Counter, Gauge, type Registry } from 'prom-client';
import type { MaintenanceStatus } from '../session/contract.ts';
import { addCounters, addGauges, type Figures } from './figures.ts';

const GAUGES: Figures<MaintenanceStatus, number | null> = {
  sekisho_cleanup_running: [
    '1 while this node cleans up.',
    ({ state }) => Number(state === 'running'),
  ],
  sekisho_cleanup_paused: [
    '1 while clean-up is paused, as far as this node knows.',
    ({ state }) => Number(state === 'paused'),
  ],
  sekisho_cleanup_finished_timestamp_seconds: [
    'When this node last came to the end of clean-up; absent before.',
    ({ lastRunAtMs }) => lastRunAtMs && lastRunAtMs / 1000,
  ],
};

const COUNTERS: Figures<MaintenanceStatus, number> = {
  sekisho_cleanup_failures_total: [
    'Batches of clean-up that failed; they are tried again.',
    ({ failures }) => failures,
  ],
};

/** Figures of clean-up as this node does it; one node at a time does. */
export function watchCleanup(registry: Registry, status: () => MaintenanceStatus): void {
  const registers = [registry];
  addGauges(registry, GAUGES, status);
  new Gauge({
    name: 'sekisho_cleanup_left',
    help: 'Rows that are left to the run of this node at work, or were to its last one; an estimate where there are many.',
    labelNames: ['kind'] as const,
    registers,
    collect() {
      this.reset();
      for (const [kind, { left }] of Object.entries(status().progress)) this.set({ kind }, left);
    },
  });
  new Counter({
    name: 'sekisho_cleanup_removed_total',
    help: 'Rows that this node has removed, by kind.',
    labelNames: ['kind'] as const,
    registers,
    collect() {
      this.reset();
      for (const [kind, removed] of Object.entries(status().removed)) this.inc({ kind }, removed);
    },
  });
  addCounters(registry, COUNTERS, status);
}
