import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/cli/command.ts';
import { readServeSettings, serverSettings } from '../../src/cli/settings.ts';
import { readConfig } from '../../src/config.ts';

const callOf = (env: NodeJS.ProcessEnv, options: Call['options'] = {}): Call => ({
  operands: [],
  options,
  env,
});

/** As `serve` reads its settings: first as text, then as options. */
function read(env: NodeJS.ProcessEnv, options: Call['options'] = {}) {
  const settings = readServeSettings(callOf(env, options));
  return { settings, config: readConfig(settings.options) };
}

describe('settings', () => {
  test('nothing is needed', () => {
    const { settings, config } = read({});
    expect(settings).toEqual({
      host: '127.0.0.1',
      port: 4000,
      adminHost: '127.0.0.1',
      adminPort: 4001,
      drainMs: 10_000,
      drainNoticeMs: 0,
      bootstrap: { slug: 'main', adminEmail: 'admin@localhost', adminPassword: null },
      options: {},
    });
    expect(config.record).toEqual({ kind: 'embedded', dataDir: '.sekisho' });
  });

  test('every variable is an option of the same meaning, and options win', () => {
    const env = { PORT: '1', SEKISHO_DATA_DIR: 'by-variable', SEKISHO_ALLOWED_ORIGINS: '' };
    const { settings, config } = read(env, {
      port: '0',
      'data-dir': 'by-option',
      'allowed-origins': 'https://a.example, https://b.example',
      'trusted-proxies': 'loopback,10.0.0.0/8',
      'dangerously-allow-http-cookies': true,
      'bootstrap-tenant': 'harbor',
    });
    expect(settings).toMatchObject({ port: 0, adminPort: 0, bootstrap: { slug: 'harbor' } });
    expect(config).toMatchObject({
      record: { dataDir: 'by-option' },
      allowedOrigins: ['https://a.example', 'https://b.example'],
      trustedProxies: ['loopback', '10.0.0.0/8'],
      allowHttpCookies: true,
    });
    expect(serverSettings.map(({ name }) => name)).toContain('log-level');
  });

  test('a time span has its unit', () => {
    const every = (value: string) =>
      read({ SEKISHO_BACKUP_DIR: '/srv', SEKISHO_BACKUP_EVERY: value }).config.backups?.everyMs;
    expect(['90', '90s', '15m', '2h', '1d'].map(every)).toEqual(
      [90, 90, 900, 7200, 86_400].map((seconds) => seconds * 1000),
    );
  });

  test('an empty variable is an unset one', () => {
    expect(read({ PORT: '', DATABASE_URL: '', SEKISHO_SECRET: '', REDIS_URL: '' })).toEqual(
      read({}),
    );
  });

  test.each([
    ['PORT', { PORT: 'many' }],
    ['PORT', { PORT: '65536' }],
    ['PORT', { PORT: '-1' }],
    ['PORT', { PORT: '4e3' }],
    ['SEKISHO_ADMIN_PORT', { PORT: '65535' }],
    ['SEKISHO_DRAIN_MS', { SEKISHO_DRAIN_MS: '1.5' }],
    ['SEKISHO_LEASE_MS', { SEKISHO_LEASE_MS: '29' }],
    ['SEKISHO_TOLERANCE_MS', { SEKISHO_TOLERANCE_MS: '30001' }],
    ['SEKISHO_ISSUER', { SEKISHO_ISSUER: 'nowhere' }],
    ['SEKISHO_ALLOWED_ORIGINS', { SEKISHO_ALLOWED_ORIGINS: 'https://a.example/path' }],
    ['SEKISHO_TRUSTED_PROXIES', { SEKISHO_TRUSTED_PROXIES: '10.0.0.0/99' }],
    ['SEKISHO_LOG_LEVEL', { SEKISHO_LOG_LEVEL: 'loud' }],
    ['SEKISHO_BACKUP_EVERY', { SEKISHO_BACKUP_DIR: '/srv', SEKISHO_BACKUP_EVERY: 'often' }],
    ['SEKISHO_BACKUP_KEEP', { SEKISHO_BACKUP_DIR: '/srv', SEKISHO_BACKUP_KEEP: '0' }],
    ['REDIS_URL', { REDIS_URL: 'redis://127.0.0.1:1' }],
    ['DATABASE_URL', { DATABASE_URL: 'mysql://h', SEKISHO_SECRET: 'x'.repeat(32) }],
    ['SEKISHO_SECRET', { DATABASE_URL: 'postgres://127.0.0.1:1/none' }],
    ['SEKISHO_SECRET', { SEKISHO_SECRET: 'too-short-to-be-one' }],
    [
      'SEKISHO_DANGEROUSLY_ALLOW_HTTP_COOKIES',
      { SEKISHO_DANGEROUSLY_ALLOW_HTTP_COOKIES: 'perhaps' },
    ],
  ])('a wrong %s is named, in one line and without its value: %j', (name, env) => {
    let message = '';
    try {
      read(env);
    } catch (error) {
      expect(error).toMatchObject({ code: 'invalid_configuration' });
      message = String((error as Error).message);
    }
    expect(message).toContain(name);
    expect(message).not.toContain('\n');
    expect(message).not.toContain('too-short-to-be-one');
  });
});
