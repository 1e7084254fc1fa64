import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis } from 'ioredis';
import { SekishoError } from '../../errors.ts';
import { type Log, silentLog } from '../../observe/log.ts';
import { clusterNodeConnector } from './cluster-node.ts';
import type { RedisLink } from './link.ts';
import { reportOutages } from './outages.ts';
import { describeRedis, type RedisAddress } from './url.ts';

/** Longest that a command is waited for, by default. Its outcome is unknown after that: it may still happen. */
const COMMAND_TIMEOUT_MS = 250;

/** The same for what the subscriber sends, to which nobody listens. */
const SUBSCRIBER_TIMEOUT_MS = 1_000;

/** A connection on which nothing came for so long after something was sent is given up: the other end is gone. */
const SILENCE_MS = 2_000;

const CONNECT_TIMEOUT_MS = 2_000;
const DISCONNECT_TIMEOUT_MS = 250;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;

/** How often a Cluster is asked who holds what, beside what its redirections say. */
const SLOTS_REFRESH_MS = 5_000;

export interface RedisLinkOptions {
  readonly address: RedisAddress;
  readonly deploymentId: string;
  readonly log?: Log;
  /** Deadline of a command in milliseconds, 250 by default. */
  readonly commandTimeoutMs?: number;
}

/**
 * Begins to connect, and returns at once: whether Redis is there is nobody's precondition. Connections are made anew for
 * ever, with at most two seconds and a bit between attempts, until `close`.
 *
 * @throws SekishoError `invalid_configuration` when the file of `?ca=` cannot be read.
 */
export function connectRedis(options: RedisLinkOptions): RedisLink {
  const { address, deploymentId } = options;
  const tls = address.tls ? tlsOf(address) : undefined;
  const commandTimeoutMs = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
  const revival = keepAlive();
  const commands =
    address.shape === 'cluster'
      ? connectCluster(address, tls, commandTimeoutMs)
      : revival.watch(new Redis(singleOptions(address, tls, commandTimeoutMs)));
  reportOutages(commands, {
    log: options.log ?? silentLog,
    where: describeRedis(address),
    address,
  });

  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) callSafely(listener);
  };
  commands.on('ready', tell);
  if (commands instanceof Cluster) {
    // A master that comes back by itself may have lost its data; the Cluster as a whole says nothing then.
    commands.on('+node', (node: Redis) => node.on('ready', tell));
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
    connected: () => commands.status === 'ready',
    onConnected(listener) {
      const own = (): void => listener();
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
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
    const remove = link.onConnected(settle);
    const timer = setTimeout(settle, maxMs);
  });
}

/** Before attempt `times`: from 50 ms doubling to 2 s, and up to half of that more, so that nodes do not come together. */
function backoffMs(times: number): number {
  const base = Math.min(FIRST_RETRY_MS * 2 ** Math.min(times - 1, 10), LAST_RETRY_MS);
  return Math.round(base * (1 + Math.random() / 2));
}

function commonOptions(
  address: RedisAddress,
  tls: ConnectionOptions | undefined,
  commandTimeout: number,
) {
  return {
    ...(address.username === null ? {} : { username: address.username }),
    ...(address.password === null ? {} : { password: address.password }),
    ...(tls === undefined ? {} : { tls }),
    commandTimeout,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    // What was not answered is rejected when the connection is lost, never sent again.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // ioredis would leave a failed re-subscription unhandled; whoever subscribes does it at `ready`.
    autoResubscribe: false,
    connectionName: 'sekisho',
    disableClientInfo: true,
  };
}

function singleOptions(
  address: RedisAddress,
  tls: ConnectionOptions | undefined,
  commandTimeout: number,
) {
  const [{ host, port }] = address.hosts;
  return {
    ...commonOptions(address, tls, commandTimeout),
    db: address.database,
    enableOfflineQueue: false,
    retryStrategy: backoffMs,
    // A master that became a replica: whoever is the master now is asked for anew.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(address.shape === 'sentinel' ? sentinelOptions(address, tls) : { host, port }),
  };
}

function sentinelOptions(address: RedisAddress, tls: ConnectionOptions | undefined) {
  return {
    sentinels: address.hosts.map((host) => ({ ...host })),
    name: address.masterName ?? '',
    ...(address.sentinelUsername === null ? {} : { sentinelUsername: address.sentinelUsername }),
    ...(address.sentinelPassword === null ? {} : { sentinelPassword: address.sentinelPassword }),
    ...(tls === undefined ? {} : { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: SUBSCRIBER_TIMEOUT_MS,
    // No Sentinel answers: the connection ends, and `keepAlive` begins another one.
    sentinelRetryStrategy: () => null,
  };
}

function connectCluster(
  address: RedisAddress,
  tls: ConnectionOptions | undefined,
  commandTimeout: number,
): Cluster {
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
  cluster.on('+node', (node: Redis) => {
    // A reply that redirects a command is preceded by an ASKING whose outcome ioredis leaves unhandled.
    const asking = node.asking.bind(node) as () => Promise<'OK'>;
    node.asking = () => {
      const sent = asking();
      sent.catch(() => {});
      return sent;
    };
    // Connected before the first command, which would otherwise have to wait for that.
    if (node.options.readOnly !== true) queueMicrotask(() => connectQuietly(node));
  });
  return cluster;
}

function connectQuietly(redis: Redis): void {
  if (redis.status === 'wait' || redis.status === 'end') redis.connect().catch(() => {});
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
          connectQuietly(redis);
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
    if (connection.status === 'end') return resolve();
    const timer = setTimeout(resolve, 1_000);
    connection.once('end', () => {
      clearTimeout(timer);
      resolve();
    });
    connection.disconnect();
  });
}

function tlsOf(address: RedisAddress): ConnectionOptions {
  const [{ host }] = address.hosts;
  return {
    ...(address.caFile === null ? {} : { ca: readCa(address.caFile) }),
    // Of a Sentinel or a Cluster the servers' own names are checked, whichever they are.
    ...(address.shape === 'standalone' && isIP(host) === 0 ? { servername: host } : {}),
  };
}

function readCa(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    throw new SekishoError(
      'invalid_configuration',
      'REDIS_URL ?ca= names a file that cannot be read.',
    );
  }
}

function callSafely(listener: () => void): void {
  try {
    listener();
  } catch {
    // A listener's failure is its own.
  }
}
