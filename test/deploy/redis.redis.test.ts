import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type Guarded, startGuarded } from '../../tools/services/guarded.mjs';
import { untilReady } from '../../tools/services/network.mjs';
import { freePort } from '../../tools/services/ports.mjs';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { redisBinaries } from '../../tools/services/redis-binaries.mjs';
import { startClusterNode } from '../support/cluster-node.ts';
import { root } from './files.ts';

const PASSWORD = 'f0a1b2c3d4e5f60718293a4b5c6d7e8f';
let folder: string;
let server: Guarded;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-deploy-redis-'));
  const [bin, data] = [join(folder, 'bin'), join(folder, 'data')];
  for (const one of [bin, data]) mkdirSync(one);
  // What the image has: a script that steps down from root, and the server.
  writeFileSync(join(bin, 'docker-entrypoint.sh'), '#!/bin/sh\nexec "$@"\n');
  chmodSync(join(bin, 'docker-entrypoint.sh'), 0o755);
  symlinkSync(redisBinaries().server, join(bin, 'redis-server'));
  const port = await freePort();
  const logFile = join(folder, 'log');
  server = await startGuarded({
    command: 'sh',
    args: [join(root, 'deploy/redis/start.sh'), '--port', String(port), '--bind', '127.0.0.1'],
    ...{ cwd: data, scratch: folder, logFile, stopSignal: 'SIGTERM' },
    env: { PATH: `${bin}:${process.env.PATH}`, REDIS_PASSWORD: PASSWORD },
  });
  url = `redis://sekisho:${PASSWORD}@127.0.0.1:${port}`;
  const ready = async (): Promise<boolean> => {
    const answer = await command(url, 'ping').catch(() => null);
    return answer === 'PONG';
  };
  await untilReady({ name: 'Redis', server, logFile, ready, timeoutMs: 30_000 });
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs one command on a connection of its own. */
async function command(at: string, name: string, ...args: readonly string[]): Promise<unknown> {
  const redis = new Redis(at, {
    lazyConnect: true,
    retryStrategy: () => null,
    enableReadyCheck: false,
  });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await redis.call(name, ...args);
  } finally {
    redis.disconnect();
  }
}

/** What somebody without a name gets for a line. */
async function unnamed(line: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  try {
    socket.write(`${line}\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString('utf8');
  } finally {
    socket.destroy();
  }
}

test('ASVS 13.2.2 Redis as deploy/compose.yaml starts it: one user, with a password, and what it needs', async () => {
  expect(await unnamed('PING')).toMatch(/^-NOAUTH/);
  const wrong = new URL(url);
  wrong.password = 'another';
  await expect(command(wrong.href, 'ping')).rejects.toThrow();
  for (const [name, ...args] of [
    ['keys', '*'],
    ['flushall'],
    ['config', 'get', '*'],
    ['acl', 'list'],
    ['get', 'elsewhere'],
  ] as const) {
    await expect(command(url, name ?? '', ...args)).rejects.toThrow(/NOPERM/);
  }
  // The password is in no file, and on no command line.
  const acl = join(folder, 'data', 'users.acl');
  expect(readFileSync(acl, 'utf8')).not.toContain(PASSWORD);
  expect(readFileSync(acl, 'utf8')).toMatch(/^user sekisho on #[0-9a-f]{64} /m);
  expect(statSync(acl).mode & 0o077).toBe(0);
  expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain(PASSWORD);
});

test('A10 a node works with it', async () => {
  const database = await createTestDatabase(inject('postgresUrl'));
  const node = await startClusterNode({ databaseUrl: database.url, redisUrl: url });
  try {
    await vi.waitFor(
      () => expect(node.engine.status().hub).toEqual({ kind: 'redis', working: true }),
      {
        timeout: 60_000,
      },
    );
  } finally {
    await node.close();
    await database.drop();
  }
});
