import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRedisAttempts } from '../../src/hub/redis/attempts.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { AttemptBucket } from '../../src/record/contract.ts';
import { type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { startRedisCluster } from '../../tools/services/redis-cluster.mjs';
import { startSentinel } from '../../tools/services/redis-sentinel.mjs';
import { ENTRY } from '../conformance/hub.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import type { TestRecord } from '../support/record.ts';
import { redisHubs } from '../support/redis-hub.ts';
import { documentedUser } from '../support/redis-user.ts';
import { START_MS } from '../support/seed.ts';
import { lastSeen, seedSessions, startSweeping } from '../support/sweeping.ts';

let fixture: TestRecord;
const closers: (() => unknown)[] = [];
beforeAll(async () => {
  fixture = await openPostgresTestRecord(inject('postgresUrl'));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
afterAll(async () => {
  await fixture?.close();
});

/** Servers that know the user, and the URL with which it comes. */
interface Shape {
  readonly url: string;
  readonly servers: readonly RedisServer[];
}

async function standalone(): Promise<Shape> {
  const server = await startRedis({ acl: documentedUser() });
  closers.push(() => server.stop());
  return { url: server.url, servers: [server] };
}

async function withSentinel(tls: boolean): Promise<Shape> {
  const { url, servers, stop } = await startSentinel({ tls });
  closers.push(stop);
  return { url: await asUser(url, servers), servers };
}

async function cluster(tls: boolean): Promise<Shape> {
  const { url, nodes, stop } = await startRedisCluster({ tls });
  closers.push(stop);
  return { url: await asUser(url, nodes), servers: nodes };
}

/** Makes the user as docs/redis.md says, by ACL SETUSER on each of them. */
async function asUser(url: string, servers: readonly RedisServer[]): Promise<string> {
  const { user, rules } = documentedUser();
  const password = randomBytes(16).toString('hex');
  for (const server of servers) {
    await server.run('acl', 'setuser', user, 'on', `>${password}`, ...rules.split(' '));
  }
  return url.replace('://', `://${user}:${password}@`);
}

test.each([
  ['one Redis', standalone],
  ['Sentinel', () => withSentinel(false)],
  ['a Cluster', () => cluster(false)],
  ['Sentinel over TLS', () => withSentinel(true)],
  ['a Cluster over TLS', () => cluster(true)],
])(
  'with %s the user of docs/redis.md may announce, count login attempts and sweep last-seen, and is refused nothing',
  async (_, start) => {
    const { url, servers } = await start();
    const sweeping = await startSweeping(fixture, url, 1);
    closers.push(() => sweeping.close());
    const { tid, sids } = await seedSessions(fixture, 300);
    const attempts = createRedisAttempts({
      ...{ link: sweeping.link, record: fixture.record.attempts },
      ...{ nameKey: createSecretKey(randomBytes(32)), clock: systemClock, log: silentLog },
    });
    closers.push(() => attempts.close());
    const rule = { attempts: 2, windowMs: 60_000, maxWaitMs: 8000 };
    const account: AttemptBucket = { kind: 'account', key: 'ann', ...rule };
    const device: AttemptBucket = { kind: 'device', key: 'ann phone', ...rule };
    const before = fixture.record.statementCount();
    const outcomes = [];
    for (const buckets of [[account], [device], [account, device], [account, device]]) {
      outcomes.push(await attempts.reserve(tid, buckets, newId(), START_MS));
    }
    expect(outcomes.map(({ kind }) => kind)).toEqual([
      ...['reserved', 'reserved', 'reserved'],
      'limited',
    ]);
    // The last one was refused by Redis.
    expect(fixture.record.statementCount() - before).toBe(3);
    // The window has passed; the next one is right.
    const id = newId();
    await attempts.reserve(tid, [account], id, START_MS + 100_000);
    await attempts.giveBack(tid, [account], id, true);
    await attempts.lift(tid, 'ann', []);
    expect(attempts.repairsWaiting()).toBe(0);

    const [node] = sweeping.nodes;
    sweeping.wall.nowMs += 10_000;
    await node?.flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 1 })));
    await node?.sweeper.run();
    expect((await lastSeen(fixture, tid)).size).toBe(300);
    expect((await fixture.record.sweep.state()).sweptThroughMs).toBe(START_MS + 9_000);
    await node?.seen.forget([newId()]);

    const hubs = redisHubs(url, { generation: ENTRY.generation, commandTimeoutMs: 5_000 });
    closers.push(() => hubs.close());
    const [a, b] = [await hubs.node(), await hubs.node()];
    const heard: unknown[] = [];
    b.hub.onAnnouncement((entry) => heard.push(entry));
    a.hub.announce(ENTRY);
    await expect.poll(() => heard, { timeout: 60_000 }).toEqual([ENTRY]);
    for (const server of servers) expect(await server.run('acl', 'log')).toEqual([]);
  },
);
