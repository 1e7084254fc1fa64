import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp } from '../../src/http/app.ts';
import { routes } from '../../src/http/table.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import {
  BASE,
  cookieOf,
  type Send,
  senderOf,
  startTestApp,
  type TestApp,
} from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let send: Send;
let cookie: string;

const FRIEND = 'https://app.example';
const EVIL = 'https://evil.example';

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  send = senderOf(createHttpApp(http.engine.engine, { allowedOrigins: [`${FRIEND}/`] }));
  const { headers } = await send('POST', '/v1/login', {
    json: { tenant: 'acme', email: acme.admin.email, password: PASSWORD, transport: 'cookie' },
  });
  cookie = cookieOf(headers);
});
afterAll(() => http.close());

/** What a browser says of where a request comes from, and whether it may act with cookies. */
const matrix: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ['neither header: no browser', {}, true],
  ['the own origin', { origin: BASE }, true],
  ['the own origin and same-origin', { origin: BASE, 'sec-fetch-site': 'same-origin' }, true],
  ['same-origin alone', { 'sec-fetch-site': 'same-origin' }, true],
  ['typed into the address bar', { 'sec-fetch-site': 'none' }, true],
  ['an allowed origin', { origin: FRIEND, 'sec-fetch-site': 'cross-site' }, true],
  ['a foreign origin', { origin: EVIL }, false],
  ['a foreign origin and cross-site', { origin: EVIL, 'sec-fetch-site': 'cross-site' }, false],
  ['cross-site alone', { 'sec-fetch-site': 'cross-site' }, false],
  ['same-site alone: another host of the site', { 'sec-fetch-site': 'same-site' }, false],
  ['another port of this machine', { origin: 'http://127.0.0.1:3000' }, false],
  ['another scheme', { origin: 'https://127.0.0.1:4000' }, false],
  ['another name of this machine', { origin: 'http://localhost:4000' }, false],
  ['a sandboxed frame', { origin: 'null' }, false],
  ['an origin that is none', { origin: 'odd' }, false],
  ['the own origin as the beginning of a foreign one', { origin: `${BASE}.evil.example` }, false],
  [
    'a foreign origin that calls itself same-origin',
    { origin: EVIL, 'sec-fetch-site': 'same-origin' },
    false,
  ],
];

describe('ASVS 3.5.1: origins', () => {
  for (const [what, headers, passes] of matrix) {
    test(`ASVS 3.5.1 ASVS 3.5.3 an unsafe method with cookies: ${what} is ${passes ? 'let through' : 'refused'}`, async () => {
      const { status, body } = await send('PATCH', `/v1/admin/users/${acme.admin.uid}`, {
        cookie,
        headers,
        json: { name: 'Admin' },
      });
      expect([status, body.code]).toEqual(passes ? [200, undefined] : [403, 'origin_denied']);
    });

    test(`ASVS 3.5.1 login, which gives cookies: ${what} is ${passes ? 'let through' : 'refused'}`, async () => {
      const json = { tenant: 'acme', email: 'nobody@acme.example', password: 'x' };
      const { status } = await send('POST', '/v1/login', { headers, json });
      expect(status === 403).toBe(!passes);
    });
  }

  test('ASVS 3.5.1 a refused login did not count, and a refused change did not happen', async () => {
    const before = await send('GET', `/v1/admin/users/${acme.admin.uid}`, { cookie });
    const refused = await send('PATCH', `/v1/admin/users/${acme.admin.uid}`, {
      cookie,
      headers: { origin: EVIL },
      json: { name: 'Evil' },
    });
    expect(refused.status).toBe(403);
    const after = await send('GET', `/v1/admin/users/${acme.admin.uid}`, { cookie });
    expect(after.body).toEqual(before.body);
  });

  test('ASVS 3.5.2 a text/plain post of a foreign page gets nowhere, with a body or without one', async () => {
    const headers = { origin: EVIL, 'content-type': 'text/plain' };
    const withBody = await send('POST', '/v1/sessions/revoke-others', {
      cookie,
      headers,
      body: '{}',
    });
    expect(withBody.status).toBe(415);
    const without = await send('POST', '/v1/sessions/revoke-others', { cookie, headers });
    expect([without.status, without.body.code]).toEqual([403, 'origin_denied']);
    const out = await send('POST', '/v1/logout', { cookie, headers });
    expect([out.status, out.body.code]).toEqual([403, 'origin_denied']);
    expect((await send('GET', '/v1/session', { cookie })).status).toBe(200);
  });

  test('ASVS 3.5.1 every unsafe route refuses a foreign page that sends cookies', async () => {
    for (const { method, path, who } of routes) {
      if (method === 'GET' || method === 'ANY') continue;
      const target = path.replace('{email}', 'a%40b').replace(/\{\w+\}/g, acme.admin.uid);
      // What is 400 without its one field is asked with it.
      const more = who === 'client' ? { form: { token: 'x' } } : {};
      const sent = { cookie, headers: { origin: EVIL }, ...more };
      const { status, body } = await send(method, target, sent);
      expect([method, path, who, status, body.code]).toEqual([
        method,
        path,
        who,
        403,
        'origin_denied',
      ]);
    }
  });

  test('ASVS 3.5.1 any one of the cookies is enough to be checked', async () => {
    for (const one of ['__Host-sekisho=x', '__Host-sekisho-refresh=x', '__Host-sekisho-device=x']) {
      const { status } = await send('POST', '/v1/refresh', {
        cookie: one,
        headers: { origin: EVIL },
      });
      expect(status).toBe(403);
    }
  });

  test('ASVS 3.5.1 a bearer token is nothing that a browser adds by itself', async () => {
    const { status } = await send('PATCH', `/v1/admin/users/${acme.admin.uid}`, {
      token: acme.pair.accessToken,
      headers: { origin: EVIL, 'sec-fetch-site': 'cross-site' },
      json: { name: 'Admin' },
    });
    expect(status).toBe(200);
  });

  test('ASVS 3.5.3 GET and HEAD change nothing and are not refused', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { status } = await send(method, '/v1/session', { cookie, headers: { origin: EVIL } });
      expect(status).toBe(200);
    }
  });

  test('ASVS 3.5.1 a name that merely resolves here is nobody’s own origin', async () => {
    const base = 'https://rebound.example';
    const json = { tenant: 'acme', email: 'nobody@acme.example', password: 'x' };
    const headers = { origin: base, 'sec-fetch-site': 'same-origin' };
    expect((await send('POST', '/v1/login', { base, headers, json })).status).toBe(403);
  });

  test('ASVS 3.5.1 the issuer’s name is an own origin, behind a trusted proxy too', async () => {
    const issuer = 'https://login.example';
    const engine = { ...http.engine.engine, issuer, issuers: () => new Set([issuer]) };
    const app = createHttpApp(engine, { trustedProxies: ['192.0.2.7'] });
    const json = { tenant: 'acme', email: 'nobody@acme.example', password: 'x' };
    const headers = { origin: 'https://login.example' };
    const direct = { base: 'https://login.example', headers, json };
    expect((await senderOf(app)('POST', '/v1/login', direct)).status).toBe(401);
    const forwarded = {
      base: 'http://10.0.0.1:4000',
      headers: { ...headers, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'login.example' },
      json,
    };
    expect((await senderOf(app)('POST', '/v1/login', forwarded)).status).toBe(401);
    const stranger = { ...forwarded, peer: '192.0.2.8' };
    expect((await senderOf(app)('POST', '/v1/login', stranger)).status).toBe(403);
  });
});

