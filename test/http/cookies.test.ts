import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp } from '../../src/http/app.ts';
import { MAX_COOKIE_BYTES } from '../../src/http/cookies.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { cookieOf, senderOf, startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
});
afterAll(() => http.close());

const login = (more: object = {}) => ({
  json: { tenant: 'acme', email: acme.admin.email, password: PASSWORD, ...more },
});

const COOKIE = { transport: 'cookie' };
const PLAIN = 'http://sekisho.example';
const TLS = 'https://sekisho.example';

describe('B6: tokens in cookies', () => {
  test('ASVS 3.3.1 3.3.2 3.3.3 3.3.4 __Host-, Secure, HttpOnly, SameSite, and no token in the body', async () => {
    const { status, body, headers } = await http.send('POST', '/v1/login', login(COOKIE));
    expect(status).toBe(200);
    const cookies = headers.getSetCookie();
    expect(cookies.map((one) => one.split('=', 1)[0])).toEqual([
      '__Host-sekisho',
      '__Host-sekisho-refresh',
      '__Host-sekisho-device',
    ]);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=(Lax|Strict)$/);
      expect(cookie).not.toContain('Domain');
    }
    expect(body).not.toHaveProperty('access_token');
    expect(body).not.toHaveProperty('refresh_token');
    expect(body).not.toHaveProperty('device_token');
    const text = JSON.stringify(body);
    for (const cookie of cookies) expect(text).not.toContain(cookie.split(/[=;]/)[1]);
  });

  test('B6 by body, the default, no cookie is set', async () => {
    const { body, headers } = await http.send('POST', '/v1/login', login());
    expect(headers.getSetCookie()).toEqual([]);
    expect(Object.keys(body).sort()).toEqual([
      'access_token',
      'device_token',
      'expires_in',
      'refresh_expires_in',
      'refresh_token',
      'session',
      'token_type',
      'user',
    ]);
  });

  test('B6 the access cookie outlives its token, so that an expired one is told from a missing one', async () => {
    const { body, headers } = await http.send('POST', '/v1/login', login(COOKIE));
    const [access, refresh] = headers.getSetCookie();
    expect(access).toContain(`Max-Age=${body.refresh_expires_in}`);
    expect(refresh).toContain(`Max-Age=${body.refresh_expires_in}`);
  });

  test('B6 the cookie authenticates; refresh by cookie answers by cookie; logout takes both back', async () => {
    const first = await http.send('POST', '/v1/login', login(COOKIE));
    const cookie = cookieOf(first.headers);
    const session = await http.send('GET', '/v1/session', { cookie });
    expect(session.body.user.email).toBe(acme.admin.email);

    const refreshed = await http.send('POST', '/v1/refresh', { cookie });
    expect(refreshed.status).toBe(200);
    expect(refreshed.body).not.toHaveProperty('access_token');
    const next = cookieOf(refreshed.headers);
    expect(next).not.toBe(cookie);

    const out = await http.send('POST', '/v1/logout', { cookie: next });
    expect(out.status).toBe(204);
    expect(out.headers.getSetCookie()).toEqual([
      '__Host-sekisho=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax',
      '__Host-sekisho-refresh=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict',
    ]);
    const after = await http.send('GET', '/v1/session', { cookie: next });
    expect([after.status, after.body.code]).toEqual([401, 'session_revoked']);
  });

  test('ASVS 14.3.1 logout clears the site’s data where it is not mounted, or asked for; never all cookies', async () => {
    const field = async (basePath: string, clearSiteData?: boolean) => {
      const app = createHttpApp(http.engine.engine, {
        basePath,
        ...(clearSiteData === undefined ? {} : { clearSiteData }),
      });
      const { accessToken } = await http.engine.open('acme', acme.admin.uid);
      const path = `${basePath}/v1/logout`;
      const out = await senderOf(app, basePath)('POST', path, { token: accessToken });
      return out.headers.get('clear-site-data');
    };
    expect(await field('')).toBe('"cache", "storage"');
    expect(await field('/auth')).toBeNull();
    expect(await field('/auth', true)).toBe('"cache", "storage"');
    expect(await field('', false)).toBeNull();
  });

  test('B6 tokens that came by cookie never move into a body', async () => {
    const cookie = cookieOf((await http.send('POST', '/v1/login', login(COOKIE))).headers);
    const out = await http.send('POST', '/v1/refresh', { cookie, json: { transport: 'body' } });
    expect([out.status, out.body.errors[0].pointer]).toEqual([422, '/transport']);
    const again = await http.send('POST', '/v1/reauthenticate', {
      cookie,
      json: { password: PASSWORD },
    });
    expect(again.status).toBe(200);
    expect(again.body).not.toHaveProperty('access_token');
    expect(again.headers.getSetCookie()).toHaveLength(2);
  });

  test('B6 dead cookies are taken back with the refusal', async () => {
    const cookie = '__Host-sekisho=x; __Host-sekisho-refresh=y';
    for (const path of ['/v1/refresh', '/v1/logout']) {
      const { status, headers } = await http.send('POST', path, { cookie });
      expect(status).toBe(401);
      expect(headers.getSetCookie()).toHaveLength(2);
    }
  });

  test('B2 ending the own session by cookie takes the cookies back', async () => {
    const first = await http.send('POST', '/v1/login', login(COOKIE));
    const cookie = cookieOf(first.headers);
    const sid = first.body.session.id;
    const { status, headers } = await http.send('DELETE', `/v1/sessions/${sid}`, { cookie });
    expect(status).toBe(200);
    expect(headers.getSetCookie()).toHaveLength(2);
  });

  test('ASVS 3.3.5 the longest token there can be fits a cookie', async () => {
    const roles = Array.from({ length: 32 }, (_, at) => `${'r'.repeat(62)}${at + 10}`);
    const user = await http.engine.makeUser(acme.caller, `${'l'.repeat(60)}@acme.example`, roles);
    const { headers, status } = await http.send('POST', '/v1/login', {
      json: { tenant: 'acme', email: user.email, password: PASSWORD, transport: 'cookie' },
    });
    expect(status).toBe(200);
    for (const cookie of headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      expect(Buffer.byteLength(pair)).toBeLessThanOrEqual(MAX_COOKIE_BYTES);
    }
  });
});

