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
  /** A connection of its own for subscriptions; closed with the link. */
  subscriber(): Redis | Cluster;
  /** The masters, each by itself, for SCAN: one for standalone and Sentinel. */
  masters(): readonly Redis[];
  /** Whether commands can be sent at present. */
  connected(): boolean;
  /** Called whenever a connection has been (re)made: whatever was there before may be gone. Returns what removes it. */
  onConnected(listener: () => void): () => void;
  close(): Promise<void>;
}
