import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { TrailStatus } from '../audit/trail.ts';
import type { FollowerStatus } from '../revocation/contract.ts';
import type { FollowerEvent } from '../revocation/events.ts';
import type {
  BackupStatus,
  MaintenanceStatus,
  MemberState,
  Revocation,
  SweepStatus,
  TokenStatus,
} from '../session/contract.ts';
import { watchBackups } from './backup-metrics.ts';
import { watchCleanup } from './cleanup-metrics.ts';
import { watchMembers } from './member-metrics.ts';
import type { HttpMeter } from './meter.ts';
import { createProtocolMetrics } from './protocol-metrics.ts';
import { watchSweep } from './sweep-metrics.ts';
import { watchTokens } from './token-metrics.ts';
import { watchTrail } from './trail-metrics.ts';

/** The figures of one instance, in a registry of its own. Labels are words of ours, and of ids those of members only. */
export interface Metrics {
  readonly http: HttpMeter;
  /** `outcome`: `success`, or the code of the error. */
  login(outcome: string): void;
  refresh(outcome: string): void;
  /** With the time that it waited; every one of this node, whoever made it. */
  revocation(revocation: Pick<Revocation, 'scope' | 'barrier'>): void;
  /** From where the figures of the follower are read, each time somebody asks. */
  watch(status: () => FollowerStatus): void;
  /** From where those of all members are read, at most once a second, while the record can be reached. */
  watchMembers(members: () => Promise<readonly MemberState[]>): void;
  /** From where those of sweeping are read; only for nodes that sweep. */
  watchSweep(status: () => SweepStatus): void;
  /** From where those of clean-up are read. */
  watchCleanup(status: () => MaintenanceStatus): void;
  /** From where those of judged and of known tokens are read. */
  watchTokens(status: () => TokenStatus): void;
  /** From where those of the sealed audit trail are read. */
  watchTrail(status: () => TrailStatus): void;
  /** From where those of backups are read; only for records that this process backs up. */
  watchBackups(status: () => BackupStatus): void;
  /** What the follower reports. */
  readonly protocol: (event: FollowerEvent) => void;
  /** Media type of `read`. */
  readonly contentType: string;
  /** The Prometheus text exposition. */
  read(): Promise<string>;
}

export interface MetricsOptions {
  /** Whether figures of the process (memory, processor, event loop) are among them. Default true. */
  readonly process?: boolean;
}

/** Methods that become a label; any other is `_OTHER`, as in OpenTelemetry's HTTP conventions. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']);

/** Seconds. Authentication is answered in less than one of them. */
const REQUEST_BUCKETS = [
  0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const BARRIER_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 30];

/** Makes the registry with all of them. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (options.process ?? true) collectDefaultMetrics({ register: registry });

  const requests = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Duration of requests, by route template.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'] as const,
    buckets: REQUEST_BUCKETS,
    registers,
  });
  const streams = new Gauge({
    name: 'sekisho_event_streams',
    help: 'Event streams that are open.',
    registers,
  });
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['outcome'] as const, registers });
  const logins = counter('sekisho_logins_total', 'Logins, by outcome.');
  const refreshes = counter('sekisho_refreshes_total', 'Refreshes, by outcome.');
  const revocations = new Counter({
    name: 'sekisho_revocations_total',
    help: 'Revocations made here, by scope and by what their call could say.',
    labelNames: ['scope', 'effective'] as const,
    registers,
  });
  const barrier = new Histogram({
    name: 'sekisho_barrier_wait_seconds',
    help: 'How long revoking calls waited for every node.',
    buckets: BARRIER_BUCKETS,
    registers,
  });

  return {
    http: {
      requestFinished({ method, route, status, seconds }) {
        const known = METHODS.has(method) ? method : '_OTHER';
        requests.observe(
          { http_request_method: known, http_route: route, http_response_status_code: status },
          seconds,
        );
      },
      streamsChanged: (by) => streams.inc(by),
    },
    login: (outcome) => logins.inc({ outcome }),
    refresh: (outcome) => refreshes.inc({ outcome }),
    revocation({ scope, barrier: { effective, waitedMs } }) {
      revocations.inc({ scope, effective });
      barrier.observe(waitedMs / 1000);
    },
    watch: (status) => watchFollower(registry, status),
    watchMembers: (members) => watchMembers(registry, members),
    watchSweep: (status) => watchSweep(registry, status),
    watchCleanup: (status) => watchCleanup(registry, status),
    watchTokens: (status) => watchTokens(registry, status),
    watchTrail: (status) => watchTrail(registry, status),
    watchBackups: (status) => watchBackups(registry, status),
    protocol: createProtocolMetrics(registry),
    contentType: registry.contentType,
    read: () => registry.metrics(),
  };
}

/** Gauges over the follower's status, by name: help and value. */
const FOLLOWER: Readonly<Record<string, readonly [string, (status: FollowerStatus) => number]>> = {
  sekisho_lease_left_seconds: [
    'Lease that is left; negative when it is over.',
    ({ leaseLeftMs }) => leaseLeftMs / 1000,
  ],
  sekisho_heartbeat_duration_seconds: [
    'How long the last heartbeat took.',
    ({ lastHeartbeatMs }) => (lastHeartbeatMs ?? Number.NaN) / 1000,
  ],
  sekisho_view_entries: ['Entries of the log in the view.', ({ viewEntries }) => viewEntries],
  sekisho_view_applied_position: ['Last position that was applied.', ({ applied }) => applied],
  sekisho_log_head_position: ['Last position that is known of.', ({ head }) => head],
  sekisho_connections: [
    'Sockets and streams that are registered.',
    ({ connections }) => connections,
  ],
  sekisho_hub_working: ['1 while messages of the hub arrive.', ({ hub }) => Number(hub.working)],
  sekisho_serving: ['1 while this node is a member.', ({ state }) => Number(state === 'serving')],
  sekisho_answers_fresh: [
    '1 while this node answers within its lease.',
    ({ freshness }) => Number(freshness === 'fresh'),
  ],
};

function watchFollower(registry: Registry, status: () => FollowerStatus): void {
  new Gauge({
    name: 'sekisho_hub_info',
    help: 'Always 1: the hub that this node has.',
    labelNames: ['kind'] as const,
    registers: [registry],
    collect() {
      this.set({ kind: status().hub.kind }, 1);
    },
  });
  for (const [name, [help, read]] of Object.entries(FOLLOWER)) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(status()));
      },
    });
  }
}
