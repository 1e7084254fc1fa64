import type { KeyObject } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Hub } from '../hub/contract.ts';
import type { HubCodec } from '../hub/message.ts';
import { createRedisAttempts, type RedisAttempts } from '../hub/redis/attempts.ts';
import { claimRedis } from '../hub/redis/claim.ts';
import { awaitRedis, connectRedis } from '../hub/redis/connect.ts';
import { createRedisHub } from '../hub/redis/redis-hub.ts';
import { createRedisSeen } from '../hub/redis/seen.ts';
import { parseRedisUrl } from '../hub/redis/url.ts';
import type { SeenHub } from '../hub/seen-contract.ts';
import type { Log } from '../observe/log.ts';
import type { AttemptStore } from '../record/contract.ts';

// Everything of Redis that a node needs, so that a node without one loads none of it (hub.ts imports this when it opens one).

/** How long a start waits for Redis, to see whose it is. A Redis that is away keeps no node from starting. */
const REDIS_WAIT_MS = 1_000;

export interface RedisParts {
  readonly redisUrl: string;
  /** The record's own name for the deployment: channels and keys carry it. */
  readonly deploymentId: string;
  readonly codec: HubCodec;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is kept in a Redis that is the hub. */
export interface RedisStores {
  /** Login attempts in front of those of `record`. @param nameKey as `createRedisAttempts` takes it */
  attempts(record: AttemptStore, nameKey: KeyObject): RedisAttempts;
  /** Last-seen times, until they are swept into the record. */
  seen(): SeenHub;
}

export interface OpenRedis {
  readonly hub: Hub;
  readonly stores: RedisStores;
  close(): Promise<void>;
}

/**
 * Connects to Redis as the hub.
 *
 * @throws SekishoError `invalid_configuration` for a URL that cannot be read, or that leads to another deployment's Redis.
 */
export async function openRedis(parts: RedisParts): Promise<OpenRedis> {
  const { redisUrl, deploymentId, codec, clock, log } = parts;
  const link = connectRedis({ address: parseRedisUrl(redisUrl), deploymentId, log });
  try {
    if (await awaitRedis(link, REDIS_WAIT_MS)) await claimRedis(link, deploymentId);
  } catch (error) {
    await link.close();
    throw error;
  }
  const hub = createRedisHub({ link, deploymentId, codec, clock, log });
  return {
    hub,
    stores: {
      attempts: (record, nameKey) => createRedisAttempts({ link, record, nameKey, clock, log }),
      seen: () => createRedisSeen(link),
    },
    async close() {
      await hub.close();
      await link.close();
    },
  };
}
