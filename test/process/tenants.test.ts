import { rmSync } from 'node:fs';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  BOOTSTRAP,
  call,
  cleanUp,
  copyOf,
  login,
  makeTemplate,
  sekisho,
  serve,
} from '../support/process.ts';

let template: string;
beforeAll(async () => {
  template = await makeTemplate();
});
afterEach(cleanUp);
afterAll(() => rmSync(template, { recursive: true, force: true }));

const PASSWORD = 'nine-bridges-in-rain';
const NOOR = { tenant: 'skyline', email: 'noor@skyline.example', password: PASSWORD };

/** Commands on a directory; the last line that they print, read as JSON. */
function commandsOn(directory: string) {
  return async (args: readonly string[], input = '') => {
    const done = await sekisho([...args, '--data-dir', directory, '--json'], {}, input);
    return { code: done.code, json: JSON.parse(done.stdout || done.stderr) };
  };
}

test('B1 B3 a tenant is made, suspended, resumed and deleted while the server runs', async () => {
  const directory = copyOf(template);
  const server = await serve(directory);
  const at = commandsOn(directory);
  const create = ['tenant', 'create', 'skyline', '--admin-email', NOOR.email];
  expect((await at(create, `${PASSWORD}\n`)).code).toBe(0);
  const enter = () => call(`${server.origin}/v1/login`, { body: NOOR });
  const pair = (await enter()).body;
  const mika = (await login(server.origin)).body;

  const suspended = await at(['tenant', 'suspend', 'skyline', '--yes']);
  expect(suspended).toMatchObject({
    code: 0,
    json: { tenant: { status: 'suspended' }, revocation: { effective: 'everywhere' } },
  });
  expect(await enter()).toMatchObject({ status: 403, body: { code: 'tenant_suspended' } });
  const { access_token: token, refresh_token } = pair;
  expect(await call(`${server.origin}/v1/session`, { token })).toMatchObject({
    status: 401,
    body: { code: 'session_revoked' },
  });
  expect(await call(`${server.origin}/v1/refresh`, { body: { refresh_token } })).toMatchObject({
    status: 401,
    body: { code: 'session_revoked' },
  });
  expect((await at(['tenant', 'resume', 'skyline'])).code).toBe(0);
  expect((await enter()).status).toBe(200);

  const deleted = await at(['tenant', 'delete', 'skyline', '--yes']);
  expect(deleted).toMatchObject({ code: 0, json: { revocation: { effective: 'everywhere' } } });
  expect(await enter()).toMatchObject({ status: 401, body: { code: 'invalid_credentials' } });
  expect((await at(create, `${PASSWORD}\n`)).code).toBe(0);
  expect((await enter()).status).toBe(200);
  const beside = { token: mika.access_token };
  expect((await call(`${server.origin}/v1/session`, beside)).status).toBe(200);
});

test('B11 while the server is stopped: what is revoked and changed then holds after its start', async () => {
  const directory = copyOf(template);
  const server = await serve(directory);
  const at = commandsOn(directory);
  const { body: before } = await login(server.origin);
  const next = 'https://id.harbor.example';
  const changed = await at(['keys', 'issuer', next, '--yes']);
  expect(changed).toMatchObject({ code: 0, json: { issuer: next } });
  // Without a restart: what was minted before is good, and what is refreshed has the new one.
  const token = before.access_token;
  expect((await call(`${server.origin}/v1/session`, { token })).status).toBe(200);
  const body = { refresh_token: before.refresh_token };
  const { body: after } = await call(`${server.origin}/v1/refresh`, { body });
  expect(decodeJwt(after.access_token).iss).toBe(next);
  expect(await server.end('SIGTERM')).toBe(0);

  const { json: users } = await at(['user', 'list', '--tenant', 'harbor']);
  expect(users.users).toMatchObject([{ email: BOOTSTRAP.SEKISHO_BOOTSTRAP_EMAIL }]);
  const revoke = ['revoke', 'user', BOOTSTRAP.SEKISHO_BOOTSTRAP_EMAIL, '--tenant', 'harbor'];
  expect(await at(revoke)).toMatchObject({
    code: 0,
    json: { revocation: { scope: 'user', effective: 'everywhere' } },
  });
  // Its variable still names the first issuer, which is accepted for some minutes more.
  const again = await serve(directory);
  const old = { token: after.access_token };
  expect((await call(`${again.origin}/v1/session`, old)).status).toBe(401);
  const { body: fresh } = await login(again.origin);
  expect(decodeJwt(fresh.access_token).iss).toBe(next);
  const metadata = await call(`${again.origin}/.well-known/oauth-authorization-server`);
  expect(metadata.body.issuer).toBe(next);
});

test('A8 a mistyped word and a wrong option: exit code 2, one line, and JSON where it is asked for', async () => {
  const typo = await sekisho(['tenat', 'list']);
  expect(typo).toMatchObject({ code: 2, stdout: '' });
  expect(typo.stderr).toBe('sekisho: no command tenat (did you mean sekisho tenant?)\n');
  const wrong = await sekisho(['tenant', 'list', '--jsno', '--json']);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: 'usage' } });
});
