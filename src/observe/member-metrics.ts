import { Gauge, type Registry } from 'prom-client';
import type { MemberState } from '../session/contract.ts';

/** However often somebody asks, the record is read once in that time, by one statement. */
const FRESH_FOR_MS = 1_000;

/** Gauges with a label `member`, by name: help and value; null where there is nothing to say. */
const GAUGES: Readonly<Record<string, readonly [string, (member: MemberState) => number | null]>> =
  {
    sekisho_member_applied_position: [
      'Last position that a member had applied at its last heartbeat.',
      ({ applied }) => applied,
    ],
    sekisho_member_lag_entries: [
      'Entries that a member had not applied at its last heartbeat.',
      ({ lag }) => lag,
    ],
    sekisho_member_lease_left_seconds: [
      'Lease that is left to a member, as the record reckons it; negative when it is over.',
      ({ leaseLeftMs }) => leaseLeftMs && leaseLeftMs / 1000,
    ],
    sekisho_member_heartbeat_duration_seconds: [
      'How long a heartbeat of a member took.',
      ({ report }) => (report?.lastHeartbeatMs ? report.lastHeartbeatMs / 1000 : null),
    ],
    sekisho_member_answers_fresh: [
      '1 while a member answers within its lease.',
      ({ freshness }) => Number(freshness === 'fresh'),
    ],
    sekisho_member_hub_working: [
      '1 while messages of the hub reach a member.',
      ({ report }) => report && Number(report.hubWorking),
    ],
  };

/**
 * Figures of every member, read from the record when somebody asks. While it cannot be read there are none: what was so
 * before would look as if it still were.
 */
export function watchMembers(
  registry: Registry,
  members: () => Promise<readonly MemberState[]>,
): void {
  const read = sharedRead(members);
  const registers = [registry];
  new Gauge({
    name: 'sekisho_members',
    help: 'Members, by how they answer. Absent while the record cannot be read.',
    labelNames: ['freshness'] as const,
    registers,
    async collect() {
      const found = await read();
      this.reset();
      if (found === null) return;
      for (const freshness of ['fresh', 'stale', 'unavailable'] as const) {
        this.set({ freshness }, found.filter((member) => member.freshness === freshness).length);
      }
    },
  });
  for (const [name, [help, figureOf]] of Object.entries(GAUGES)) {
    new Gauge({
      ...{ name, help, labelNames: ['member'] as const, registers },
      async collect() {
        const found = await read();
        this.reset();
        for (const member of found ?? []) {
          const value = figureOf(member);
          if (value !== null) this.set({ member: member.id }, value);
        }
      },
    });
  }
  new Gauge({
    name: 'sekisho_member_info',
    help: 'Always 1: the generation, hub and protocol version of a member.',
    labelNames: ['member', 'generation', 'hub', 'version'] as const,
    registers,
    async collect() {
      const found = await read();
      this.reset();
      for (const { id, generation, report, version } of found ?? []) {
        const labels = { member: id, generation: generation ?? '', hub: report?.hub ?? '' };
        this.set({ ...labels, version: String(version) }, 1);
      }
    },
  });
}

/** One read for all gauges of a scrape, and for scrapes that come together. Null when it failed. */
function sharedRead(
  members: () => Promise<readonly MemberState[]>,
): () => Promise<readonly MemberState[] | null> {
  let latest: Promise<readonly MemberState[] | null> | null = null;
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (latest === null || performance.now() - readAtMs >= FRESH_FOR_MS) {
      readAtMs = performance.now();
      latest = members().catch(() => null);
    }
    return latest;
  };
}
