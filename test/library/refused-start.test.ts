import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createSekisho, type SekishoOptions } from '../../src/index.ts';
import { codeOf } from '../support/engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-refused-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each<[string, SekishoOptions]>([
  ['a lease and a tolerance that are too long together', { leaseMs: 25_000 }],
  ['a secret that is too short', { secret: 'short' }],
  ['a proxy that is no address', { trustedProxies: ['nowhere at all'] }],
  ['a Redis without a database', { redisUrl: 'redis://127.0.0.1' }],
])('a start that is refused for %s makes no data directory', async (_name, options) => {
  const dataDir = join(folder, 'new');
  expect(await codeOf(createSekisho({ dataDir, logLevel: 'silent', ...options }))).toBe(
    'invalid_configuration',
  );
  expect(existsSync(dataDir)).toBe(false);
});

test.each([
  'redis://user@cache.example',
  'redis+sentinel://cache.example',
  'redis://a.example,b.example',
])(
  'a REDIS_URL that cannot be read is refused before the database is asked: %s',
  async (redisUrl) => {
    const options = {
      ...{ redisUrl, databaseUrl: 'postgres://127.0.0.1:1/none', logLevel: 'silent' as const },
      secret: 'a secret of the tests that is long enough',
    };
    await expect(createSekisho(options)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(/^REDIS_URL /),
    });
  },
);
