import { join } from 'node:path';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { refusedByRedis } from '../../src/create/redis-holder.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startRedis } from '../../tools/services/redis.mjs';
import { SECRET } from '../support/engine.ts';
import { BOOTSTRAP, cleanUp, freshDirectory, sekisho, serve } from '../support/process.ts';

vi.setConfig({ testTimeout: 300_000 });

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await cleanUp();
  for (const close of closers.splice(0).reverse()) await close();
});

test('A8 another deployment’s backup in the place of a record: the restore says that Redis refuses it, and what to do', async () => {
  const redis = await startRedis();
  closers.push(redis.stop);
  const database = await createTestDatabase(inject('postgresUrl'));
  closers.push(database.drop);
  const folder = freshDirectory();
  const file = join(folder, 'other.backup');
  const settings = { DATABASE_URL: database.url, REDIS_URL: redis.url, SEKISHO_SECRET: SECRET };

  const secret = { SEKISHO_SECRET: SECRET };
  await (await serve(join(folder, 'other'), { ...BOOTSTRAP, ...secret })).end('SIGTERM');
  const other = ['--data-dir', join(folder, 'other')];
  expect(await sekisho(['backup', file, ...other], secret)).toMatchObject({ code: 0 });
  await (await serve(join(folder, 'none'), { ...BOOTSTRAP, ...settings })).end('SIGTERM');

  const restore = ['restore', file, '--replace', '--json'];
  const { code, stdout, stderr } = await sekisho(restore, settings);
  expect(code, stderr).toBe(0);
  const said = JSON.parse(stdout).restored.redis_refusal;
  expect(said).toContain('sekisho:deployment');
  const started = await sekisho(['serve', '--port', '0'], settings);
  expect(started.code).toBe(2);
  expect(started.stderr).toContain(said);

  // What the page says, and then it starts.
  await redis.run('DEL', 'sekisho:deployment');
  const server = await serve(join(folder, 'none'), settings);
  expect(await server.end('SIGTERM')).toBe(0);
  expect(JSON.parse((await sekisho(restore, settings)).stdout).restored.redis_refusal).toBeNull();
  await redis.stop();
  expect(await refusedByRedis(redis.url, 'anybody')).toBeNull();
});
