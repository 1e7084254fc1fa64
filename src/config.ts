import type { z } from 'zod';
import type { Clock } from './clock.ts';
import { SCHEMA } from './config/schema.ts';
import { SekishoError } from './errors.ts';
import type { LogLevel } from './log-level.ts';
import type { Log } from './observe/log.ts';

export type { LogLevel };

/** `dataDir` of a record that lives and dies with the instance, for tests. */
export const IN_MEMORY = ':memory:';

/** What `createSekisho` takes. All of it is optional; `createSekisho()` is the embedded default. */
export interface SekishoOptions {
  /**
   * Directory of the embedded database, secret and lock. Default `.sekisho`; `:memory:` keeps nothing. Not looked at with
   * `databaseUrl`.
   */
  readonly dataDir?: string;
  /** `postgres://…`, PostgreSQL 15 or later. Default: embedded. */
  readonly databaseUrl?: string;
  /**
   * The hub, with `databaseUrl` only: `redis://`, `rediss://`, `redis+cluster://h:p,h:p` or `redis+sentinel://h:p/name`.
   * Default: PostgreSQL's LISTEN/NOTIFY.
   */
  readonly redisUrl?: string;
  /**
   * `none`: no hub at all, so that revocations go by heartbeats alone and take up to two of them. For poolers that must
   * not see LISTEN, and for measuring. Default `auto`.
   */
  readonly hub?: 'auto' | 'none';
  /** At least 32 bytes; a comma-separated list is a key ring, newest first. Default: made and kept in `dataDir`. */
  readonly secret?: string;
  /** `iss` of the tokens. Default: what the record keeps from its first start on. */
  readonly issuer?: string;
  /** `iss` that the first start of a new record keeps when `issuer` is not given. Default `http://localhost`. */
  readonly firstIssuer?: string;
  /** `aud` of the tokens. Default: what the record keeps from its first start on, `sekisho` at first. */
  readonly audience?: string;
  /** Milliseconds, 30 to 30,000, default 750: how old the newest proof may be while this node answers as usual. */
  readonly leaseMs?: number;
  /** Milliseconds ≥ 0, default 10,000: how much longer it answers, as `stale`. */
  readonly toleranceMs?: number;
  /**
   * For platforms that freeze whole processes or machines (serverless, snapshots, hosts that suspend): the tolerance is 0,
   * and every check asks the record as with `fresh`. Sockets go by the lease all the same: for what is left of one when a
   * frozen machine wakes, they may pass frames of a session that was revoked meanwhile. Default false.
   */
  readonly strict?: boolean;
  /**
   * Access tokens that this process knows at a time, 1,000 to 500,000, default 20,000: those that are in use within the life
   * of one. Each that is known costs about 1.5 kB, and its check less than a hundredth of a signature's verification.
   */
  readonly tokenCacheSize?: number;
  /** Origins for CORS, CSRF and sockets, beside the own one. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Addresses, CIDR blocks or `loopback` whose `X-Forwarded-*` is believed. Default none. */
  readonly trustedProxies?: readonly string[];
  /**
   * Names by which the operations listener may be asked, beside addresses, loopback names and names without a dot: others
   * may be a foreign page's (DNS rebinding). Default none.
   */
  readonly operationsHosts?: readonly string[];
  /** Path under which the routes are mounted, such as `/auth`. Default: the root. */
  readonly basePath?: string;
  /** Default `info`; `silent` for none. Not looked at with `logger`. */
  readonly logLevel?: LogLevel;
  /**
   * Where to log, such as a pino logger. It gets plain values: of an error its type, message, code, stack and cause.
   * Default: JSON lines on stderr.
   */
  readonly logger?: Log;
  /** For tests. Default: this machine's. */
  readonly clock?: Clock;
  /** Lets cookies travel over plain http on names other than loopback: anybody on the way can then take sessions. */
  readonly dangerouslyAllowHttpCookies?: boolean;
  /** Whether logout sends `Clear-Site-Data` (ASVS 14.3.1). Default: only when the routes are not mounted under a path. */
  readonly clearSiteData?: boolean;
  /** Where operators find this node, such as `http://10.0.0.7:4001`. Default: unknown. */
  readonly address?: string;
  /**
   * Directory in which an embedded record is backed up on a schedule (docs/backup.md). Default: none. With `databaseUrl`,
   * `sekisho backup --every` does it beside the nodes.
   */
  readonly backupDir?: string;
  /** Seconds between two backups, 60 to 604,800, default 3,600. */
  readonly backupEverySeconds?: number;
  /** Backups that are kept, the newest ones. Default 24. */
  readonly backupKeep?: number;
}

/** Options with their defaults, checked and frozen. */
export interface Config {
  readonly record:
    | { readonly kind: 'embedded'; readonly dataDir: string }
    | { readonly kind: 'memory' }
    | { readonly kind: 'postgres'; readonly databaseUrl: string };
  readonly redisUrl: string | null;
  readonly hub: 'auto' | 'none';
  readonly secret: string | null;
  readonly issuer: string | null;
  readonly firstIssuer: string;
  readonly audience: string | null;
  readonly leaseMs: number | undefined;
  readonly toleranceMs: number | undefined;
  readonly strict: boolean;
  readonly tokenCacheSize: number | undefined;
  readonly allowedOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly operationsHosts: readonly string[];
  readonly basePath: string;
  readonly logLevel: LogLevel;
  readonly logger: Log | null;
  readonly clock: Clock | null;
  readonly allowHttpCookies: boolean;
  readonly clearSiteData: boolean;
  readonly address: string | null;
  readonly backups: {
    readonly folder: string;
    readonly everyMs: number;
    readonly keep: number;
  } | null;
}

