import { awaitRedis, connectRedis } from '../hub/redis/connect.ts';
import { parseRedisUrl } from '../hub/redis/url.ts';

/** How long Redis is waited for. */
const WAIT_MS = 3_000;

/**
 * What the masters do when their memory is full: their `maxmemory-policy`, each once. Empty where a provider does not say
 * it; null when Redis cannot be reached. INFO tells it, so that no right to read the configuration is needed. Nothing is
 * written.
 *
 * @throws SekishoError `invalid_configuration` for a URL that cannot be read.
 */
export async function maxmemoryPolicies(redisUrl: string): Promise<readonly string[] | null> {
  const link = connectRedis({ address: parseRedisUrl(redisUrl), deploymentId: '' });
  try {
    if (!(await awaitRedis(link, WAIT_MS))) return null;
    const texts = await Promise.all(link.masters().map((master) => master.info('memory')));
    const found = texts.flatMap((text) => /^maxmemory_policy:([\w-]+)/m.exec(text)?.[1] ?? []);
    return [...new Set(found)];
  } catch {
    return null;
  } finally {
    await link.close();
  }
}
