import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { doctor } from '../../src/cli/commands/doctor.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { startClusterNode } from '../support/cluster-node.ts';
import { documentedUser } from '../support/redis-user.ts';

let redis: RedisServer;
let databaseUrl: string;
const closers: (() => Promise<void>)[] = [];
beforeAll(async () => {
  redis = await startRedis({ acl: documentedUser() });
  closers.push(redis.stop);
  const database = await createTestDatabase(inject('postgresUrl'));
  closers.push(database.drop);
  databaseUrl = database.url;
  const node = await startClusterNode({ databaseUrl, redisUrl: redis.url });
  closers.push(node.close);
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** What `sekisho doctor` prints with these settings. */
async function doctorSays(redisUrl: string, json = false): Promise<string> {
  let said = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  try {
    // Without SEKISHO_SECRET: looking takes none.
    const env = { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl };
    const code = await doctor.run({ operands: [], options: json ? { json } : {}, env });
    expect(code).toBe(0);
  } finally {
    write.mockRestore();
  }
  return said;
}

test('A10 A3 doctor warns of a Redis that may evict, as the documented user, and of nothing else', async () => {
  await redis.run('config', 'set', 'maxmemory-policy', 'allkeys-lru');
  expect(await doctorSays(redis.url)).toMatch(
    /^redis {6}maxmemory-policy allkeys-lru: .* noeviction$/m,
  );
  expect(JSON.parse(await doctorSays(redis.url, true))).toMatchObject({
    redis: { reached: true, maxmemory_policies: ['allkeys-lru'] },
    members: [{ hub: { kind: 'redis' } }],
  });
  await redis.run('config', 'set', 'maxmemory-policy', 'noeviction');
  expect(await doctorSays(redis.url)).toMatch(/^redis {6}maxmemory-policy noeviction$/m);
  expect(await redis.run('acl', 'log')).toEqual([]);
});

test('A10 doctor says so when Redis cannot be reached; that is no failure', async () => {
  expect(await doctorSays('redis://127.0.0.1:1')).toMatch(/^redis {6}cannot be reached/m);
});
