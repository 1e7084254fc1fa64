import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_STATUS, type ErrorCode, SekishoError } from '../../src/errors.ts';
import { createHttpApp } from '../../src/http/app.ts';
import type { Log } from '../../src/observe/log.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { TestTenant } from '../support/engine.ts';
import { senderOf, startTestApp, type TestApp, withFailing } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let docs: string;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  docs = (await http.send('GET', '/docs')).body;
});
afterAll(() => http.close());

/** The app over an engine whose login throws `error`. */
function failing(error: unknown, log: Log = silentLog) {
  const { engine } = http.engine;
  const logins = { ...engine.logins, login: () => Promise.reject(error) };
  return senderOf(createHttpApp(withFailing(engine, { logins }), { log }), '', false);
}

const LOGIN = { json: { tenant: 'acme', email: 'a@b', password: 'hidden-7391' } };

describe('A2: problem documents', () => {
  const START_UP: readonly string[] = [
    'invalid_configuration',
    'data_directory_in_use',
    'data_directory_unusable',
    'backup_unusable',
  ];
  const codes = (Object.keys(ERROR_STATUS) as ErrorCode[]).filter(
    (code) => !START_UP.includes(code) && code !== 'method_not_allowed',
  );

  test.each(codes)(
    'A2 RFC 9457 %s has its status, and the page at /docs knows it',
    async (code) => {
      const { status, body } = await failing(new SekishoError(code, 'A sentence.'))(
        'POST',
        '/v1/login',
        LOGIN,
      );
      expect(status).toBe(ERROR_STATUS[code]);
      expect(body.code).toBe(code);
      expect(docs).toContain(`id="${body.type.split('#')[1]}"`);
    },
  );

  test('A2 ASVS 16.5.2 what is no error of ours is 500 and says nothing; the log has it under the request id', async () => {
    const lines: object[] = [];
    const log: Log = { ...silentLog, error: (fields) => lines.push(fields) };
    const cause = new Error('relation "hidden_table" does not exist');
    const { status, body, headers } = await failing(cause, log)('POST', '/v1/login', LOGIN);
    expect([status, body.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(body)).not.toContain('hidden');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      request_id: headers.get('x-request-id'),
      status: 500,
      err: { message: 'relation "hidden_table" does not exist' },
    });
    expect(JSON.stringify(lines)).not.toContain('hidden-7391');
  });

  test('A2 an error of the start-up never tells its settings to a client', async () => {
    const error = new SekishoError('invalid_configuration', 'secret in /etc/hidden');
    const { status, body } = await failing(error)('POST', '/v1/login', LOGIN);
    expect([status, body.code]).toEqual([500, 'internal']);
    expect(JSON.stringify(body)).not.toContain('hidden');
  });

  test('ASVS 16.5.2 a store that is down is 503 with Retry-After on every route that needs one, never 401', async () => {
    const down = () => {
      throw new SekishoError('store_unavailable', 'Down.', { retryAfterSeconds: 3 });
    };
    const authentication = {
      ...http.engine.engine.authentication,
      authenticate: async () => down(),
    };
    const app = createHttpApp(withFailing(http.engine.engine, { authentication }));
    const send = senderOf(app);
    const paths = ['/v1/session', '/v1/admin/users', '/v1/authenticate', '/v1/authenticate/x'];
    for (const path of paths) {
      const { status, headers, body } = await send('GET', path, { token: acme.pair.accessToken });
      expect([status, body.code, headers.get('retry-after')]).toEqual([
        503,
        'store_unavailable',
        '3',
      ]);
      expect(headers.has('www-authenticate')).toBe(false);
    }
  });

  test('A2 a lost answer of a revoking call carries the id to ask later', async () => {
    const error = new SekishoError('outcome_unknown', 'Lost.', {
      operationId: 'hQ2mZ7xW0rTn5bJ8cK1vYA',
      retryAfterSeconds: 0.2,
    });
    const { status, headers, body } = await failing(error)('POST', '/v1/login', LOGIN);
    expect(status).toBe(503);
    expect(body.id).toBe('hQ2mZ7xW0rTn5bJ8cK1vYA');
    expect(headers.get('retry-after')).toBe('1');
  });

  test('A2 a limit that counted is told by Retry-After, RateLimit and RateLimit-Policy', async () => {
    const rateLimit = {
      policy: 'login',
      limit: 10,
      windowSeconds: 900,
      remaining: 0,
      resetSeconds: 42,
    };
    const error = new SekishoError('too_many_attempts', 'Wait.', {
      retryAfterSeconds: 2,
      rateLimit,
    });
    const { status, headers } = await failing(error)('POST', '/v1/login', LOGIN);
    expect(status).toBe(429);
    expect(headers.get('retry-after')).toBe('2');
    expect(headers.get('ratelimit-policy')).toBe('"login";q=10;w=900');
    expect(headers.get('ratelimit')).toBe('"login";r=0;t=42');
  });

  test('A2 members of a document never replace its own', async () => {
    const error = new SekishoError('session_limit_reached', 'Full.', {
      members: { status: 200, code: 'fine', sessions: [] },
    });
    const { status, body } = await failing(error)('POST', '/v1/login', LOGIN);
    expect([status, body.status, body.code]).toEqual([403, 403, 'session_limit_reached']);
  });
});