describe('A2: CORS', () => {
  const preflight = (path: string, origin: string) =>
    send('OPTIONS', path, { headers: { origin, 'access-control-request-method': 'PATCH' } });

  test('A2 ASVS 3.4.2 an allowed origin’s preflight says which methods and fields', async () => {
    const { status, headers } = await preflight(`/v1/admin/users/${acme.admin.uid}`, FRIEND);
    expect(status).toBe(204);
    expect(headers.get('allow')).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
    expect(headers.get('access-control-allow-origin')).toBe(FRIEND);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-allow-methods')).toContain('PATCH');
    for (const field of ['Authorization', 'Content-Type', 'If-Match', 'Idempotency-Key']) {
      expect(headers.get('access-control-allow-headers')).toContain(field);
    }
  });

  test('A2 ASVS 3.4.2 a foreign origin’s preflight is answered without a word of CORS', async () => {
    const { status, headers } = await preflight('/v1/login', EVIL);
    expect(status).toBe(204);
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await preflight('/v1/nowhere', FRIEND)).status).toBe(404);
  });

  test('A2 answers and refusals can be read by allowed origins, with the fields that matter', async () => {
    for (const path of ['/v1/session', '/v1/nowhere', '/.well-known/jwks.json']) {
      const friend = await send('GET', path, { headers: { origin: FRIEND } });
      expect(friend.headers.get('access-control-allow-origin')).toBe(FRIEND);
      const exposed = friend.headers.get('access-control-expose-headers');
      for (const field of [
        'Retry-After',
        'RateLimit',
        'RateLimit-Policy',
        'WWW-Authenticate',
        'X-Request-Id',
      ]) {
        expect(exposed).toContain(field);
      }
      const evil = await send('GET', path, { headers: { origin: EVIL } });
      expect(evil.headers.has('access-control-allow-origin')).toBe(false);
      expect(evil.headers.get('vary')).toContain('Origin');
    }
  });
});

describe('A2: security headers', () => {
  test('ASVS 3.4.1 HSTS over https, and not over plain http', async () => {
    const secure = await send('GET', '/v1/session', { base: 'https://sekisho.example' });
    expect(secure.headers.get('strict-transport-security')).toBe(
      'max-age=31536000; includeSubDomains',
    );
    const plain = await send('GET', '/v1/session');
    expect(plain.headers.has('strict-transport-security')).toBe(false);
    const mounted = senderOf(createHttpApp(http.engine.engine, { basePath: '/auth' }), '/auth');
    const inside = await mounted('GET', '/auth/v1/session', { base: 'https://app.example' });
    expect(inside.headers.get('strict-transport-security')).toBe('max-age=31536000');
  });

  test('ASVS 3.4.3 ASVS 3.4.4 ASVS 3.4.5 ASVS 3.4.6 nothing may load, sniff, refer or frame', async () => {
    const { headers } = await send('GET', '/v1/session');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  });
});
