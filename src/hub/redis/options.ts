import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Redis } from 'ioredis';
import { SekishoError } from '../../errors.ts';
import type { RedisAddress } from './url.ts';

/** Longest that a command is waited for, by default. Its outcome is unknown after that: it may still happen. */
export const COMMAND_TIMEOUT_MS = 250;

/** The same for what the subscriber sends, to which nobody listens. */
export const SUBSCRIBER_TIMEOUT_MS = 1_000;

/** A connection on which nothing came for so long after something was sent is given up: the other end is gone. */
const SILENCE_MS = 2_000;

const CONNECT_TIMEOUT_MS = 2_000;
const HANDSHAKE_TIMEOUT_MS = 1_000;
export const DISCONNECT_TIMEOUT_MS = 250;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2_000;

/** Before attempt `times`: from 50 ms doubling to 2 s, and up to half of that more, so that nodes do not come together. */
export function backoffMs(times: number): number {
  const base = Math.min(FIRST_RETRY_MS * 2 ** Math.min(times - 1, 10), LAST_RETRY_MS);
  return Math.round(base * (1 + Math.random() / 2));
}

/** What every connection has, whatever the shape. */
export function commonOptions(
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

/** Of a connection to one server: the Redis, or the master that Sentinels name. */
export function singleOptions(
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

/**
 * A command's deadline holds for commands: what the driver says to open a connection gets a second, so that a busy moment
 * of this process does not make it give up and wait.
 */
export function patientAtFirst(redis: Redis, commandTimeout: number): void {
  const set = (milliseconds: number) => (): void => {
    redis.options.commandTimeout = milliseconds;
  };
  redis.on('ready', set(commandTimeout));
  redis.on('close', set(HANDSHAKE_TIMEOUT_MS));
  set(HANDSHAKE_TIMEOUT_MS)();
}

/** Begins to connect what has not begun. What fails is reported by the events of the connection. */
export async function connectQuietly(redis: Redis): Promise<void> {
  if (redis.status === 'wait' || redis.status === 'end') await redis.connect().catch(() => {});
}

export function tlsOf(address: RedisAddress): ConnectionOptions {
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
