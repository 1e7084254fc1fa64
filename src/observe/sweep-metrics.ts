import { Counter, Gauge, type Registry } from 'prom-client';
import type { SweepStatus } from '../session/contract.ts';

/** Gauges by name: help and value; null where there is nothing to say. */
const GAUGES: Readonly<Record<string, readonly [string, (sweep: SweepStatus) => number | null]>> = {
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

/** Figures of sweeping as this node knows of it. */
export function watchSweep(registry: Registry, status: () => SweepStatus): void {
  const registers = [registry];
  for (const [name, [help, figureOf]] of Object.entries(GAUGES)) {
    new Gauge({
      ...{ name, help, registers },
      collect() {
        const value = figureOf(status());
        if (value === null) this.remove();
        else this.set(value);
      },
    });
  }
  new Counter({
    name: 'sekisho_sweep_failures_total',
    help: 'Sweeps of this node that did not end; each began anew.',
    registers,
    collect() {
      this.reset();
      this.inc(status().failures);
    },
  });
}
