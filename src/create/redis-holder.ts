import { foreignRedis } from '../hub/redis/claim.ts';
import { awaitRedis, connectRedis } from '../hub/redis/connect.ts';
import { parseRedisUrl } from '../hub/redis/url.ts';

/** How long Redis is waited for. */
const WAIT_MS = 3_000;

/**
 * What a start of `deploymentId` with this Redis would be refused with, because the Redis is another deployment's; null
 * where it would not, or where Redis does not say. Nothing is written.
 *
 * @throws SekishoError `invalid_configuration` for a URL that cannot be read.
 */
export async function refusedByRedis(
  redisUrl: string,
  deploymentId: string,
): Promise<string | null> {
  const link = connectRedis({ address: parseRedisUrl(redisUrl), deploymentId });
  try {
    if (!(await awaitRedis(link, WAIT_MS))) return null;
    const holder = await link.commands.get(link.deploymentKey);
    return holder === null || holder === deploymentId ? null : foreignRedis(link);
  } catch {
    return null;
  } finally {
    await link.close();
  }
}
