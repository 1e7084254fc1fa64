import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSekisho, type SekishoOptions, startSekisho } from '../../src/index.ts';
import { codeOf, ORIGIN, PASSWORD } from '../support/engine.ts';

// One directory for all of them: only the first start makes a database, which takes the longest.
let dataDir: string;
beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sekisho-'));
});
afterAll(() => rmSync(dataDir, { recursive: true, force: true }));
function open(more: SekishoOptions = {}) {
  return createSekisho({ dataDir, logLevel: 'silent', ...more });
}

test('wrong settings are refused at once, by name and without their values', async () => {
  const wrong: [SekishoOptions, string][] = [
    [{ redisUrl: 'redis://hunter2@x' } as SekishoOptions, 'REDIS_URL'],
    [{ databaseUrl: 'mysql://hunter2@x' }, 'DATABASE_URL'],
    [{ databaseUrl: 'postgres://hunter2@x' }, 'SEKISHO_SECRET'],
    [{ secret: 'hunter2' }, 'SEKISHO_SECRET'],
    [{ leaseMs: 1 }, 'SEKISHO_LEASE_MS'],
    [{ trustedProxies: ['hunter2'] }, 'SEKISHO_TRUSTED_PROXIES'],
    [{ allowedOrigins: ['https://app.example/hunter2'] }, 'SEKISHO_ALLOWED_ORIGINS'],
    [{ hunter: 2 } as SekishoOptions, 'hunter'],
  ];
  for (const [options, named] of wrong) {
    const error = await open(options).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'invalid_configuration' });
    expect((error as Error).message).toContain(named);
    expect((error as Error).message).not.toContain('hunter2');
  }
  expect(readdirSync(dataDir)).toEqual([]);
});

test('one instance for each record in a process, whoever asks; the last holder closes it', async () => {
  const [one, two] = await Promise.all([open(), open()]);
  expect(two.engine).toBe(one.engine);
  expect(await codeOf(open({ audience: 'other' }))).toBe('invalid_configuration');
  await one.close();
  // However often one holder closes, it has one share.
  await one.close();
  expect((await one.operations(new Request('http://x/readyz'))).status).toBe(200);
  await two.close();
  expect((await one.operations(new Request('http://x/readyz'))).status).toBe(503);
  expect((await one.fetch(new Request('http://x/v1/session'))).status).toBe(503);
  expect(await codeOf(one.authenticate('token'))).toBe('not_ready');
});

test('a late second close of an instance leaves the one alone that came after it', async () => {
  const first = await open();
  const [closing, again] = [first.close(), first.close()];
  const next = await open();
  // Both of them wait until it is closed.
  await Promise.all([closing, again, first.close()]);
  expect((await next.operations(new Request('http://x/readyz'))).status).toBe(200);
  const shared = await open();
  expect(shared.engine).toBe(next.engine);
  await shared.close();
  expect((await next.operations(new Request('http://x/readyz'))).status).toBe(200);
  await next.close();
  expect((await next.operations(new Request('http://x/readyz'))).status).toBe(503);
});

test('a restart keeps sessions, keys and secret; what was counted is written at close', async () => {
  const first = await open();
  await first.engine.operator.createTenant({
    slug: 'acme',
    name: null,
    adminEmail: 'admin@acme.example',
    adminPassword: PASSWORD,
  });
  const pair = await first.engine.logins.login(
    {
      tenant: 'acme',
      email: 'admin@acme.example',
      password: PASSWORD,
      device: null,
      deviceToken: null,
    },
    ORIGIN,
  );
  const seenAtMs = pair.session.lastSeenAtMs;
  await new Promise((resolve) => setTimeout(resolve, 20));
  await first.authenticate(pair.accessToken);
  const denied = { roles: ['owner'] };
  for (let n = 0; n < 5; n += 1) await codeOf(first.authenticate(pair.accessToken, denied));
  await first.close();

  expect(statSync(join(dataDir, 'secret')).mode & 0o777).toBe(0o600);
  const second = await open();
  const session = await second.authenticate(pair.accessToken);
  const caller = { session, origin: ORIGIN };
  const page = { limit: 50, cursor: null };
  const [row] = await second.engine.ownSessions.list(caller, page);
  expect(row?.lastSeenAtMs).toBeGreaterThan(seenAtMs);
  const rows = await second.engine.administration.listAudit(caller, { action: 'authz_fail' }, page);
  expect(rows.map(({ detail }) => detail)).toEqual(
    expect.arrayContaining([{ needed: 'owner' }, expect.objectContaining({ count: 4 })]),
  );
  const next = await second.engine.logins.refresh(pair.refreshToken, ORIGIN);
  expect(next.session.sid).toBe(pair.session.sid);
  await second.close();
});

test('until it is open it answers 503, and closing it then leaves nothing behind', async () => {
  const { sekisho, ready } = startSekisho({ dataDir, logLevel: 'silent' });
  const early = await sekisho.fetch(new Request('http://localhost/v1/login', { method: 'POST' }));
  expect(early.status).toBe(503);
  expect(early.headers.get('retry-after')).toBe('1');
  expect(await early.json()).toMatchObject({ code: 'not_ready' });
  expect((await sekisho.operations(new Request('http://x/healthz'))).status).toBe(200);
  expect((await sekisho.operations(new Request('http://x/readyz'))).status).toBe(503);
  const outcome = codeOf(ready);
  await sekisho.close();
  expect(['none', 'not_ready']).toContain(await outcome);
  // The directory is free again.
  const again = await open();
  await again.close();
});

test('a database that cannot be reached is tried again, with 503 meanwhile, until it is closed', async () => {
  const { sekisho, ready } = startSekisho({
    databaseUrl: 'postgres://nobody@127.0.0.1:1/none',
    secret: 'a secret that is long enough for all',
    logLevel: 'silent',
  });
  const outcome = codeOf(ready);
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect((await sekisho.operations(new Request('http://x/readyz'))).status).toBe(503);
  expect(await codeOf(sekisho.authenticate('token'))).toBe('not_ready');
  await sekisho.close();
  expect(await outcome).toBe('not_ready');
});
