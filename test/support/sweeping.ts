import { systemClock } from '../../src/clock.ts';
import type { RedisLink } from '../../src/hub/redis/link.ts';
import { createRedisSeen } from '../../src/hub/redis/seen.ts';
import type { SeenHub, SeenTime } from '../../src/hub/seen-contract.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { SweepStore } from '../../src/record/sweep-contract.ts';
import { createPause, type Pause } from '../../src/session/pause.ts';
import { hubDestination } from '../../src/session/seen.ts';
import { createSweeper, type Sweeper } from '../../src/session/sweep.ts';
import { openTestLink } from './redis-link.ts';
import { byHand, openSession, type RecordFixture, START_MS, seedTenant, seedUser } from './seed.ts';

/** Far more than any test takes: nothing happens by itself. */
const NEVER_MS = 3_600_000;

/** What one node has for last-seen, with the time in the test's hands. */
export interface SweepNode {
  readonly memberId: string;
  readonly seen: SeenHub;
  readonly sweeper: Sweeper;
  readonly pause: Pause;
  /** Writes what was seen, and how far this node has written; what could not be written is kept for the next time. */
  flush(seen?: readonly SeenTime[]): Promise<void>;
  /** Its connection leads somewhere else from now on, as after a failover. */
  moveTo(url: string): Promise<void>;
  /** Its row goes; its connection and its data stay. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

export interface Sweeping {
  readonly wall: { nowMs: number };
  readonly nodes: SweepNode[];
  readonly prefix: string;
  readonly link: RedisLink;
  addNode(url: string, overrides?: { readonly store?: Partial<SweepStore> }): Promise<SweepNode>;
  close(): Promise<void>;
}

/** A deployment's nodes as far as last-seen goes, on a real record and a real Redis. */
export async function startSweeping(
  fixture: RecordFixture,
  url: string,
  count = 2,
): Promise<Sweeping> {
  const { record } = fixture;
  await sweepAnew(fixture);
  const deployment = newId();
  const wall = { nowMs: START_MS };
  const link = await openTestLink(url, deployment);
  const nodes: SweepNode[] = [];

  async function addNode(at: string, { store = {} }: { store?: Partial<SweepStore> } = {}) {
    const memberId = newId();
    await record.members.join({
      ...{ id: memberId, leaseMs: 1000, toleranceMs: 1000, version: 1, address: null },
    });
    let current = await openTestLink(at, deployment);
    const seen = createRedisSeen(movable(() => current));
    const sweep: SweepStore = { ...record.sweep, ...store };
    const touch = record.sessions.touch.bind(record.sessions);
    const pause = createPause({ store: sweep, clock: systemClock });
    const destination = hubDestination({
      ...{ hub: seen, sweep, touch, clock: systemClock, log: silentLog },
      memberId: () => memberId,
    });
    const sweeper = createSweeper({
      ...{ hub: seen, store: sweep, touch, pause, clock: systemClock, log: silentLog },
      ...{ lookEveryMs: NEVER_MS, sweepEveryMs: 0 },
      listMembers: () => record.members.list(),
      memberId: () => memberId,
      wallNowMs: () => wall.nowMs,
    });
    let kept: readonly SeenTime[] = [];
    const node: SweepNode = {
      ...{ memberId, seen, sweeper, pause },
      async flush(more = []) {
        const batch = { seen: [...kept, ...more], throughMs: wall.nowMs };
        kept = await destination.write({ ...batch, dropped: false, last: false });
      },
      async moveTo(next) {
        const old = current;
        current = await openTestLink(next, deployment);
        await old.close();
      },
      leave: () => record.members.leave(memberId),
      async close() {
        await sweeper.close();
        await record.members.leave(memberId);
        await current.close();
      },
    };
    nodes.push(node);
    return node;
  }

  for (let n = 0; n < count; n += 1) await addNode(url);
  return {
    ...{ wall, nodes, link, addNode, prefix: link.prefix },
    async close() {
      for (const node of nodes) await node.close();
      await link.close();
    },
  };
}

/** As if nobody had ever swept. */
export async function sweepAnew({ database }: RecordFixture): Promise<void> {
  await database.query({ text: 'delete from sekisho.sweep' });
}

/** As many sessions of one user, last seen when they began. */
export async function seedSessions(
  fixture: RecordFixture,
  count: number,
  { idleTimeout = 60, atMs = START_MS } = {},
): Promise<{ readonly tid: string; readonly sids: readonly string[] }> {
  const { tid } = await seedTenant(fixture, { idle_timeout: idleTimeout });
  const { sid } = await openSession(fixture, tid, await seedUser(fixture, tid), atMs);
  const more = Array.from({ length: count - 1 }, () => newId());
  await byHand(fixture.database, {
    text: `insert into sekisho.session
      select (jsonb_populate_record(s, jsonb_build_object('sid', i.sid))).*
        from sekisho.session s, unnest($3::text[]) i (sid) where s.tid = $1 and s.sid = $2`,
    values: [tid, sid, more],
  });
  return { tid, sids: [sid, ...more] };
}

/** Last-seen in the record, by session; only those that differ from `START_MS`. */
export async function lastSeen(
  { database }: RecordFixture,
  tid: string,
): Promise<ReadonlyMap<string, number>> {
  const rows = await byHand(database, {
    text: 'select sid, sekisho.to_ms(last_seen_at) as at from sekisho.session where tid = $1',
    values: [tid],
  });
  const moved = rows.filter(({ at }) => at !== START_MS);
  return new Map(moved.map(({ sid, at }) => [String(sid), Number(at)]));
}

function movable(current: () => RedisLink): RedisLink {
  return {
    get commands() {
      return current().commands;
    },
    get prefix() {
      return current().prefix;
    },
    get deploymentKey() {
      return current().deploymentKey;
    },
    subscriber: () => current().subscriber(),
    masters: () => current().masters(),
    connected: () => current().connected(),
    onConnected: (listener) => current().onConnected(listener),
    close: () => current().close(),
  };
}
