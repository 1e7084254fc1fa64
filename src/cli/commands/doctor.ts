import { readConfig } from '../../config.ts';
import { maxmemoryPolicies } from '../../create/redis-policies.ts';
import { watchMembers } from '../../create/watch.ts';
import { SekishoError } from '../../errors.ts';
import { tenths } from '../../http/objects/common.ts';
import { memberOf } from '../../http/objects/insight.ts';
import type { FollowerStatus } from '../../revocation/contract.ts';
import type { MemberState } from '../../session/contract.ts';
import { makeSecret } from '../../token/secrets.ts';
import type { Call, Command } from '../command.ts';
import { reachOptions, runningAt } from '../operator.ts';
import { print } from '../output.ts';
import { readRecordOptions } from '../settings.ts';

export const doctor: Command = {
  name: 'doctor',
  operands: [],
  summary:
    'Says how the nodes are, without becoming one. Exit code 1 when none runs, or one may not answer.',
  options: reachOptions,
  examples: [
    'sekisho doctor',
    'DATABASE_URL=postgres://… REDIS_URL=redis://… sekisho doctor --json',
  ],
  async run(call) {
    const { node, members, redis } = await look(call);
    print(
      call.options.json === true,
      {
        node: node && nodeJson(node),
        redis: redis && redisJson(redis),
        members: members.map(memberOf),
      },
      [
        ...(node === null ? [] : linesOf(node)),
        ...(redis === null ? [] : [`redis      ${redisWords(redis)}`]),
        `members    ${members.length}`,
        ...members.flatMap(memberLines),
      ],
    );
    const well =
      members.length > 0 && members.every(({ freshness }) => freshness !== 'unavailable');
    return well && node?.freshness !== 'unavailable' ? 0 : 1;
  },
};

/** What there is to see: the process that holds the data directory, or the rows of a database. */
async function look(call: Call): Promise<{
  /** Of the node that was asked; null when the record was. */
  readonly node: FollowerStatus | null;
  readonly members: readonly MemberState[];
  /** Null without REDIS_URL. */
  readonly redis: Redis | null;
}> {
  // Looking takes no secret, so that whoever watches nodes need not have theirs.
  const { record, redisUrl } = readConfig({ ...readRecordOptions(call), secret: makeSecret() });
  if (record.kind === 'postgres') {
    const members = await watchMembers(record.databaseUrl);
    const redis = redisUrl === null ? null : { policies: await maxmemoryPolicies(redisUrl) };
    return { node: null, members, redis };
  }
  const running = record.kind === 'embedded' ? await runningAt(record.dataDir) : null;
  if (running === null) {
    const place = record.kind === 'embedded' ? ` on ${record.dataDir}` : '';
    throw new SekishoError(
      'store_unavailable',
      `No server runs${place}: start one with sekisho serve, name another directory with --data-dir, or, for nodes on PostgreSQL, set DATABASE_URL.`,
    );
  }
  return { node: await running.status(), members: await running.members(), redis: null };
}

/** As it is reached from here; how the nodes reach it, their own lines say. */
interface Redis {
  /** As `maxmemoryPolicies`. */
  readonly policies: readonly string[] | null;
}

function redisJson({ policies }: Redis): object {
  return { reached: policies !== null, maxmemory_policies: policies ?? [] };
}

function redisWords({ policies }: Redis): string {
  if (policies === null) return 'cannot be reached from here';
  const words = `maxmemory-policy ${policies.join(', ') || 'unknown'}`;
  return policies.every((policy) => policy === 'noeviction')
    ? words
    : `${words}: each eviction counts as a loss of last-seen times, and nobody grows idle; set noeviction`;
}

function nodeJson(node: FollowerStatus): object {
  return {
    id: node.memberId,
    state: node.state,
    freshness: node.freshness,
    generation: node.generation,
    applied: node.applied,
    head: node.head,
    lag: Math.max(0, node.head - node.applied),
    lease_ms: node.leaseMs,
    tolerance_ms: node.toleranceMs,
    lease_left_ms: tenths(node.leaseLeftMs),
    last_heartbeat_ms: tenths(node.lastHeartbeatMs),
    view_entries: node.viewEntries,
    connections: node.connections,
    hub: node.hub,
  };
}

function linesOf(node: FollowerStatus): readonly string[] {
  return [
    `node       ${node.memberId}, ${node.state}, ${node.freshness}`,
    `log        generation ${node.generation ?? '-'}, applied ${node.applied} of ${node.head}`,
    `lease      ${node.leaseMs} ms + ${node.toleranceMs} ms, ${Math.round(node.leaseLeftMs)} ms left`,
    `heartbeat  ${milliseconds(node.lastHeartbeatMs)}`,
    `hub        ${hubWords(node.hub)}`,
  ];
}

function memberLines(member: MemberState): readonly string[] {
  const { report } = member;
  const hub = report && { kind: report.hub, working: report.hubWorking };
  return [
    `  ${member.id}  ${member.freshness}  ${member.address ?? ''}`.trimEnd(),
    `    generation ${member.generation ?? '-'}, applied ${member.applied}, lag ${member.lag}, protocol ${member.version}`,
    `    lease ${milliseconds(member.leaseLeftMs)} left of ${member.leaseMs} ms, heartbeat ${milliseconds(report?.lastHeartbeatMs ?? null)}`,
    `    hub ${hub === null ? 'unknown' : hubWords(hub)}`,
  ];
}

function hubWords({ kind, working }: FollowerStatus['hub']): string {
  return `${kind}, ${working ? 'working' : 'not working: revocations take up to two heartbeats'}`;
}

function milliseconds(ms: number | null): string {
  return ms === null ? 'none yet' : `${ms.toFixed(1)} ms`;
}
