import { Counter, Histogram, type Registry } from 'prom-client';
import type { FollowerEvent } from '../revocation/events.ts';

/** Seconds: a heartbeat is due each quarter of one. */
const HEARTBEAT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Counts what this node's follower reports. Labels are words of ours, never an id. */
export function createProtocolMetrics(registry: Registry): (event: FollowerEvent) => void {
  const registers = [registry];
  const counter = <Label extends string>(name: string, label: Label, help: string) =>
    new Counter({ name, help, labelNames: [label], registers });
  const heartbeats = new Histogram({
    name: 'sekisho_heartbeat_seconds',
    help: 'Duration of heartbeats that came back.',
    buckets: HEARTBEAT_BUCKETS,
    registers,
  });
  const failures = counter(
    'sekisho_protocol_failures_total',
    'rule',
    'Calls of the protocol that failed and were tried again, by rule.',
  );
  const applied = counter(
    'sekisho_entries_applied_total',
    'source',
    'Entries of the log that were applied, by where they came from.',
  );
  const cut = counter(
    'sekisho_connections_cut_total',
    'reason',
    'Sockets and streams that were cut, by reason.',
  );
  const rare = counter(
    'sekisho_protocol_events_total',
    'event',
    'Rarer things of the protocol, such as gaps, new generations and lost entries.',
  );

  return (event) => {
    switch (event.kind) {
      case 'heartbeat':
        heartbeats.observe(event.tookMs / 1000);
        return;
      case 'failed':
        failures.inc({ rule: event.what });
        return;
      case 'applied':
        applied.inc({ source: event.from }, event.entries);
        return;
      case 'connections_killed':
        cut.inc({ reason: event.why }, event.count);
        return;
      case 'barrier':
        // Counted where the revoking call ends.
        return;
      default:
        rare.inc({ event: event.kind });
    }
  };
}
