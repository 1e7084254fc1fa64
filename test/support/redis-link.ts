import { awaitRedis, connectRedis } from '../../src/hub/redis/connect.ts';
import type { RedisLink } from '../../src/hub/redis/link.ts';
import { parseRedisUrl } from '../../src/hub/redis/url.ts';
import { newId } from '../../src/id.ts';

/** A link to `url` with a deployment id of its own unless one is given, once commands can be sent. */
export async function openTestLink(
  url: string,
  deploymentId: string = newId(),
  commandTimeoutMs = 5_000,
): Promise<RedisLink> {
  const link = connectRedis({ address: parseRedisUrl(url), deploymentId, commandTimeoutMs });
  if (!(await awaitRedis(link, 30_000))) throw new Error('Redis cannot be reached');
  return link;
}

/** Values of a field of `INFO` on each master, as text. */
export async function infoOf(link: RedisLink, section: string, field: string): Promise<string[]> {
  const texts = await Promise.all(link.masters().map((master) => master.info(section)));
  return texts.map((text) => new RegExp(`^${field}:(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '');
}
