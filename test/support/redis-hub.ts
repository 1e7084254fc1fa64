import { expect } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Hub } from '../../src/hub/contract.ts';
import { createHubCodec, type HubCodec } from '../../src/hub/message.ts';
import { connectRedis } from '../../src/hub/redis/connect.ts';
import type { RedisLink } from '../../src/hub/redis/link.ts';
import { createRedisHub } from '../../src/hub/redis/redis-hub.ts';
import { parseRedisUrl } from '../../src/hub/redis/url.ts';
import { newId } from '../../src/id.ts';
import { type Log, silentLog } from '../../src/observe/log.ts';
import { createKeyRing } from '../../src/token/secrets.ts';

/** Long enough for two reconnections and a nonce on a machine with other things to do. */
const WITHIN = { timeout: 60_000, interval: 20 };

export interface RedisNode {
  readonly hub: Hub;
  readonly link: RedisLink;
}

/** The same Redis with a prefix that nobody else has: a prefix belongs to the first deployment that comes. */
export function ownPrefix(url: string): string {
  return `${url}${url.includes('?') ? '&' : '?'}prefix=sekisho:${newId()}:`;
}

/**
 * Hubs on one Redis that hear each other and nobody else: a deployment of their own. All enter `generation`, if one is
 * given. `url` has to lead to a Redis or prefix that no other deployment has claimed (`ownPrefix`).
 */
export interface RedisHubs {
  readonly deploymentId: string;
  readonly codec: HubCodec;
  /** One more node, at once. */
  connect(): RedisNode;
  /** The same; resolves when its messages arrive. */
  node(): Promise<RedisNode>;
  close(): Promise<void>;
}

export function redisHubs(
  url: string,
  options: {
    generation?: string;
    deploymentId?: string;
    log?: Log;
    commandTimeoutMs?: number;
  } = {},
): RedisHubs {
  const { deploymentId = newId(), log = silentLog, generation, commandTimeoutMs = 250 } = options;
  const codec = createHubCodec(
    createKeyRing('a secret of the tests that is long enough'),
    deploymentId,
  );
  const open: RedisNode[] = [];
  const hubs: RedisHubs = {
    deploymentId,
    codec,
    connect() {
      const link = connectRedis({
        address: parseRedisUrl(url),
        ...{ deploymentId, log, commandTimeoutMs },
      });
      const hub = createRedisHub({ link, deploymentId, codec, clock: systemClock, log });
      if (generation !== undefined) hub.enter(generation);
      const node = { hub, link };
      open.push(node);
      return node;
    },
    async node() {
      const node = hubs.connect();
      await untilWorking(node.hub);
      return node;
    },
    async close() {
      for (const { hub, link } of open.splice(0)) {
        await hub.close();
        await link.close();
      }
    },
  };
  return hubs;
}

export async function untilWorking(...hubs: Hub[]): Promise<void> {
  await expect.poll(() => hubs.every((hub) => hub.working()), WITHIN).toBe(true);
}

export async function untilSilent(...hubs: Hub[]): Promise<void> {
  await expect.poll(() => hubs.some((hub) => hub.working()), WITHIN).toBe(false);
}
