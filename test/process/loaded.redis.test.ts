import { afterEach, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startRedis } from '../../tools/services/redis.mjs';
import { SECRET } from '../support/engine.ts';
import { type Loaded, watchLoading } from '../support/loaded.ts';
import { BOOTSTRAP, cleanUp, freshDirectory, serve } from '../support/process.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await cleanUp();
  for (const close of closers.splice(0).reverse()) await close();
});

/** What a server on PostgreSQL has loaded, from its start to its end. */
async function loadedWith(settings: Readonly<Record<string, string>>): Promise<Loaded> {
  const database = await createTestDatabase(inject('postgresUrl'));
  closers.push(database.drop);
  const watched = watchLoading();
  const server = await serve(freshDirectory(), {
    ...{ ...BOOTSTRAP, ...watched.settings, ...settings },
    ...{ DATABASE_URL: database.url, SEKISHO_SECRET: SECRET },
  });
  expect(await server.end('SIGTERM')).toBe(0);
  return watched.read();
}

test('a node on PostgreSQL loads neither the embedded database nor Redis', async () => {
  const { packages, files } = await loadedWith({});
  expect(packages).toContain('pg');
  expect(packages).not.toContain('ioredis');
  expect(packages).not.toContain('@electric-sql/pglite');
  expect(files).toContain('hub/postgres/hub.js');
  expect(files).not.toContain('record/pglite/open.js');
});

test('with Redis it loads that, and no LISTEN/NOTIFY', async () => {
  // A deployment's own.
  const redis = await startRedis();
  closers.push(redis.stop);
  const { packages, files } = await loadedWith({ REDIS_URL: redis.url });
  expect(packages).toEqual(expect.arrayContaining(['ioredis', 'pg']));
  expect(files).toContain('hub/redis/redis-hub.js');
  expect(files.filter((file) => file.startsWith('hub/postgres/'))).toEqual([]);
});
