import type { Cluster, Redis } from 'ioredis';
import type { Log } from '../../observe/log.ts';
import type { RedisAddress } from './url.ts';

/**
 * Logs when Redis is lost and when it is back: once each, and again when the reason changes. It also is the listener for
 * `error` events that every connection must have. An error of a driver carries the command's arguments, a password among
 * them, so that only its message is logged, and that without the passwords.
 */
export function reportOutages(
  connection: Redis | Cluster,
  { log, where, address }: { log: Log; where: string; address: RedisAddress },
): void {
  let reported: string | null = null;
  connection.on('error', (error: unknown) => {
    const reason = reasonOf(error, address);
    if (reason === reported) return;
    reported = reason;
    log.warn({ redis: where, reason }, 'Redis cannot be reached');
  });
  connection.on('ready', () => {
    if (reported === null) return;
    reported = null;
    log.info({ redis: where }, 'Redis can be reached again');
  });
}

function reasonOf(error: unknown, address: RedisAddress): string {
  const { message, lastNodeError } = error as { message?: unknown; lastNodeError?: unknown };
  const cause = (lastNodeError as { message?: unknown } | undefined)?.message;
  let text = [message, cause].filter((part) => typeof part === 'string').join(' ') || 'unknown';
  for (const secret of [address.password, address.sentinelPassword]) {
    if (secret !== null) text = text.replaceAll(secret, '…');
  }
  return text.slice(0, 300);
}
