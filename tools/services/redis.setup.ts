/**
 * Vitest's global set-up for suites with a Redis: one server for the run, besides the PostgreSQL of postgres.setup.ts. A
 * test file reads its address with `inject('redisUrl')` and takes a `?prefix=` of its own for each deployment, since a prefix
 * belongs to one (`ownPrefix` in test/support/redis-hub.ts); whoever stops or flushes a Redis starts its own, by `startRedis`.
 */
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { type RedisServer, startRedis } from './redis.mjs';

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string;
  }
}

let redis: RedisServer | undefined;

export async function setup(project: TestProject): Promise<void> {
  redis = await startRedis();
  project.provide('redisUrl', redis.url);
}

export async function teardown(): Promise<void> {
  await redis?.stop();
}
