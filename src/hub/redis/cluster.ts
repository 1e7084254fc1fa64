import type { ConnectionOptions } from 'node:tls';
import { Cluster, type Redis } from 'ioredis';
import { backoffMs, commonOptions, connectQuietly, patientAtFirst } from './options.ts';
import type { RedisAddress } from './url.ts';

/** How often a Cluster is asked who holds what, beside what its redirections say. */
const SLOTS_REFRESH_MS = 5_000;

/**
 * Begins to connect to a Cluster. `connected` is called when it has been found complete and its masters are connected, and
 * again whenever a connection to one of them has been made anew: it may have lost its data, and the Cluster as a whole
 * says nothing then.
 */
export function connectCluster(
  address: RedisAddress,
  tls: ConnectionOptions | undefined,
  commandTimeout: number,
  connected: () => void,
): { readonly cluster: Cluster; readonly usable: () => boolean } {
  const cluster = new Cluster(
    address.hosts.map((host) => ({ ...host })),
    {
      redisOptions: commonOptions(address, tls, commandTimeout),
      enableOfflineQueue: false,
      clusterRetryStrategy: backoffMs,
      maxRedirections: 4,
      slotsRefreshInterval: SLOTS_REFRESH_MS,
      // Names are resolved where the connection is made, so that certificates are checked against them.
      dnsLookup: (name, callback) => callback(null, name),
    },
  );
  let usable = false;

  async function connectMasters(): Promise<void> {
    await Promise.all(cluster.nodes('master').map(connectOrWait));
    if (cluster.status !== 'ready') return;
    usable = true;
    connected();
  }

  // ioredis connects to a node when the first command for it comes, and rejects what follows until that is done.
  cluster.on('ready', () => void connectMasters());
  cluster.on('close', () => {
    usable = false;
  });
  cluster.on('+node', (node: Redis) => {
    node.on('ready', () => {
      if (usable && node.options.readOnly !== true) connected();
    });
    // Not before: the Cluster's own first question would be one of those that are rejected.
    if (usable && node.options.readOnly !== true) void connectQuietly(node);
    leaveNothingUnhandled(node);
    patientAtFirst(node, commandTimeout);
  });
  return { cluster, usable: () => usable && cluster.status === 'ready' };
}

/** The same where somebody else has begun: until that has ended, well or not. */
async function connectOrWait(node: Redis): Promise<void> {
  await connectQuietly(node);
  if (node.status !== 'connecting' && node.status !== 'connect') return;
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      node.off('ready', settle).off('close', settle);
      resolve();
    };
    node.on('ready', settle).on('close', settle);
  });
}

/** Before a command that a node was asked to pass on, ioredis sends ASKING, and leaves its outcome to nobody. */
function leaveNothingUnhandled(node: Redis): void {
  const asking = node.asking.bind(node) as () => Promise<'OK'>;
  node.asking = () => {
    const sent = asking();
    sent.catch(() => {});
    return sent;
  };
}