describe('B6: both credentials at once', () => {
  test('B6 a bearer token together with the access cookie is 400', async () => {
    const cookie = '__Host-sekisho=x';
    for (const [method, path] of [
      ['GET', '/v1/session'],
      ['GET', '/v1/admin/users'],
      ['POST', '/v1/logout'],
      ['GET', '/v1/authenticate'],
    ] as const) {
      const { status, body } = await http.send(method, path, {
        cookie,
        token: acme.pair.accessToken,
      });
      expect([status, body.code]).toEqual([400, 'ambiguous_credentials']);
    }
  });

  test('B6 two refresh tokens are 400, one with a bearer token is not', async () => {
    const cookie = '__Host-sekisho-refresh=x';
    const two = await http.send('POST', '/v1/refresh', { cookie, json: { refresh_token: 'y' } });
    expect([two.status, two.body.code]).toEqual([400, 'ambiguous_credentials']);
    const { accessToken } = await http.engine.open('acme', acme.admin.uid);
    const out = await http.send('POST', '/v1/logout', { cookie, token: accessToken });
    expect(out.status).toBe(204);
  });

  test('B6 routes for anyone do not look at either', async () => {
    const both = { cookie: '__Host-sekisho=x', token: 'y' };
    expect((await http.send('GET', '/.well-known/jwks.json', both)).status).toBe(200);
    expect((await http.send('POST', '/v1/login', { ...login(), ...both })).status).toBe(200);
  });

  test.each([
    '__Host-sekisho',
    '=x',
    '__Host-sekisho=',
    ';;;=;',
    'sekisho=x',
    '__host-sekisho=x',
    '__Host-sekishox=y',
  ])('B6 a broken cookie (%j) is no credential', async (cookie) => {
    const { status, body } = await http.send('GET', '/v1/session', { cookie });
    expect([status, body.code]).toEqual([401, 'credentials_required']);
  });

  test('B6 of a cookie that came twice the first counts', async () => {
    const cookie = `__Host-sekisho=${acme.pair.accessToken}; __Host-sekisho=x`;
    expect((await http.send('GET', '/v1/session', { cookie })).status).toBe(200);
  });
});

