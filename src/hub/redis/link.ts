import type { Cluster, Redis } from 'ioredis';

/**
 * One way to a Redis, whatever its shape (standalone, Sentinel, Cluster). Everything in it may vanish at any moment, so
 * every call has a deadline and whoever calls knows what to do without an answer.
 */
export interface RedisLink {
  /** For commands and scripts. Rejects at once while there is no connection: nothing is queued for later. */
  readonly commands: Redis | Cluster;
  /** What all keys and channels of this deployment begin with, such as `sekisho:<deployment>:`. */
  readonly prefix: string;
  /** The key that says whose Redis (or whose prefix of it) this is, such as `sekisho:deployment`. */
  readonly deploymentKey: string;
  /**
   * A connection of its own for subscriptions, made at the first call; closed with the link. It speaks RESP3, so it may
   * publish as well, and what was subscribed is *not* subscribed anew after a reconnection: do that at its event `ready`.
   * In a Cluster it is one of the nodes: a message published at any of them reaches the subscribers of all.
   */
  subscriber(): Redis;
  /** The masters, each by itself, for SCAN: one for standalone and Sentinel. */
  masters(): readonly Redis[];
  /** Whether commands can be sent at present. */
  connected(): boolean;
  /** Called whenever a connection has been (re)made: whatever was there before may be gone. Returns what removes it. */
  onConnected(listener: () => void): () => void;
  close(): Promise<void>;
}
