import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { LOG_LEVELS } from '../log-level.ts';
import type { Log } from '../observe/log.ts';
import { ISSUER_MUST, isIssuer } from '../public-url.ts';

const milliseconds = (least: number) =>
  z
    .int(`must be a whole number of milliseconds from ${least} to 30000`)
    .min(least, `must be at least ${least} ms`)
    .max(30_000, 'must be at most 30000 ms');
const text = (most: number) =>
  z
    .string('must be a text')
    .min(1, 'must not be empty')
    .max(most, `must have at most ${most} characters`);
const toggle = z.boolean('must be true or false');
const list = <Item extends z.ZodType>(item: Item) => z.array(item, 'must be a list');
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
/** As a browser's `Origin` header spells it; a slash at the end does not count. */
const origin = httpUrl
  .transform((url) => url.replace(/\/$/, ''))
  .refine(
    (url) => URL.canParse(url) && new URL(url).origin === url,
    'must be an origin: scheme, host and port in lower case, nothing else',
  );

/** What each option of `SekishoOptions` may be; messages go behind its name, and never quote a value. */
export const SCHEMA = z.strictObject({
  dataDir: text(4096).optional(),
  databaseUrl: z
    .string('must be a text')
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .refine(
      (url) => !namesSeveralHosts(url),
      'must name one host: one that follows the primary, such as a virtual address, a DNS name or a proxy',
    )
    .refine(
      (url) => URL.canParse(url),
      'must be a URL such as postgres://user:password@host:5432/database',
    )
    .optional(),
  redisUrl: z
    .string('must be a text')
    .regex(
      /^rediss?(\+(cluster|sentinel))?:\/\//,
      'must begin with redis://, rediss://, redis+cluster:// or redis+sentinel://',
    )
    .optional(),
  hub: z.enum(['auto', 'none'], 'must be auto or none').optional(),
  secret: z.string('must be a text of at least 32 bytes').optional(),
  issuer: z.string(ISSUER_MUST).refine(isIssuer, ISSUER_MUST).optional(),
  firstIssuer: httpUrl.optional(),
  audience: text(200).optional(),
  leaseMs: milliseconds(30).optional(),
  toleranceMs: milliseconds(0).optional(),
  strict: toggle.optional(),
  tokenCacheSize: z
    .int('must be a whole number from 1000 to 500000')
    .min(1_000, 'must be at least 1000')
    .max(500_000, 'must be at most 500000')
    .optional(),
  allowedOrigins: list(origin).optional(),
  trustedProxies: list(text(100)).optional(),
  operationsHosts: list(
    text(253).regex(/^[\w.-]+$/, 'must be a host name, without scheme and port'),
  ).optional(),
  basePath: z
    .string('must be a text')
    .regex(/^(\/[\w.~-]+)*\/?$/, 'must be a path such as /auth')
    .optional(),
  logLevel: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`).optional(),
  logger: z
    .custom<Log>((value) => typeof (value as Log | null)?.info === 'function', 'must be a log')
    .optional(),
  clock: z
    .custom<Clock>(
      (value) => typeof (value as Clock | null)?.monotonicMs === 'function',
      'must be a clock',
    )
    .optional(),
  dangerouslyAllowHttpCookies: toggle.optional(),
  clearSiteData: toggle.optional(),
  address: text(200).optional(),
  backupDir: text(4096).optional(),
  backupEverySeconds: z
    .int('must be a whole number of seconds from 60 to 604800')
    .min(60, 'must be at least 60 s')
    .max(604_800, 'must be at most 7 days')
    .optional(),
  backupKeep: z
    .int('must be a whole number from 1 to 100000')
    .min(1, 'must be at least 1')
    .max(100_000, 'must be at most 100000')
    .optional(),
});

/** libpq's lists of hosts and `target_session_attrs` are not understood by the driver, which would ignore half of it. */
function namesSeveralHosts(url: string): boolean {
  const [, authority = '', rest = ''] = /^[a-z]+:\/\/([^/?#]*)(.*)$/s.exec(url) ?? [];
  const hosts = authority.slice(authority.lastIndexOf('@') + 1);
  return hosts.includes(',') || /[?&](target_session_attrs=|host=[^&]*(,|%2c))/i.test(rest);
}
