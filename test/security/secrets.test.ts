import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BOOTSTRAP, call, cleanUp, freshDirectory, login, serve } from '../support/process.ts';
import { openSocket } from '../support/socket-client.ts';

afterEach(cleanUp);

/** A word that stands in every secret which the test makes up. */
const SEED = 'Zq7-quartz-heron';

describe('ASVS 16.2.5: secrets of a running server', () => {
  test('ASVS 16.2.5 14.2.1 no password and no token in its output, its operations, or its data at rest', async () => {
    const directory = freshDirectory();
    const password = `${SEED}-bootstrap`;
    const server = await serve(directory, {
      ...BOOTSTRAP,
      SEKISHO_BOOTSTRAP_PASSWORD: password,
      SEKISHO_LOG_LEVEL: 'trace',
    });
    const { origin } = server;
    const v1 = `${origin}/v1`;
    const secrets = [SEED];
    const { body: first } = await login(origin, password);
    const token = first.access_token as string;
    const created = await call(`${v1}/admin/users`, {
      token,
      body: { email: 'nao@harbor.example' },
    });
    const reset = created.body.reset.token as string;
    const chosen = await call(`${v1}/password/reset`, {
      body: { token: reset, new_password: `${SEED}-chosen` },
    });
    expect(chosen.status).toBe(200);
    const { body: second } = await call(`${v1}/refresh`, {
      body: { refresh_token: first.refresh_token },
    });
    const { ticket } = (await call(`${v1}/socket-ticket`, { token, method: 'POST' })).body;
    const socket = openSocket(origin, ticket);
    // Whatever goes wrong, with a secret where none belongs.
    await login(origin, `${SEED}-wrong`);
    for (const body of [{ [SEED]: 1 }, { refresh_token: SEED }, { password: SEED, token: reset }]) {
      await call(`${v1}/login`, { body });
      await call(`${v1}/password/reset`, { body });
      await call(`${v1}/reauthenticate`, { token, body });
    }
    await call(`${v1}/session?access_token=${token}&p=${SEED}`, { token: `${SEED}.x.y` });
    await call(`${v1}/${token}/${SEED}`, { token });
    await fetch(`${v1}/session`, {
      headers: { 'user-agent': `x ${token}`, cookie: `a=${SEED}`, 'x-request-id': SEED },
    });
    await fetch(`${v1}/login`, { method: 'POST', body: `{"password":"${SEED}` });
    await call(`${v1}/refresh`, { body: { refresh_token: first.refresh_token } });
    // A service client's secret, where it belongs and wherever it does not.
    const client = (await call(`${v1}/admin/clients`, { token, body: { name: 'billing' } })).body;
    const { secret } = client as { readonly secret: string };
    const id = client.client.id as string;
    const basic = (text: string) => ({ authorization: `Basic ${base64(text)}` });
    const ask = (path: string, form: object, headers: Record<string, string> = {}) =>
      fetch(`${origin}/oauth/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams({ ...form }).toString(),
      });
    const good = await ask('introspect', { token }, basic(`${id}:${secret}`));
    expect([good.status, await good.json()]).toMatchObject([200, { active: true }]);
    const statuses = [
      await ask('introspect', { token, client_id: id, client_secret: secret }),
      await ask('introspect', { token: secret }, basic(`${id}:${secret}`)),
      await ask('revoke', { token: secret, client_id: id, client_secret: secret }),
      await ask('introspect', { token }, basic(`${id}x:${secret}`)),
      await ask('introspect', { token }, basic(`${secret}:${id}`)),
      await ask('introspect', { token, client_id: secret, client_secret: `${secret}x` }),
      await ask('introspect', { token, client_secret: secret }, basic(`${id}:${secret}`)),
      await ask('introspect', { token, [secret]: secret }, basic(`${id}:${secret}`)),
      await ask(`introspect?client_secret=${secret}`, { token }),
      await ask(`${secret}?a=${base64(`${id}:${secret}`)}`, {}, { 'user-agent': secret }),
      await ask('introspect', { token }, { authorization: `Bearer ${secret}` }),
      await ask('introspect', { token }, { 'x-request-id': secret, cookie: `a=${secret}` }),
    ].map(({ status }) => status);
    // RFC 7009 takes no such token; RFC 6749 has unknown fields ignored.
    expect(statuses).toEqual([200, 200, 400, 401, 401, 401, 400, 200, 401, 404, 401, 401]);
    secrets.push(secret, secret.split('.').at(-1) ?? '', base64(`${id}:${secret}`));
    const audit = await call(`${v1}/admin/audit?limit=200`, { token: second.access_token });
    expect(audit.body.events.length).toBeGreaterThan(3);
    const operations = await Promise.all(
      ['/metrics', '/healthz', '/readyz'].map(async (path) =>
        (await fetch(server.operations + path)).text(),
      ),
    );
    await call(`${v1}/logout`, { token: second.access_token, method: 'POST' });
    await socket.closed;
    expect(await server.end('SIGTERM')).toBe(0);

    for (const pair of [first, second]) {
      secrets.push(pair.access_token.split('.')[2], pair.refresh_token.split('.')[2]);
    }
    secrets.push(reset.split('.')[1] ?? '', ticket.split('.')[1], first.device_token.split('.')[2]);
    secrets.push(readFileSync(join(directory, 'secret'), 'utf8').trim());
    const told = [
      server.lines.join('\n'),
      server.stderr(),
      JSON.stringify(audit.body),
      ...operations,
    ].join('\n');
    expect(server.stderr()).toContain('"route":"/v1/session"');
    for (const secret of secrets) expect(told.includes(secret)).toBe(false);
    // At rest: hashes and sealed keys; what was typed, or given away, nowhere.
    const kept = [...filesOf(join(directory, 'postgres'))].map((path) => readFileSync(path));
    expect(kept.some((bytes) => bytes.includes('nao@harbor.example'))).toBe(true);
    for (const secret of secrets) {
      expect(kept.some((bytes) => bytes.includes(secret))).toBe(false);
    }
  });
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function* filesOf(directory: string): Generator<string> {
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) yield* filesOf(path);
    else yield path;
  }
}
