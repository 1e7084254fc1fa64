import { createHash } from 'node:crypto';

/** Characters of a hash in a channel's name: 128 bit. Identifiers of PostgreSQL have at most 63 bytes. */
const HASH_LENGTH = 32;

/** ANNOUNCE: the channel of a deployment's announcements in one generation. */
export function generationChannel(deployment: string, generation: string): string {
  return channel('log', deployment, generation);
}

/** The channel of a deployment's events. */
export function eventsChannel(deployment: string): string {
  return channel('event', deployment);
}

/** The channel that only one node listens to, for its own nonces. */
export function nonceChannel(deployment: string, node: string): string {
  return channel('nonce', deployment, node);
}

/** Lower case, digits and `_`: the same name quoted or not, for LISTEN and for pg_notify. */
function channel(kind: string, ...names: readonly string[]): string {
  // A name of ours has no NUL, so no two lists of names are one text.
  const hash = createHash('sha256').update(names.join('\0')).digest('hex');
  return `sekisho_${kind}_${hash.slice(0, HASH_LENGTH)}`;
}
