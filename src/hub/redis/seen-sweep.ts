import type { Redis } from 'ioredis';
import type { SweepServers } from '../../record/sweep-contract.ts';
import type { SeenSweep, SeenTime } from '../seen-contract.ts';
import type { RedisLink } from './link.ts';
import { loadScript, runScript } from './scripts.ts';
import { MARKS_LIVE_MS, PARTITIONS, type SeenKey, type SeenKeys } from './seen-keys.ts';

const BEGIN = loadScript('begin_sweep');

/** How much of the key space one SCAN walks through, so that nobody in Redis waits for it. */
const COUNT = 100;
const CLUSTER_SLOTS = 16_384;
/** The field of the sweep's marker among the marks; members have longer names. */
const MARKER = 'sweep';

/** What write_seen.lua leaves there. */
const TIME = /^\d{1,15}$/;

/** A master as it was at the sweep's beginning. */
interface Master {
  readonly redis: Redis;
  /** Changes with every start of the server. */
  readonly runId: string;
  /** In a Cluster which slots it has, and which are on their way. */
  readonly slots: string;
  readonly evicted: number;
}

/**
 * Begins a sweep: the marker first, and with it, atomically in each partition, the marks as they were; then everything by
 * SCAN, one master after the other. SCAN returns whatever is there from its beginning to its end, on one server that
 * stays the same: `verify` looks whether they all did.
 *
 * @throws when a partition or a master cannot be reached, or some slots of a Cluster are nowhere.
 */
export async function beginSweep(
  link: RedisLink,
  keys: SeenKeys,
  number: number,
): Promise<SeenSweep> {
  const { marker, through } = await leaveMarker(link, keys, number);
  const masters = await look(link.masters());
  let current = 0;
  let cursor = '0';
  let keysSeen = 0;

  async function next(): Promise<readonly SeenTime[] | null> {
    const master = masters[current];
    if (master === undefined) return null;
    const { redis } = master;
    const [following, names] = await redis.scan(cursor, 'MATCH', keys.pattern, 'COUNT', COUNT);
    const batch = await read(master, keys, names);
    // Only now: a batch that could not be read is read again.
    cursor = following;
    keysSeen += names.length;
    // The cursor says where the end is; a batch may be empty in the middle.
    if (cursor === '0') current += 1;
    return batch;
  }

  return {
    ...{ marker, through, next },
    servers: evictions(masters),
    get progress() {
      return { keysSeen, mastersDone: current, masters: masters.length };
    },
    async verify() {
      const now = await look(link.masters());
      const markers = await Promise.all(
        allMarks(keys).map((marks) => link.commands.hget(marks, MARKER)),
      );
      if (markers.some((one) => Number(one ?? 0) < number)) return 'lost';
      if (layout(now) !== layout(masters) || [...now, ...masters].some(isMoving)) return 'moved';
      const before = evictions(masters);
      return now.every(({ runId, evicted }) => evicted === before[runId]) ? 'whole' : 'lost';
    },
  };
}

async function leaveMarker(
  link: RedisLink,
  keys: SeenKeys,
  number: number,
): Promise<Pick<SeenSweep, 'marker' | 'through'>> {
  const found = await Promise.all(
    allMarks(keys).map(async (marks) => {
      const answer = await runScript(link, BEGIN, [marks], [MARKER, number, MARKS_LIVE_MS]);
      return fieldsOf(answer as readonly string[]);
    }),
  );
  const through = new Map<string, number>();
  for (const member of found[0]?.keys() ?? []) {
    // A mark that is missing somewhere is none.
    const lowest = Math.min(...found.map((marks) => marks.get(member) ?? Number.NaN));
    if (member !== MARKER && Number.isFinite(lowest)) through.set(member, lowest);
  }
  return { marker: Math.min(...found.map((marks) => marks.get(MARKER) ?? 0)), through };
}

function fieldsOf(answer: readonly string[]): ReadonlyMap<string, number> {
  const fields = new Map<string, number>();
  for (let index = 0; index + 1 < answer.length; index += 2) {
    fields.set(answer[index] ?? '', Number(answer[index + 1]));
  }
  return fields;
}

/** Values of one batch, in one round trip. What has expired meanwhile, or was never a time, is left out. */
async function read(
  { redis, slots }: Master,
  keys: SeenKeys,
  names: readonly string[],
): Promise<readonly SeenTime[]> {
  // One command where all keys may lie anywhere, one a slot in a Cluster.
  const groups = new Map<string, { names: string[]; sessions: SeenKey[] }>();
  for (const name of names) {
    const session = keys.parse(name);
    if (session === null) continue;
    const slot = slots === '' ? '' : session.tag;
    const group = groups.get(slot) ?? { names: [], sessions: [] };
    groups.set(slot, group);
    group.names.push(name);
    group.sessions.push(session);
  }
  const found = await Promise.all(
    [...groups.values()].map(async (group) => {
      const values = await redis.mget(group.names);
      return group.sessions.flatMap(({ tid, sid }, index) => {
        const value = values[index] ?? '';
        return TIME.test(value) ? [{ tid, sid, atMs: Number(value) }] : [];
      });
    }),
  );
  return found.flat();
}

async function look(masters: readonly Redis[]): Promise<readonly Master[]> {
  const found = await Promise.all(masters.map(lookAt));
  const inCluster = found.filter(({ slots }) => slots !== '');
  if (inCluster.length > 0) {
    const covered = found.reduce((sum, { slots }) => sum + countSlots(slots), 0);
    if (covered !== CLUSTER_SLOTS) throw new Error('some slots of the Cluster are nowhere');
  }
  return found;
}

async function lookAt(redis: Redis): Promise<Master> {
  const [server, stats] = await Promise.all([redis.info('server'), redis.info('stats')]);
  const slots =
    field(server, 'redis_mode') === 'cluster' || field(server, 'server_mode') === 'cluster'
      ? ownSlots(String(await redis.cluster('NODES')))
      : '';
  const runId = field(server, 'run_id');
  return { redis, runId, slots, evicted: Number(field(stats, 'evicted_keys')) };
}

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
}

/** `0-5460 [93-<-…]`: the end of a node's own line of CLUSTER NODES. A replica has none. */
function ownSlots(nodes: string): string {
  const own = nodes.split('\n').find((line) => line.includes('myself'));
  return own?.trim().split(' ').slice(8).join(' ') || 'none';
}

function countSlots(slots: string): number {
  let count = 0;
  for (const range of slots.split(' ')) {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (first !== undefined) count += Number(last ?? first) - Number(first) + 1;
  }
  return count;
}

/** Which servers there are, in which run, with which slots. */
function layout(masters: readonly Master[]): string {
  return masters
    .map(({ runId, slots }) => `${runId} ${slots}`)
    .sort()
    .join('\n');
}

/** Slots are on their way: a key may pass from a master that is still to be read to one that was. */
function isMoving({ slots }: Master): boolean {
  return slots.includes('[');
}

function evictions(masters: readonly Master[]): SweepServers {
  return Object.fromEntries(masters.map(({ runId, evicted }) => [runId, evicted]));
}

function allMarks(keys: SeenKeys): readonly string[] {
  return Array.from({ length: PARTITIONS }, (_, index) => keys.marks(index));
}
