import { connect as connectTcp } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { AbstractConnector, type Cluster, type Redis } from 'ioredis';
import { DISCONNECT_TIMEOUT_MS } from './options.ts';
import type { RedisHost } from './url.ts';

/**
 * How a connection for subscriptions finds its node of a Cluster: one after the other of those that are known, from a
 * random one on, at each attempt the next. A message published at any node reaches the subscribers of all of them.
 *
 * ioredis has a subscriber of its own for a Cluster; it shows neither when it is connected nor when it is not, and a
 * node that stands still holds it for ever.
 */
export function clusterNodeConnector(
  cluster: Cluster,
  seeds: readonly RedisHost[],
  tls: ConnectionOptions | undefined,
): new () => AbstractConnector {
  let turn = Math.floor(Math.random() * 1_000);

  function nextHost(): RedisHost {
    const known = cluster.nodes('master').map(hostOf);
    const hosts = known.length === 0 ? seeds : known;
    turn += 1;
    return hosts[turn % hosts.length] ?? (seeds[0] as RedisHost);
  }

  return class ClusterNodeConnector extends AbstractConnector {
    #at: RedisHost | null = null;

    constructor() {
      super(DISCONNECT_TIMEOUT_MS);
      cluster.on('-node', (node: Redis) => {
        // It left the Cluster, or cannot be reached: what is published elsewhere would not be heard.
        const { host, port } = hostOf(node);
        if (this.#at?.host === host && this.#at.port === port) this.stream.destroy();
      });
    }

    override connect(): Promise<typeof this.stream> {
      const at = nextHost();
      this.#at = at;
      this.connecting = true;
      this.stream = tls === undefined ? connectTcp({ ...at }) : connectTls({ ...at, ...tls });
      this.stream.once('error', (error) => {
        this.firstError = error;
      });
      return Promise.resolve(this.stream);
    }
  };
}

function hostOf(node: Redis): RedisHost {
  return { host: node.options.host ?? '', port: node.options.port ?? 0 };
}
