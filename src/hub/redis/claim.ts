import { SekishoError } from '../../errors.ts';
import type { RedisLink } from './link.ts';

/** `unanswered`: Redis cannot be reached, or may not be written to and says nothing; to be asked again later. */
export type Claim = 'ours' | 'foreign' | 'unanswered';

/** Says that this prefix of this Redis belongs to the deployment, unless it belongs to somebody. Never rejects. */
export async function askForRedis(link: RedisLink, deploymentId: string): Promise<Claim> {
  const { commands, deploymentKey: key } = link;
  // One command, so that of two deployments that come at once one gets it. It stays: a deployment's nodes may all be away.
  const holder = await commands
    .set(key, deploymentId, 'NX', 'GET')
    // A Redis that is full, or whose disk is, can still say whose it is.
    .catch(() => commands.get(key))
    .catch(() => undefined);
  if (holder === undefined) return 'unanswered';
  return holder === null || holder === deploymentId ? 'ours' : 'foreign';
}

/**
 * The same for the start of a node: another deployment's Redis is refused. Channels and keys hold the deployment's id, so
 * the two would not mix; but whoever flushes or fills one of them means only that one.
 *
 * @throws SekishoError `invalid_configuration` with what to do about it.
 */
export async function claimRedis(
  link: RedisLink,
  deploymentId: string,
): Promise<'ours' | 'unanswered'> {
  const claim = await askForRedis(link, deploymentId);
  if (claim === 'foreign') throw new SekishoError('invalid_configuration', foreignRedis(link));
  return claim;
}

/** The sentence for people. */
export function foreignRedis(link: RedisLink): string {
  return `REDIS_URL leads to a Redis that another deployment of Sekisho uses (its key ${link.deploymentKey} says so): give each deployment a Redis of its own, another database number, or its own ?prefix=; or delete that key if the other deployment is gone.`;
}
