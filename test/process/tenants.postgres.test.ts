import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { BOOTSTRAP, call, cleanUp, freshDirectory, sekisho, serve } from '../support/process.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase(inject('postgresUrl'));
});
afterEach(cleanUp);
afterAll(() => database?.drop());

const PASSWORD = 'nine-bridges-in-rain';
const NOOR = { tenant: 'skyline', email: 'noor@skyline.example', password: PASSWORD };

test('B1 B3 on PostgreSQL the commands join the nodes that run: everywhere means there, too', async () => {
  const settings = {
    DATABASE_URL: database.url,
    SEKISHO_SECRET: 'a secret of the tests that is long enough',
  };
  const server = await serve(freshDirectory(), { ...BOOTSTRAP, ...settings });
  const at = async (args: readonly string[], input = '') => {
    const done = await sekisho([...args, '--json'], settings, input);
    return { code: done.code, json: JSON.parse(done.stdout || done.stderr) };
  };
  const create = ['tenant', 'create', 'skyline', '--admin-email', NOOR.email];
  expect((await at(create, `${PASSWORD}\n`)).code).toBe(0);
  const enter = () => call(`${server.origin}/v1/login`, { body: NOOR });
  const { access_token: token } = (await enter()).body;
  const suspended = await at(['tenant', 'suspend', 'skyline', '--yes', '--wait', '30s']);
  expect(suspended).toMatchObject({
    code: 0,
    json: { revocation: { effective: 'everywhere', members: 2 } },
  });
  expect(await call(`${server.origin}/v1/session`, { token })).toMatchObject({
    status: 401,
    body: { code: 'session_revoked' },
  });
  expect(await enter()).toMatchObject({ status: 403, body: { code: 'tenant_suspended' } });
  const next = 'https://id.skyline.example';
  const coming = await at(['keys', 'issuer', next, '--yes']);
  expect(coming).toMatchObject({ code: 0, json: { issuer: server.origin, newest: next } });
  expect((await at(['tenant', 'delete', 'skyline', '--yes', '--wait', '30s'])).code).toBe(0);
  expect(await enter()).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  expect((await at(['tenant', 'show', 'skyline'])).json.error.code).toBe('not_found');
});
