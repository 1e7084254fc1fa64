import { Cluster, Redis } from 'ioredis';
import { type Log, silentLog } from '../../observe/log.ts';
import { Listeners } from '../listeners.ts';
import { connectCluster } from './cluster.ts';
import { clusterNodeConnector } from './cluster-node.ts';
import type { RedisLink } from './link.ts';
import {
  backoffMs,
  COMMAND_TIMEOUT_MS,
  connectQuietly,
  patientAtFirst,
  SUBSCRIBER_TIMEOUT_MS,
  singleOptions,
  tlsOf,
} from './options.ts';
import { reportOutages } from './outages.ts';
import { describeRedis, type RedisAddress } from './url.ts';

export interface RedisLinkOptions {
  readonly address: RedisAddress;
  readonly deploymentId: string;
  readonly log?: Log;
  /** Deadline of a command in milliseconds, 250 by default. */
  readonly commandTimeoutMs?: number;
}

/**
 * Begins to connect, and returns at once: whether Redis is there is nobody's precondition. Connections are made anew for
 * ever, with at most three seconds between attempts, until `close`.
 *
 * @throws SekishoError `invalid_configuration` when the file of `?ca=` cannot be read.
 */
export function connectRedis(options: RedisLinkOptions): RedisLink {
  const { address, deploymentId } = options;
  const tls = address.tls ? tlsOf(address) : undefined;
  const commandTimeoutMs = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
  const revival = keepAlive();
  const listeners = new Listeners<void>();
  const tell = (): void => listeners.tell();
  const { commands, connected } = open();
  reportOutages(commands, {
    log: options.log ?? silentLog,
    where: describeRedis(address),
    address,
  });

  function open(): { commands: Redis | Cluster; connected: () => boolean } {
    if (address.shape === 'cluster') {
      const { cluster, usable } = connectCluster(address, tls, commandTimeoutMs, tell);
      return { commands: cluster, connected: usable };
    }
    const redis = revival.watch(new Redis(singleOptions(address, tls, commandTimeoutMs)));
    patientAtFirst(redis, commandTimeoutMs);
    redis.on('ready', tell);
    return { commands: redis, connected: () => redis.status === 'ready' };
  }

  let subscriber: Redis | null = null;
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    revival.stop();
    listeners.clear();
    await Promise.all([ended(commands), ...(subscriber === null ? [] : [ended(subscriber)])]);
  };

  return {
    commands,
    prefix: `${address.prefix}${deploymentId}:`,
    deploymentKey: `${address.prefix}deployment`,
    subscriber() {
      if (subscriber === null) {
        const own = {
          ...singleOptions(address, tls, SUBSCRIBER_TIMEOUT_MS),
          connectionName: 'sekisho-hub',
        };
        subscriber = new Redis(
          commands instanceof Cluster
            ? { ...own, Connector: clusterNodeConnector(commands, address.hosts, tls) }
            : own,
        );
        subscriber.on('error', () => {}); // what `commands` meets is reported; this is the same server
        if (closing === null) revival.watch(subscriber);
        else subscriber.disconnect();
      }
      return subscriber;
    },
    masters: () => (commands instanceof Cluster ? commands.nodes('master') : [commands]),
    connected,
    // Whoever asks twice is told twice.
    onConnected: (listener) => listeners.add(() => listener()),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Resolves with whether commands can be sent, at the latest after `maxMs`. Never rejects. */
export function awaitRedis(link: RedisLink, maxMs: number): Promise<boolean> {
  if (link.connected()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      remove();
      resolve(link.connected());
    };
    const remove = link.onConnected(() => {
      // Of a Cluster some nodes may be connected, and others not yet.
      if (link.connected()) settle();
    });
    const timer = setTimeout(settle, maxMs);
  });
}

/** ioredis gives a connection up when it cannot even begin one (no Sentinel, an error of TLS): here it begins again. */
function keepAlive() {
  let stopped = false;
  const timers = new Set<NodeJS.Timeout>();
  return {
    watch(redis: Redis): Redis {
      let attempts = 0;
      redis.on('ready', () => {
        attempts = 0;
      });
      redis.on('end', () => {
        if (stopped) return;
        attempts += 1;
        const timer = setTimeout(() => {
          timers.delete(timer);
          void connectQuietly(redis);
        }, backoffMs(attempts));
        timers.add(timer);
      });
      return redis;
    },
    stop(): void {
      stopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}

/** Disconnects; resolves when that is done, at the latest after a second. */
function ended(connection: Redis | Cluster): Promise<void> {
  return new Promise((resolve) => {
    const { status } = connection;
    if (status !== 'end') connection.disconnect();
    // Between two attempts nothing is open, and nothing will be said to have ended.
    if (status === 'end' || status === 'reconnecting' || status === 'close') return resolve();
    const timer = setTimeout(resolve, 1_000);
    connection.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
