import { readConfig } from '../../config.ts';
import { isSekishoError, SekishoError } from '../../errors.ts';
import { tenths } from '../../http/objects/common.ts';
import { memberOf } from '../../http/objects/insight.ts';
import type { FollowerStatus } from '../../revocation/contract.ts';
import type { BackupStatus, MemberState } from '../../session/contract.ts';
import { makeSecret } from '../../token/secrets.ts';
import type { Call, Command } from '../command.ts';
import { type OperatorCommands, reachOptions, runningAt } from '../operator.ts';
import { isoOf, print } from '../output.ts';
import { readRecordOptions } from '../settings.ts';
import { backupWords, hubWords, leaseWords, memberLines, milliseconds } from './doctor-words.ts';

export const doctor: Command = {
  name: 'doctor',
  operands: [],
  summary:
    'Says how the nodes are, without becoming one. Exit code 1 when none runs, or one may not answer.',
  description: [
    'A member counts as "stale" once its lease has run out, and may go on answering until its tolerance has, too: exit code 0. After that it is "unavailable", which is 1, until the other nodes have removed it. A backup that is overdue, or a Redis that may evict, is said and is no failure.',
  ],
  options: reachOptions,
  examples: [
    'sekisho doctor',
    'DATABASE_URL=postgres://… REDIS_URL=redis://… sekisho doctor --json',
  ],
  async run(call) {
    const { node, members, redis, backups } = await look(call);
    print(
      call.options.json === true,
      {
        node: node && nodeJson(node),
        redis: redis && redisJson(redis),
        backups: backups && backupsJson(backups),
        members: members.map(memberOf),
      },
      [
        ...(node === null ? [] : linesOf(node)),
        ...(redis === null ? [] : [`redis      ${redisWords(redis)}`]),
        ...(backups === null ? [] : [`backups    ${backupWords(backups, Date.now())}`]),
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
  /** Where a server schedules them. */
  readonly backups: BackupStatus | null;
}> {
  // Looking takes no secret, so that whoever watches nodes need not have theirs.
  const { record, redisUrl } = readConfig({ ...readRecordOptions(call), secret: makeSecret() });
  if (record.kind === 'postgres') {
    const { watchMembers } = await import('../../create/watch.ts');
    const members = await watchMembers(record.databaseUrl);
    return { node: null, members, redis: await redisAt(redisUrl), backups: null };
  }
  const running = record.kind === 'embedded' ? await runningAt(record.dataDir) : null;
  if (running === null) {
    const place = record.kind === 'embedded' ? ` on ${record.dataDir}` : '';
    throw new SekishoError(
      'store_unavailable',
      `No server runs${place}: start one with sekisho serve, name another directory with --data-dir, or, for nodes on PostgreSQL, set DATABASE_URL.`,
    );
  }
  const [node, members, backups] = [
    await running.status(),
    await running.members(),
    await scheduledBackups(running),
  ];
  return { node, members, redis: null, backups };
}

async function scheduledBackups(
  running: Pick<OperatorCommands, 'backupStatus'>,
): Promise<BackupStatus | null> {
  try {
    const status = await running.backupStatus();
    return status?.everyMs == null ? null : status;
  } catch (error) {
    // A server of a release that knows no such question.
    if (isSekishoError(error) && error.code === 'invalid_request') return null;
    throw error;
  }
}

/** As it is reached from here; how the nodes reach it, their own lines say. */
interface Redis {
  /** As `maxmemoryPolicies`. */
  readonly policies: readonly string[] | null;
}

async function redisAt(redisUrl: string | null): Promise<Redis | null> {
  if (redisUrl === null) return null;
  const { maxmemoryPolicies } = await import('../../create/redis-policies.ts');
  return { policies: await maxmemoryPolicies(redisUrl) };
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
    `lease      ${node.leaseMs} ms + ${node.toleranceMs} ms, ${leaseWords(node.leaseLeftMs)}`,
    `heartbeat  ${milliseconds(node.lastHeartbeatMs)}`,
    `hub        ${hubWords(node.hub)}`,
  ];
}

function backupsJson(backups: BackupStatus): object {
  return {
    every_seconds: (backups.everyMs ?? 0) / 1000,
    last_at: isoOf(backups.lastAtMs),
    bytes: backups.lastBytes,
    failures: backups.failures,
    overdue: backups.overdue,
  };
}