/** The environment variable of each option, where it has one: messages name what people have set. */
const VARIABLES: Readonly<Record<string, string>> = {
  dataDir: 'SEKISHO_DATA_DIR',
  databaseUrl: 'DATABASE_URL',
  redisUrl: 'REDIS_URL',
  hub: 'SEKISHO_HUB',
  secret: 'SEKISHO_SECRET',
  issuer: 'SEKISHO_ISSUER',
  audience: 'SEKISHO_AUDIENCE',
  leaseMs: 'SEKISHO_LEASE_MS',
  toleranceMs: 'SEKISHO_TOLERANCE_MS',
  strict: 'SEKISHO_STRICT',
  tokenCacheSize: 'SEKISHO_TOKEN_CACHE_SIZE',
  allowedOrigins: 'SEKISHO_ALLOWED_ORIGINS',
  trustedProxies: 'SEKISHO_TRUSTED_PROXIES',
  operationsHosts: 'SEKISHO_ADMIN_HOSTS',
  logLevel: 'SEKISHO_LOG_LEVEL',
  backupDir: 'SEKISHO_BACKUP_DIR',
  backupEverySeconds: 'SEKISHO_BACKUP_EVERY',
  backupKeep: 'SEKISHO_BACKUP_KEEP',
  dangerouslyAllowHttpCookies: 'SEKISHO_DANGEROUSLY_ALLOW_HTTP_COOKIES',
};

/** @throws SekishoError `invalid_configuration` with one line that names the option and what it should be. */
export function readConfig(options: SekishoOptions = {}): Config {
  const parsed = SCHEMA.safeParse(options);
  if (!parsed.success) throw invalid(parsed.error.issues[0]);
  const { data } = parsed;
  if (data.databaseUrl !== undefined && data.secret === undefined) {
    throw new SekishoError(
      'invalid_configuration',
      'secret (SEKISHO_SECRET) must be set with a database, the same on all nodes: at least 32 bytes.',
    );
  }
  if (data.redisUrl !== undefined && data.databaseUrl === undefined) {
    throw new SekishoError(
      'invalid_configuration',
      'redisUrl (REDIS_URL) must not be set without databaseUrl (DATABASE_URL): the embedded database serves one process, which needs no Redis.',
    );
  }
  if (data.redisUrl !== undefined && data.hub === 'none') {
    throw new SekishoError(
      'invalid_configuration',
      'hub (SEKISHO_HUB) must not be none with redisUrl (REDIS_URL): leave one of them out.',
    );
  }
  if (data.strict === true && (data.toleranceMs ?? 0) > 0) {
    throw new SekishoError(
      'invalid_configuration',
      'toleranceMs (SEKISHO_TOLERANCE_MS) must be 0, or left out, with strict (SEKISHO_STRICT).',
    );
  }
  if (
    data.backupDir !== undefined &&
    recordOf(data.databaseUrl, data.dataDir).kind !== 'embedded'
  ) {
    throw new SekishoError(
      'invalid_configuration',
      'backupDir (SEKISHO_BACKUP_DIR) must be left out unless the record is in a data directory: with databaseUrl (DATABASE_URL), run sekisho backup --every once beside the nodes.',
    );
  }
  const strict = data.strict ?? false;
  const basePath = (data.basePath ?? '').replace(/\/$/, '');
  return Object.freeze({
    record: recordOf(data.databaseUrl, data.dataDir),
    redisUrl: data.redisUrl ?? null,
    hub: data.hub ?? 'auto',
    secret: data.secret ?? null,
    issuer: data.issuer ?? null,
    firstIssuer: data.firstIssuer ?? 'http://localhost',
    audience: data.audience ?? null,
    leaseMs: data.leaseMs,
    toleranceMs: strict ? 0 : data.toleranceMs,
    strict,
    tokenCacheSize: data.tokenCacheSize,
    allowedOrigins: Object.freeze([...(data.allowedOrigins ?? [])]),
    trustedProxies: Object.freeze([...(data.trustedProxies ?? [])]),
    operationsHosts: Object.freeze([...(data.operationsHosts ?? [])]),
    basePath,
    logLevel: data.logLevel ?? 'info',
    logger: data.logger ?? null,
    clock: data.clock ?? null,
    allowHttpCookies: data.dangerouslyAllowHttpCookies ?? false,
    clearSiteData: data.clearSiteData ?? basePath === '',
    address: data.address ?? null,
    backups: backupsOf(data),
  });
}

function recordOf(databaseUrl: string | undefined, dataDir = '.sekisho'): Config['record'] {
  if (databaseUrl !== undefined) return Object.freeze({ kind: 'postgres', databaseUrl });
  if (dataDir === IN_MEMORY) return Object.freeze({ kind: 'memory' });
  return Object.freeze({ kind: 'embedded', dataDir });
}

function backupsOf(data: z.infer<typeof SCHEMA>): Config['backups'] {
  if (data.backupDir === undefined) return null;
  return Object.freeze({
    folder: data.backupDir,
    everyMs: (data.backupEverySeconds ?? 3_600) * 1_000,
    keep: data.backupKeep ?? 24,
  });
}

/** Says what is wrong and never quotes a value: it may be a secret or hold a password. */
function invalid(issue: z.core.$ZodIssue | undefined): SekishoError {
  if (issue?.code === 'unrecognized_keys') {
    return new SekishoError('invalid_configuration', `There is no option ${issue.keys[0] ?? ''}.`);
  }
  const name = String(issue?.path[0] ?? 'The options');
  const variable = VARIABLES[name];
  const named = variable === undefined ? name : `${name} (${variable})`;
  return new SekishoError('invalid_configuration', `${named} ${issue?.message ?? 'is not valid'}.`);
}