describe('B6: cookies over plain http', () => {
  test.each([
    'http://localhost:4000',
    'http://app.localhost',
    'http://127.8.9.10',
    'http://[::1]:4000',
    TLS,
  ])('B6 %s may use them', async (base) => {
    const { status } = await http.send('POST', '/v1/login', { ...login(COOKIE), base });
    expect(status).toBe(200);
  });

  test.each([
    PLAIN,
    'http://192.0.2.1:4000',
    'http://localhost.example',
    'http://127.0.0.1.example',
  ])('B6 %s may not: 400 insecure_transport', async (base) => {
    const cases = [
      ['POST', '/v1/login', login(COOKIE)],
      ['GET', '/v1/session', { cookie: '__Host-sekisho=x' }],
      ['POST', '/v1/refresh', { cookie: '__Host-sekisho-refresh=x' }],
      ['POST', '/v1/refresh', { json: { refresh_token: 'x', transport: 'cookie' } }],
    ] as const;
    for (const [method, path, sent] of cases) {
      const { status, body, headers } = await http.send(method, path, { ...sent, base });
      expect([status, body.code]).toEqual([400, 'insecure_transport']);
      expect(headers.getSetCookie()).toEqual([]);
    }
    expect((await http.send('POST', '/v1/login', { ...login(), base })).status).toBe(200);
  });

  test('B6 where it was allowed, they go under plain names, and those count nowhere else', async () => {
    const app = createHttpApp(http.engine.engine, { allowHttpCookies: true });
    const send = senderOf(app);
    const first = await send('POST', '/v1/login', { ...login(COOKIE), base: PLAIN });
    expect(first.headers.getSetCookie().map((one) => one.split('=', 1)[0])).toEqual([
      'sekisho',
      'sekisho-refresh',
      'sekisho-device',
    ]);
    for (const one of first.headers.getSetCookie()) {
      expect(one).not.toContain('Secure');
      expect(one).toContain('HttpOnly');
    }
    const cookie = cookieOf(first.headers);
    expect((await send('GET', '/v1/session', { cookie, base: PLAIN })).status).toBe(200);
    expect((await send('GET', '/v1/session', { cookie, base: TLS })).status).toBe(401);
    expect((await send('GET', '/v1/session', { cookie })).status).toBe(401);
    const secure = await send('POST', '/v1/login', { ...login(COOKIE), base: TLS });
    expect(secure.headers.getSetCookie()[0]).toMatch(/^__Host-sekisho=.*; Secure/);
  });

  test('B6 behind a trusted proxy that ends TLS they are secure', async () => {
    const app = createHttpApp(http.engine.engine, { trustedProxies: ['192.0.2.7'] });
    const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'sekisho.example' };
    const sent = { ...login(COOKIE), base: 'http://10.0.0.1:4000', headers };
    const trusted = await senderOf(app)('POST', '/v1/login', sent);
    expect(trusted.status).toBe(200);
    expect(trusted.headers.get('strict-transport-security')).toContain('max-age=31536000');
    const stranger = await senderOf(app)('POST', '/v1/login', { ...sent, peer: '192.0.2.8' });
    expect([stranger.status, stranger.body.code]).toEqual([400, 'insecure_transport']);
  });
});
