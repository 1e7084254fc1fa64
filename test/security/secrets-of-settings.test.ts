import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { cleanUp, freshDirectory, sekisho, start } from '../support/process.ts';

vi.setConfig({ testTimeout: 120_000 });
afterEach(cleanUp);

/** A word that stands in every secret of these settings. */
const SEED = 'Kw4-magnet-otter';
const SECRET = `${SEED}-secret-of-thirty-two-bytes-and-more`;

/** What any of it could look like where it has no business. */
const FORMS = [SEED, encodeURIComponent(SEED), Buffer.from(SEED).toString('base64').slice(0, -3)];

function expectNone(text: string): void {
  for (const form of FORMS) expect(text).not.toContain(form);
}

/** Listens on a port and hangs up on whoever comes: neither PostgreSQL nor Redis. */
async function hangingUp(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, server };
}

describe('ASVS 16.2.5: passwords in settings', () => {
  test('ASVS 16.2.5 A8 neither a database nor a Redis that is away makes a node tell their passwords, at level trace', async () => {
    const { port, server } = await hangingUp();
    const { child, stdout, stderr, exited } = start(
      ['serve', '--port', '0', '--data-dir', freshDirectory()],
      {
        SEKISHO_LOG_LEVEL: 'trace',
        SEKISHO_SECRET: SECRET,
        SEKISHO_ADMIN_PORT: '0',
        DATABASE_URL: `postgres://sekisho:${SEED}-database@127.0.0.1:${port}/app`,
        REDIS_URL: `redis://sekisho:${SEED}-redis@127.0.0.1:${port}`,
      },
    );
    try {
      await vi.waitFor(() => expect(stderr()).toContain('the database cannot be reached'), 60_000);
      child.kill('SIGTERM');
      await exited;
    } finally {
      server.close();
    }
    expectNone(stdout() + stderr());
  });

  test.each([
    ['a database of another kind', { DATABASE_URL: `mysql://u:${SEED}@127.0.0.1/app` }],
    ['a database that is no address', { DATABASE_URL: `postgres://u:${SEED}@[/app` }],
    ['a password that breaks the address', { DATABASE_URL: `postgres://u:${SEED}/#?@h/app` }],
    ['a Redis of another kind', { REDIS_URL: `https://:${SEED}@127.0.0.1` }],
    ['a Redis password that breaks the address', { REDIS_URL: `redis://:${SEED}@x/y@127.0.0.1` }],
    ['a secret that is too short', { SEKISHO_SECRET: SEED }],
    ['a secret within a list that is too short', { SEKISHO_SECRET: `${SECRET},${SEED}` }],
  ])('ASVS 16.2.5 %s is refused without quoting it', async (_, wrong) => {
    const good = {
      SEKISHO_SECRET: SECRET,
      DATABASE_URL: `postgres://u:${SEED}@127.0.0.1:1/app`,
      REDIS_URL: `redis://:${SEED}@127.0.0.1:1`,
    };
    for (const args of [
      ['serve', '--port', '0'],
      ['migrate', '--json'],
    ]) {
      // `migrate` has no Redis; what is right for it tries the database, and that is away.
      const { code, stdout, stderr } = await sekisho(
        [...args, '--data-dir', freshDirectory()],
        args[0] === 'migrate' && 'REDIS_URL' in wrong ? good : { ...good, ...wrong },
      );
      expect([1, 2]).toContain(code);
      expect(stderr).not.toBe('');
      expectNone(stdout + stderr);
    }
  });
});
