import type { SekishoOptions } from '../config.ts';
import { SekishoError } from '../errors.ts';
import { isAddressEntry } from '../login/address.ts';
import { createKeyRing } from '../token/secrets.ts';
import { type Call, type Option, secondsOf } from './command.ts';
import { RECORD_SETTINGS, SERVER_SETTINGS, type Setting } from './settings-table.ts';

/** `SEKISHO_DATA_DIR` is `--data-dir`. */
export function flagOf(variable: string): string {
  return variable
    .replace(/^SEKISHO_/, '')
    .toLowerCase()
    .replaceAll('_', '-');
}

function optionsOf(settings: readonly Setting[]): readonly Option[] {
  return settings.map(({ variable, value, help }) => ({
    name: flagOf(variable),
    help: `${help} (${variable})`,
    ...(value === undefined ? {} : { value }),
  }));
}

/** Options of every command that reaches a record. */
export const recordSettings: readonly Option[] = optionsOf(RECORD_SETTINGS).map((option) => ({
  ...option,
  heading: 'Reaching the record',
}));
export const serverSettings = optionsOf(SERVER_SETTINGS);

/** Everything that `sekisho serve` needs to know. */
export interface ServeSettings {
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  readonly drainMs: number;
  readonly drainNoticeMs: number;
  readonly bootstrap: {
    readonly slug: string;
    readonly adminEmail: string;
    /** Null: one is made. */
    readonly adminPassword: string | null;
  };
  readonly options: SekishoOptions;
}

/** @throws SekishoError `invalid_configuration`, with one line that names the variable and what it should be. */
export function readServeSettings(call: Call): ServeSettings {
  const read = reader(call);
  const port = read.integer('PORT', 0, 65_535) ?? 4000;
  const beside = port === 0 ? 0 : port + 1;
  const adminPort = read.integer('SEKISHO_ADMIN_PORT', 0, 65_535) ?? beside;
  if (adminPort > 65_535)
    throw wrong('SEKISHO_ADMIN_PORT must be set: there is no port after PORT.');
  return {
    host: read.text('HOST') ?? '127.0.0.1',
    port,
    adminHost: read.text('SEKISHO_ADMIN_HOST') ?? '127.0.0.1',
    adminPort,
    drainMs: read.integer('SEKISHO_DRAIN_MS', 0, 3_600_000) ?? 10_000,
    drainNoticeMs: read.integer('SEKISHO_DRAIN_NOTICE_MS', 0, 3_600_000) ?? 0,
    bootstrap: {
      slug: read.text('SEKISHO_BOOTSTRAP_TENANT') ?? 'main',
      adminEmail: read.text('SEKISHO_BOOTSTRAP_EMAIL') ?? 'admin@localhost',
      adminPassword: read.text('SEKISHO_BOOTSTRAP_PASSWORD'),
    },
    options: withoutAbsent({
      ...readRecordOptions(call),
      issuer: read.text('SEKISHO_ISSUER'),
      audience: read.text('SEKISHO_AUDIENCE'),
      leaseMs: read.integer('SEKISHO_LEASE_MS', 0, Number.MAX_SAFE_INTEGER),
      toleranceMs: read.integer('SEKISHO_TOLERANCE_MS', 0, Number.MAX_SAFE_INTEGER),
      strict: read.toggle('SEKISHO_STRICT'),
      tokenCacheSize: read.integer('SEKISHO_TOKEN_CACHE_SIZE', 1_000, 500_000),
      allowedOrigins: read.list('SEKISHO_ALLOWED_ORIGINS'),
      trustedProxies: proxies(read.list('SEKISHO_TRUSTED_PROXIES')),
      operationsHosts: read.list('SEKISHO_ADMIN_HOSTS'),
      logLevel: read.text('SEKISHO_LOG_LEVEL'),
      backupDir: read.text('SEKISHO_BACKUP_DIR'),
      backupEverySeconds: read.span('SEKISHO_BACKUP_EVERY'),
      backupKeep: read.integer('SEKISHO_BACKUP_KEEP', 1, 100_000),
      dangerouslyAllowHttpCookies: read.toggle('SEKISHO_DANGEROUSLY_ALLOW_HTTP_COOKIES'),
    }),
  };
}

/** The part of the options that says where the record is. @throws SekishoError as `readServeSettings` */
export function readRecordOptions(call: Call): SekishoOptions {
  const read = reader(call);
  const secret = read.text('SEKISHO_SECRET');
  // Said at once, not after a database was reached.
  if (secret !== null) createKeyRing(secret);
  return withoutAbsent({
    dataDir: read.text('SEKISHO_DATA_DIR'),
    databaseUrl: read.text('DATABASE_URL'),
    redisUrl: read.text('REDIS_URL'),
    hub: read.text('SEKISHO_HUB'),
    secret,
  });
}

/** Options as text become `SekishoOptions`: `readConfig` checks every one of them and refuses what is not. */
function withoutAbsent(options: Readonly<Record<string, unknown>>): SekishoOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null));
}

function proxies(list: readonly string[] | null): readonly string[] | null {
  if (list?.every(isAddressEntry) !== false) return list;
  throw wrong('SEKISHO_TRUSTED_PROXIES must list addresses, CIDR blocks or loopback.');
}

function wrong(message: string): SekishoError {
  return new SekishoError('invalid_configuration', message);
}

function reader({ options, env }: Call) {
  /** Empty is unset: composition files leave variables empty. */
  const text = (variable: string): string | null => {
    const given = options[flagOf(variable)];
    return (typeof given === 'string' ? given : env[variable]) || null;
  };
  return {
    text,
    integer(variable: string, least: number, most: number): number | null {
      const value = text(variable);
      if (value === null) return null;
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= least && number <= most) return number;
      const range = most === Number.MAX_SAFE_INTEGER ? 'not negative' : `${least} to ${most}`;
      throw wrong(`${variable} must be a whole number, ${range}.`);
    },
    /** A time span in seconds, as `--every` takes it. */
    span(variable: string): number | null {
      const value = text(variable);
      if (value === null) return null;
      const seconds = secondsOf(value);
      if (seconds !== null) return seconds;
      throw wrong(`${variable} must be a time span such as 90s, 15m, 2h or 1d.`);
    },
    list(variable: string): readonly string[] | null {
      const entries = text(variable)
        ?.split(',')
        .map((entry) => entry.trim());
      return entries?.filter((entry) => entry !== '') ?? null;
    },
    toggle(variable: string): boolean | null {
      const value = options[flagOf(variable)] === true ? 'true' : text(variable)?.toLowerCase();
      if (value === undefined) return null;
      if (['1', 'true', 'yes', 'on'].includes(value)) return true;
      if (['0', 'false', 'no', 'off'].includes(value)) return false;
      throw wrong(`${variable} must be true or false.`);
    },
  };
}