describe('A2: challenges', () => {
  const challenge = async (path: string, sent = {}) =>
    (await http.send('GET', path, sent)).headers.get('www-authenticate');

  test('RFC 6750 nothing presented: no error code', async () => {
    expect(await challenge('/v1/session')).toBe('Bearer');
    expect(await challenge('/v1/session', { headers: { authorization: 'Basic YTpi' } })).toBe(
      'Bearer',
    );
    expect(await challenge('/v1/session', { headers: { authorization: 'Bearer' } })).toBe('Bearer');
    expect(await challenge('/v1/authenticate')).toBe('Bearer');
  });

  test.each(['x', 'a.b.c', 'two words', `eyJ${'a'.repeat(9000)}`, 'ünïcode'])(
    'RFC 6750 a token that is none (%s) is invalid_token',
    async (token) => {
      const { status, body, headers } = await http.send('GET', '/v1/session', {
        headers: { authorization: `Bearer ${encodeURIComponent(token).slice(0, 12_000)}` },
      });
      expect([status, body.code]).toEqual([401, 'invalid_token']);
      expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
    },
  );

  test('RFC 6750 a revoked session is invalid_token for generic clients, session_revoked for ours', async () => {
    const pair = await http.engine.open('acme', acme.admin.uid);
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
    const { body, headers } = await http.send('GET', '/v1/session', { token: pair.accessToken });
    expect(body.code).toBe('session_revoked');
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  test('RFC 6750 a role that is lacking is 403 insufficient_scope', async () => {
    const user = await http.engine.makeUser(acme.caller, 'm@acme.example');
    const { accessToken } = await http.engine.open('acme', user.uid);
    const { status, headers } = await http.send('GET', '/v1/admin/users', { token: accessToken });
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toBe('Bearer error="insufficient_scope"');
  });

  test('RFC 6750 wrong passwords and refresh tokens say nothing of the access token', async () => {
    const { accessToken: token } = acme.pair;
    const again = await http.send('POST', '/v1/reauthenticate', { token, json: { password: 'x' } });
    expect([again.status, again.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const refresh = await http.send('POST', '/v1/refresh', { json: { refresh_token: 'x' } });
    expect([refresh.status, refresh.body.code]).toEqual([401, 'invalid_refresh_token']);
    expect(refresh.headers.get('www-authenticate')).toBe('Bearer');
  });
});

describe('A2: request ids', () => {
  const headers = { 'x-request-id': 'req-4711' };

  test('A2 every answer has one; a stranger’s is not taken over', async () => {
    const one = await http.send('GET', '/v1/session', { headers });
    expect(one.headers.get('x-request-id')).toMatch(/^[\w-]{22}$/);
  });

  test('A2 a trusted proxy’s is taken over when it is well-formed', async () => {
    const app = createHttpApp(http.engine.engine, { trustedProxies: ['192.0.2.0/24'] });
    const send = senderOf(app);
    expect((await send('GET', '/docs', { headers })).headers.get('x-request-id')).toBe('req-4711');
    const odd = { 'x-request-id': 'two words' };
    expect((await send('GET', '/docs', { headers: odd })).headers.get('x-request-id')).toMatch(
      /^[\w-]{22}$/,
    );
    const stranger = await send('GET', '/docs', { headers, peer: '198.51.100.1' });
    expect(stranger.headers.get('x-request-id')).toMatch(/^[\w-]{22}$/);
  });
});
