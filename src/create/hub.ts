import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Hub } from '../hub/contract.ts';
import { createInProcessHub } from '../hub/in-process/hub.ts';
import { createHubCodec } from '../hub/message.ts';
import { createNoHub } from '../hub/none/hub.ts';
import type { Log } from '../observe/log.ts';
import type { KeyRing } from '../token/secrets.ts';
import type { RedisStores } from './redis.ts';

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
  /** What else is kept in Redis; null without one. */
  readonly redis: RedisStores | null;
  close(): Promise<void>;
}

/**
 * The hub that the settings ask for: in-process when embedded, Redis with a `redisUrl`, otherwise PostgreSQL's
 * LISTEN/NOTIFY. None of them needs to be there at the start: a hub makes things faster, and nothing rests on it. A driver
 * is loaded with the hub that uses it.
 *
 * @throws SekishoError `invalid_configuration` for a `redisUrl` that cannot be read, or that leads to another deployment's
 *   Redis.
 */
export async function openHub(parts: HubParts): Promise<OpenHub> {
  const { config, deploymentId, ring, clock, log } = parts;
  const { record, redisUrl } = config;
  if (config.hub === 'none') return alone(createNoHub());
  if (record.kind !== 'postgres') return alone(createInProcessHub().connect());
  const codec = createHubCodec(ring, deploymentId);
  if (redisUrl !== null) {
    const { openRedis } = await import('./redis.ts');
    const { hub, stores, close } = await openRedis({ redisUrl, deploymentId, codec, clock, log });
    return { hub, redis: stores, close };
  }
  const { createNotifyHub } = await import('../hub/postgres/hub.ts');
  return alone(createNotifyHub({ url: record.databaseUrl, deploymentId, codec, clock, log }));
}

function alone(hub: Hub): OpenHub {
  return { hub, redis: null, close: () => hub.close() };
}
