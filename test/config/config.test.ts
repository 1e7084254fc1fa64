import { describe, expect, test } from 'vitest';
import { IN_MEMORY, readConfig, type SekishoOptions } from '../../src/config.ts';
import { isSekishoError } from '../../src/errors.ts';

const SECRET = 'a secret of more than 32 bytes, or so';
const CLUSTER = { databaseUrl: 'postgresql://db.example/sessions', secret: SECRET };

/** What is said of wrong options; they come from people and need not fit the type. */
function complaintOf(options: unknown): string {
  try {
    readConfig(options as SekishoOptions);
  } catch (error) {
    if (isSekishoError(error) && error.code === 'invalid_configuration') {
      return error.message;
    }
    throw error;
  }
  return 'none';
}

describe('settings', () => {
  test('nothing at all is the embedded default', () => {
    const config = readConfig();
    expect(config).toMatchObject({
      record: { kind: 'embedded', dataDir: '.sekisho' },
      secret: null,
      issuer: null,
      audience: null,
      redisUrl: null,
      hub: 'auto',
      strict: false,
      allowedOrigins: [],
      operationsHosts: [],
      trustedProxies: [],
      basePath: '',
      logLevel: 'info',
      allowHttpCookies: false,
      clearSiteData: true,
      backups: null,
    });
    expect(
      [config, config.record, config.allowedOrigins, config.trustedProxies].every(Object.isFrozen),
    ).toBe(true);
  });

  test('the record is where the options say', () => {
    expect(readConfig({ dataDir: '/srv/data' }).record).toEqual({
      kind: 'embedded',
      dataDir: '/srv/data',
    });
    expect(readConfig({ dataDir: IN_MEMORY }).record).toEqual({ kind: 'memory' });
    const databaseUrl = 'postgresql://db.example/sessions';
    const cluster = readConfig({ databaseUrl, secret: SECRET, dataDir: 'ignored' });
    expect(cluster.record).toEqual({ kind: 'postgres', databaseUrl });
  });

  test('mounted under a path, it leaves the site’s own data alone unless asked', () => {
    expect(readConfig({ basePath: '/auth/' })).toMatchObject({
      basePath: '/auth',
      clearSiteData: false,
    });
    expect(readConfig({ basePath: '/auth', clearSiteData: true }).clearSiteData).toBe(true);
    expect(readConfig({ basePath: '/' })).toMatchObject({ basePath: '', clearSiteData: true });
  });

  test('an origin is kept as a browser spells it', () => {
    const { allowedOrigins } = readConfig({ allowedOrigins: ['https://app.example/'] });
    expect(allowedOrigins).toEqual(['https://app.example']);
    expect(complaintOf({ allowedOrigins: ['https://app.example:443'] })).toContain('ORIGINS');
  });

  test('lists are copied: changing them afterwards changes nothing', () => {
    const allowedOrigins = ['https://app.example'];
    const config = readConfig({ allowedOrigins });
    allowedOrigins.push('https://evil.example');
    expect(config.allowedOrigins).toEqual(['https://app.example']);
  });

  test.each<[string, Record<string, unknown>]>([
    ['SEKISHO_DATA_DIR', { dataDir: '' }],
    ['SEKISHO_DATA_DIR', { dataDir: 7 }],
    ['DATABASE_URL', { databaseUrl: 'mysql://user:hidden@db.example', secret: SECRET }],
    ['SEKISHO_SECRET', { databaseUrl: 'postgres://db.example/sessions' }],
    ['SEKISHO_SECRET', { secret: 7 }],
    [
      'DATABASE_URL',
      { databaseUrl: 'postgres://u:hidden@a.example:5432,b.example:5432/x', secret: SECRET },
    ],
    [
      'DATABASE_URL',
      { databaseUrl: 'postgres://a.hidden/x?target_session_attrs=read-write', secret: SECRET },
    ],
    ['DATABASE_URL', { databaseUrl: 'postgres://a.hidden/x?host=b,c', secret: SECRET }],
    ['DATABASE_URL', { databaseUrl: 'postgres://a.hidden:port/x', secret: SECRET }],
    ['REDIS_URL', { redisUrl: 'redis://:hidden@cache.example' }],
    ['REDIS_URL', { ...CLUSTER, redisUrl: 'http://:hidden@cache.example' }],
    ['SEKISHO_HUB', { hub: 'hidden' }],
    ['SEKISHO_HUB', { ...CLUSTER, redisUrl: 'redis://:hidden@cache.example', hub: 'none' }],
    ['SEKISHO_STRICT', { strict: 'hidden' }],
    ['SEKISHO_STRICT', { strict: true, toleranceMs: 1 }],
    ['SEKISHO_ISSUER', { issuer: 'hidden' }],
    ['SEKISHO_ISSUER', { issuer: 'ftp://hidden.example' }],
    ['SEKISHO_ISSUER', { issuer: 'http://hidden.example' }],
    ['SEKISHO_ISSUER', { issuer: 'https://hidden.example/?a' }],
    ['SEKISHO_ISSUER', { issuer: 'https://hidden@id.example' }],
    ['SEKISHO_AUDIENCE', { audience: '' }],
    ['SEKISHO_AUDIENCE', { audience: 'hidden'.repeat(40) }],
    ['SEKISHO_LEASE_MS', { leaseMs: 29 }],
    ['SEKISHO_LEASE_MS', { leaseMs: 30_001 }],
    ['SEKISHO_LEASE_MS', { leaseMs: 750.5 }],
    ['SEKISHO_LEASE_MS', { leaseMs: '750' }],
    ['SEKISHO_TOLERANCE_MS', { toleranceMs: -1 }],
    ['SEKISHO_TOLERANCE_MS', { toleranceMs: Number.NaN }],
    ['SEKISHO_TOKEN_CACHE_SIZE', { tokenCacheSize: 999 }],
    ['SEKISHO_TOKEN_CACHE_SIZE', { tokenCacheSize: 500_001 }],
    ['SEKISHO_ADMIN_HOSTS', { operationsHosts: ['https://ops.example:4001'] }],
    ['SEKISHO_ALLOWED_ORIGINS', { allowedOrigins: ['https://app.example/hidden'] }],
    ['SEKISHO_ALLOWED_ORIGINS', { allowedOrigins: ['*'] }],
    ['SEKISHO_ALLOWED_ORIGINS', { allowedOrigins: 'https://hidden.example' }],
    ['SEKISHO_TRUSTED_PROXIES', { trustedProxies: [''] }],
    ['SEKISHO_LOG_LEVEL', { logLevel: 'hidden' }],
    ['SEKISHO_DANGEROUSLY_ALLOW_HTTP_COOKIES', { dangerouslyAllowHttpCookies: 'hidden' }],
    ['SEKISHO_BACKUP_DIR', { backupDir: '' }],
    ['SEKISHO_BACKUP_DIR', { ...CLUSTER, backupDir: '/hidden' }],
    ['SEKISHO_BACKUP_DIR', { dataDir: IN_MEMORY, backupDir: '/hidden' }],
    ['SEKISHO_BACKUP_EVERY', { backupDir: '/srv', backupEverySeconds: 59 }],
    ['SEKISHO_BACKUP_KEEP', { backupDir: '/srv', backupKeep: 0 }],
    ['basePath', { basePath: 'hidden' }],
    ['basePath', { basePath: '/a/../b?hidden' }],
    ['clearSiteData', { clearSiteData: 1 }],
    ['clock', { clock: {} }],
    ['logger', { logger: null }],
    ['hidden_', { hidden_: 1 }],
  ])(
    'a wrong %s is one sentence that says what it should be and quotes no value: %j',
    (name, options) => {
      const complaint = complaintOf(options);
      expect(complaint).toContain(name);
      expect(complaint).toMatch(
        / (must (be|begin|have|name|not)|There is no option)|^There is no option/,
      );
      expect(complaint.endsWith('.')).toBe(true);
      expect(complaint).not.toContain('\n');
      expect(complaint.replace('hidden_', '')).not.toContain('hidden');
    },
  );

  test.each([
    'redis://127.0.0.1',
    'rediss://u:p@cache.example:6380/1',
    'redis+cluster://a.example:1,b.example:2',
    'redis+sentinel://a.example:1,b.example:2/main',
  ])('B9 a Redis of any shape is a hub beside a database: %s', (redisUrl) => {
    expect(readConfig({ ...CLUSTER, redisUrl })).toMatchObject({ redisUrl, hub: 'auto' });
  });

  test('where platforms freeze processes, strict takes the tolerance away', () => {
    expect(readConfig({ strict: true })).toMatchObject({ strict: true, toleranceMs: 0 });
    expect(readConfig({ strict: true, toleranceMs: 0 })).toMatchObject({ strict: true });
  });

  test('A8 an embedded record is backed up each hour, unless something else is said', () => {
    const { backups } = readConfig({ backupDir: '/srv/backups' });
    expect(backups).toEqual({ folder: '/srv/backups', everyMs: 3_600_000, keep: 24 });
  });

  test('the bounds themselves are allowed', () => {
    expect(complaintOf({ leaseMs: 30, toleranceMs: 0 })).toBe('none');
    expect(
      complaintOf({
        issuer: 'http://localhost:4000',
        allowedOrigins: ['https://app.example:8443'],
      }),
    ).toBe('none');
  });
});
