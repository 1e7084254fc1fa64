import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp } from '../../src/http/app.ts';
import type { TestTenant } from '../support/engine.ts';
import { type Send, senderOf, startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let token: string;
let gateway: Send;

const EVIL = { origin: 'https://evil.example' };

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  token = acme.pair.accessToken;
  gateway = senderOf(createHttpApp(http.engine.engine, { trustedProxies: ['192.0.2.7'] }));
});
afterAll(() => http.close());

const WHO = () => ({
  'x-sekisho-tenant': acme.tenant.tid,
  'x-sekisho-user': acme.admin.uid,
  'x-sekisho-session': acme.caller.session.sessionId,
  'x-sekisho-roles': 'admin',
  'x-sekisho-freshness': 'fresh',
});

describe('A9: forward authentication', () => {
  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    'A9 %s is judged: 200 with who it is, never cached',
    async (method) => {
      for (const path of ['/v1/authenticate', '/v1/authenticate/orders/7%2F8?tag=a&tag=b']) {
        const { status, headers } = await http.send(method, path, { token });
        expect(status).toBe(200);
        expect(Object.fromEntries(headers)).toMatchObject({
          ...WHO(),
          'cache-control': 'no-store',
        });
      }
    },
  );

  test('A9 nobody, somebody revoked, somebody forged: 401, and no header names anybody', async () => {
    const pair = await http.engine.open('acme', acme.admin.uid);
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
    for (const sent of [{}, { token: pair.accessToken }, { token: 'x' }]) {
      const { status, headers } = await http.send('GET', '/v1/authenticate', sent);
      expect(status).toBe(401);
      for (const name of Object.keys(WHO())) expect(headers.has(name)).toBe(false);
    }
  });

  test('A9 a body of any type is left alone', async () => {
    const sent = { token, body: 'a=b&c', headers: { 'content-type': 'text/plain' } };
    expect((await http.send('POST', '/v1/authenticate', sent)).status).toBe(200);
  });

  test('A9 role: one of several is enough, none of them is 403', async () => {
    for (const [role, status] of [
      ['admin', 200],
      ['billing,admin', 200],
      ['billing', 403],
      ['billing,clerk', 403],
    ] as const) {
      const answer = await http.send('GET', `/v1/authenticate?role=${role}`, { token });
      expect([role, answer.status]).toEqual([role, status]);
    }
  });

  test.each(['role=', 'role=Admin%20', 'fresh=maybe', 'max_auth_age=-1', 'max_auth_age=x'])(
    'A9 ASVS 16.5.2 ?%s is 422: a mistake in the gateway lets nobody through',
    async (query) => {
      expect((await http.send('GET', `/v1/authenticate?${query}`, { token })).status).toBe(422);
    },
  );

  test('A9 ASVS 15.3.7 a parameter that counts and came twice is 400', async () => {
    const path = '/v1/authenticate/x?role=member&role=admin';
    expect((await http.send('GET', path, { token })).status).toBe(400);
  });

  test('A9 fresh asks for a proof of after the request', async () => {
    for (const fresh of ['true', '1', 'false', '0']) {
      const { status } = await http.send('GET', `/v1/authenticate?fresh=${fresh}`, { token });
      expect(status).toBe(200);
    }
  });

  test('ASVS 7.5.1 max_auth_age: a password given too long ago is 401 reauthentication_required', async () => {
    const soon = await http.send('GET', '/v1/authenticate?max_auth_age=3600', { token });
    expect(soon.status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const { status, body, headers } = await http.send('GET', '/v1/authenticate?max_auth_age=0', {
      token,
    });
    expect([status, body.code]).toEqual([401, 'reauthentication_required']);
    expect(headers.get('www-authenticate')).toContain('insufficient_user_authentication');
  });

  test('A9 ASVS 3.5.1 the original method decides whether the origin is checked', async () => {
    const cookie = `__Host-sekisho=${token}`;
    const ask = (send: Send, method: string, original: Record<string, string>, peer?: string) =>
      send(method, '/v1/authenticate', {
        cookie,
        headers: { ...EVIL, ...original },
        ...(peer === undefined ? {} : { peer }),
      });
    for (const field of ['x-original-method', 'x-forwarded-method']) {
      expect((await ask(gateway, 'GET', { [field]: 'POST' })).status).toBe(403);
      expect((await ask(gateway, 'GET', { [field]: 'GET' })).status).toBe(200);
      // A gateway may ask with a method of its own.
      expect((await ask(gateway, 'POST', { [field]: 'GET' })).status).toBe(200);
    }
    expect((await ask(gateway, 'GET', {})).status).toBe(200);
    expect((await ask(gateway, 'POST', {})).status).toBe(403);
  });

  test('A9 ASVS 3.5.1 a stranger’s word on the method makes nothing looser', async () => {
    const cookie = `__Host-sekisho=${token}`;
    const headers = { ...EVIL, 'x-original-method': 'GET' };
    const { status } = await gateway('POST', '/v1/authenticate', {
      cookie,
      headers,
      peer: '198.51.100.1',
    });
    expect(status).toBe(403);
  });

  test('A9 ASVS 3.5.1 a page of the gateway’s own origin passes', async () => {
    const cookie = `__Host-sekisho=${token}`;
    const engine = { ...http.engine.engine, issuers: () => new Set(['https://app.example']) };
    const send = senderOf(createHttpApp(engine, { trustedProxies: ['192.0.2.7'] }));
    const { status } = await send('GET', '/v1/authenticate', {
      cookie,
      headers: {
        origin: 'https://app.example',
        'x-original-method': 'POST',
        'x-forwarded-proto': 'https',
        'x-forwarded-host': 'app.example',
      },
    });
    expect(status).toBe(200);
  });
});
