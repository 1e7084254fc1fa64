import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Hub } from '../hub/contract.ts';
import { createInProcessHub } from '../hub/in-process/hub.ts';
import { createHubCodec } from '../hub/message.ts';
import { createNoHub } from '../hub/none/hub.ts';
import { createNotifyHub } from '../hub/postgres/hub.ts';
import { claimRedis } from '../hub/redis/claim.ts';
import { awaitRedis, connectRedis } from '../hub/redis/connect.ts';
import type { RedisLink } from '../hub/redis/link.ts';
import { createRedisHub } from '../hub/redis/redis-hub.ts';
import { parseRedisUrl } from '../hub/redis/url.ts';
import type { Log } from '../observe/log.ts';
import type { KeyRing } from '../token/secrets.ts';

/** How long a start waits for Redis, to see whose it is. A Redis that is away keeps no node from starting. */
const REDIS_WAIT_MS = 1_000;

export interface HubParts {
  readonly config: Pick<Config, 'record' | 'redisUrl' | 'hub'>;
  /** The record's own name for the deployment: channels and keys carry it. */
  readonly deploymentId: string;
  readonly ring: KeyRing;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenHub {
  readonly hub: Hub;
  /** The way to Redis, for what else is kept there; null without one. */
  readonly redis: RedisLink | null;
  close(): Promise<void>;
}

/**
 * The hub that the settings ask for: in-process when embedded, Redis with a `redisUrl`, otherwise PostgreSQL's
 * LISTEN/NOTIFY. None of them needs to be there at the start: a hub makes things faster, and nothing rests on it.
 *
 * @throws SekishoError `invalid_configuration` for a `redisUrl` that cannot be read, or that leads to another deployment's
 *   Redis.
 */
export async function openHub(parts: HubParts): Promise<OpenHub> {
  const { record, redisUrl, hub } = parts.config;
  if (hub === 'none') return alone(createNoHub());
  if (record.kind !== 'postgres') return alone(createInProcessHub().connect());
  if (redisUrl !== null) return openRedis(redisUrl, parts);
  const { deploymentId, ring, clock, log } = parts;
  const codec = createHubCodec(ring, deploymentId);
  return alone(createNotifyHub({ url: record.databaseUrl, deploymentId, codec, clock, log }));
}

function alone(hub: Hub): OpenHub {
  return { hub, redis: null, close: () => hub.close() };
}

async function openRedis(
  redisUrl: string,
  { deploymentId, ring, clock, log }: HubParts,
): Promise<OpenHub> {
  const redis = connectRedis({ address: parseRedisUrl(redisUrl), deploymentId, log });
  try {
    if (await awaitRedis(redis, REDIS_WAIT_MS)) await claimRedis(redis, deploymentId);
  } catch (error) {
    await redis.close();
    throw error;
  }
  const codec = createHubCodec(ring, deploymentId);
  const hub = createRedisHub({ link: redis, deploymentId, codec, clock, log });
  return {
    hub,
    redis,
    async close() {
      await hub.close();
      await redis.close();
    },
  };
}
