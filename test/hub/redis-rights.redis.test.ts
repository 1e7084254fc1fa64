import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRedisAttempts } from '../../src/hub/redis/attempts.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { AttemptBucket } from '../../src/record/contract.ts';
import { type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import type { TestRecord } from '../support/record.ts';
import { documentedUser } from '../support/redis-user.ts';
import { START_MS } from '../support/seed.ts';
import { lastSeen, seedSessions, startSweeping } from '../support/sweeping.ts';

let fixture: TestRecord;
let redis: RedisServer;
beforeAll(async () => {
  fixture = await openPostgresTestRecord(inject('postgresUrl'));
  redis = await startRedis({ acl: documentedUser() });
});
afterAll(async () => {
  await redis?.stop();
  await fixture?.close();
});

test('the user of docs/redis.md may count login attempts and sweep last-seen, and is refused nothing', async () => {
  const sweeping = await startSweeping(fixture, redis.url, 1);
  const { tid, sids } = await seedSessions(fixture, 300);
  const attempts = createRedisAttempts({
    ...{ link: sweeping.link, record: fixture.record.attempts },
    ...{ nameKey: createSecretKey(randomBytes(32)), clock: systemClock, log: silentLog },
  });
  const rule = { attempts: 2, windowMs: 60_000, maxWaitMs: 8000 };
  const account: AttemptBucket = { kind: 'account', key: 'ann', ...rule };
  const device: AttemptBucket = { kind: 'device', key: 'ann phone', ...rule };
  for (const buckets of [[account], [device], [account, device], [account, device]]) {
    await attempts.reserve(tid, buckets, newId(), START_MS);
  }
  // The window has passed; the next one is right.
  const id = newId();
  await attempts.reserve(tid, [account], id, START_MS + 100_000);
  await attempts.giveBack(tid, [account], id, true);
  await attempts.lift(tid, 'ann', []);
  expect(attempts.repairsWaiting()).toBe(0);
  attempts.close();

  const [node] = sweeping.nodes;
  sweeping.wall.nowMs += 10_000;
  await node?.flush(sids.map((sid) => ({ tid, sid, atMs: START_MS + 1 })));
  await node?.sweeper.run();
  expect((await lastSeen(fixture, tid)).size).toBe(300);
  await node?.seen.forget([newId()]);
  await sweeping.close();
  expect(await redis.run('acl', 'log')).toEqual([]);
});
