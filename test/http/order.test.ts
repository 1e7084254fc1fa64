import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AUDIT_ACTIONS } from '../../src/audit/actions.ts';
import { SekishoError } from '../../src/errors.ts';
import { createHttpApp } from '../../src/http/app.ts';
import type { TestTenant } from '../support/engine.ts';
import { type Sent, senderOf, startTestApp, type TestApp, withFailing } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let member: string;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  const user = await http.engine.makeUser(acme.caller, 'member@acme.example');
  member = (await http.engine.open('acme', user.uid)).accessToken;
});
afterAll(() => http.close());

const BIG = 'x'.repeat(65_537);
const NOBODY = 'AAAAAAAAAAAAAAAAAAAAAA';
const JSON_TYPE = { 'content-type': 'application/json' };
const FOREIGN = { origin: 'https://evil.example' };

/** Each row breaks the rule of its own status and every later one; the earliest must be the answer. */
const rows: readonly (readonly [
  status: number,
  code: string,
  method: string,
  path: string,
  sent: () => Sent,
])[] = [
  [413, 'payload_too_large', 'BREW', '/nowhere', () => ({ body: BIG })],
  [404, 'not_found', 'BREW', '/nowhere', () => ({ body: 'x', headers: FOREIGN })],
  [405, 'method_not_allowed', 'PUT', '/v1/login', () => ({ body: 'x', headers: FOREIGN })],
  [
    415,
    'unsupported_media_type',
    'POST',
    '/v1/login?a=1&a=2',
    () => ({ body: '{', headers: { ...FOREIGN, 'content-type': 'text/plain' } }),
  ],
  [
    400,
    'invalid_json',
    'POST',
    '/v1/sessions/revoke-others',
    () => ({ body: '{', cookie: '__Host-sekisho=x', headers: { ...FOREIGN, ...JSON_TYPE } }),
  ],
  [
    400,
    'ambiguous_credentials',
    'POST',
    '/v1/sessions/revoke-others',
    () => ({ token: 'x', cookie: '__Host-sekisho=x', headers: FOREIGN, json: { odd: 1 } }),
  ],
  [
    400,
    'invalid_request',
    'POST',
    '/v1/admin/revoke-all',
    () => ({ headers: { 'idempotency-key': 'two words' }, json: { odd: 1 } }),
  ],
  [400, 'invalid_cursor', 'GET', '/v1/admin/users?cursor=abc&odd=1', () => ({})],
  [
    403,
    'origin_denied',
    'POST',
    '/v1/sessions/revoke-others',
    () => ({ cookie: '__Host-sekisho=x', headers: FOREIGN, json: { odd: 1 } }),
  ],
  [
    403,
    'origin_denied',
    'POST',
    '/v1/authenticate?role=ODD',
    () => ({ cookie: '__Host-sekisho=x', headers: FOREIGN }),
  ],
  [401, 'credentials_required', 'GET', '/v1/authenticate?role=ODD', () => ({})],
  [401, 'invalid_token', 'GET', '/v1/authenticate?role=ODD', () => ({ token: 'x' })],
  [
    401,
    'credentials_required',
    'PATCH',
    `/v1/admin/users/${NOBODY}`,
    () => ({ json: { odd: 1 }, headers: { 'if-match': '"7"' } }),
  ],
  [
    401,
    'invalid_token',
    'PATCH',
    `/v1/admin/users/${NOBODY}`,
    () => ({ token: 'x', json: { odd: 1 } }),
  ],
  [
    403,
    'insufficient_role',
    'PATCH',
    `/v1/admin/users/${NOBODY}`,
    () => ({ token: member, json: { odd: 1 }, headers: { 'if-match': '"7"' } }),
  ],
  [
    422,
    'validation_failed',
    'PATCH',
    `/v1/admin/users/${NOBODY}`,
    () => ({ token: acme.pair.accessToken, json: { odd: 1 }, headers: { 'if-match': '"7"' } }),
  ],
  [
    404,
    'not_found',
    'PATCH',
    `/v1/admin/users/${NOBODY}`,
    () => ({
      token: acme.pair.accessToken,
      json: { roles: ['member'] },
      headers: { 'if-match': '"7"' },
    }),
  ],
  [
    412,
    'precondition_failed',
    'PATCH',
    '/v1/admin/users/SELF',
    () => ({
      token: acme.pair.accessToken,
      json: { roles: ['member'] },
      headers: { 'if-match': '"7777"' },
    }),
  ],
  [
    409,
    'last_administrator',
    'PATCH',
    '/v1/admin/users/SELF',
    () => ({ token: acme.pair.accessToken, json: { roles: ['member'] } }),
  ],
];

describe('A2: the order of checks', () => {
  for (const [status, code, method, path, sent] of rows) {
    test(`A2 ${status} ${code} comes before everything later: ${method} ${path}`, async () => {
      const target = path.replace('SELF', acme.admin.uid);
      const answer = await http.send(method, target, sent());
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    });
  }

  test('A2 422 comes before 429, 429 before the password is looked at', async () => {
    const limited = async () => {
      throw new SekishoError('too_many_attempts', 'Wait.', { retryAfterSeconds: 7 });
    };
    const { engine } = http.engine;
    const logins = { ...engine.logins, login: limited };
    const send = senderOf(createHttpApp(withFailing(engine, { logins })));
    const bad = await send('POST', '/v1/login', { json: { tenant: 'acme' } });
    expect(bad.status).toBe(422);
    const good = { tenant: 'acme', email: 'a@b', password: 'x' };
    expect((await send('POST', '/v1/login', { json: good })).status).toBe(429);
  });
});

describe('A2: bodies', () => {
  test('A2 A7 65536 bytes are read, one more is 413, declared or streamed', async () => {
    const fits = JSON.stringify({ tenant: 'acme', email: 'a@b', password: 'x' }).padEnd(65_536);
    const read = await http.send('POST', '/v1/login', { body: fits, headers: JSON_TYPE });
    expect(read.status).toBe(401);
    const over = await http.send('POST', '/v1/login', { body: `${fits} `, headers: JSON_TYPE });
    expect(over.status).toBe(413);
  });

  test('A7 a chunked body is cut at the first byte too many, and its sender told to stop', async () => {
    let sent = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024;
        controller.enqueue(new Uint8Array(1024));
      },
      cancel() {
        cancelled = true;
      },
    });
    const { status } = await http.send('POST', '/v1/login', { body: endless, headers: JSON_TYPE });
    expect(status).toBe(413);
    expect(cancelled).toBe(true);
    expect(sent).toBeLessThan(80_000);
  });

  test('A7 a length that is announced beyond the limit is refused unread', async () => {
    const unread = new ReadableStream<Uint8Array>(
      {
        pull: () => Promise.reject(new Error('nobody may read this')),
      },
      { highWaterMark: 0 },
    );
    const headers = { ...JSON_TYPE, 'content-length': '65537' };
    expect((await http.send('POST', '/v1/login', { body: unread, headers })).status).toBe(413);
  });

  test('A2 a body that breaks off is 400, not 500', async () => {
    const broken = new ReadableStream<Uint8Array>({
      start: (controller) => controller.error(new Error('gone')),
    });
    const { status, body } = await http.send('POST', '/v1/login', { body: broken });
    expect([status, body.code]).toEqual([400, 'invalid_request']);
  });

  test.each([
    ['application/json', 422],
    ['application/json; charset=utf-8', 422],
    ['Application/JSON; Charset="UTF-8"', 422],
    ['application/json; charset=latin1', 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/problem+json', 415],
    ['', 415],
  ])('A2 ASVS 3.5.2 a body as %j is %i', async (type, status) => {
    const answer = await http.send('POST', '/v1/login', {
      body: new TextEncoder().encode('{}'),
      headers: { 'content-type': type },
    });
    expect(answer.status).toBe(status);
  });

  test('A2 a compressed body is 415, an empty one needs no Content-Type', async () => {
    const headers = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    expect((await http.send('POST', '/v1/login', { body: '{}', headers })).status).toBe(415);
    expect((await http.send('POST', '/v1/logout')).status).toBe(401);
    expect((await http.send('POST', '/v1/login')).status).toBe(422);
  });

  test.each([
    ['not JSON', '{'],
    ['two values', '{} {}'],
    ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['a byte order mark', '\ufeff{}'],
    ['ASVS 15.3.7 a member twice', '{"tenant":"a","tenant":"b"}'],
    ['ASVS 15.3.7 a member twice, spelled otherwise', '{"tenant":"a","\\u0074enant":"b"}'],
    ['ASVS 15.3.7 a member twice further in', '{"device":{"name":"a","name":"b"}}'],
    ['A7 nesting without end', '['.repeat(5000) + ']'.repeat(5000)],
  ])('A2 %s is 400 invalid_json, and nothing of it is quoted', async (_, body) => {
    const answer = await http.send('POST', '/v1/login', { body, headers: JSON_TYPE });
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_json']);
    expect(answer.body.detail).not.toContain('tenant');
  });

  test.each([
    ['ASVS 15.3.3 an unknown field', { roles: ['admin'] }, '/roles'],
    ['ASVS 15.3.6 __proto__', JSON.parse('{"__proto__":{"admin":true}}'), '/__proto__'],
    ['ASVS 15.3.6 constructor', { constructor: { prototype: {} } }, '/constructor'],
    ['a pointer is escaped', { 'a/b~c': 1 }, '/a~1b~0c'],
    ['NUL in a string', { device: 'a\0b' }, '/device'],
    ['half of a surrogate pair', { device: '\ud800' }, '/device'],
    ['a wrong type', { device: 7 }, '/device'],
    ['a missing field', {}, '/tenant'],
  ])('A2 %s is 422 with its pointer', async (_, more, pointer) => {
    const json = { email: 'a@b', password: 'x', ...(pointer === '/tenant' ? {} : { tenant: 'a' }) };
    const body = JSON.stringify({ ...json, ...more });
    const answer = await http.send('POST', '/v1/login', { body, headers: JSON_TYPE });
    expect(answer.status).toBe(422);
    expect(answer.body.errors.map((one: { pointer: string }) => one.pointer)).toContain(pointer);
  });

  test.each(['[]', 'null', '"text"', '7', 'true'])(
    'A2 a body that is no object (%s) is 422',
    async (body) => {
      const answer = await http.send('POST', '/v1/login', { body, headers: JSON_TYPE });
      expect(answer.status).toBe(422);
      expect(answer.body.errors).toEqual([{ pointer: '', detail: expect.any(String) }]);
    },
  );

  test('A2 what is wrong is said without a word of what was sent', async () => {
    const secret = 'correct-horse-7391';
    const json = { tenant: 7, email: '', password: [secret], transport: secret, device: [secret] };
    const answer = await http.send('POST', '/v1/login', { json });
    expect(answer.status).toBe(422);
    expect(JSON.stringify(answer.body)).not.toContain(secret);
  });
});

describe('A2: queries', () => {
  test('ASVS 14.2.1 a token in a URL or a form is no credential', async () => {
    for (const name of ['access_token', 'token']) {
      const { status, body } = await http.send(
        'GET',
        `/v1/session?${name}=${acme.pair.accessToken}`,
      );
      expect([status, body.code]).toEqual([401, 'credentials_required']);
    }
    const json = { access_token: acme.pair.accessToken };
    expect((await http.send('POST', '/v1/sessions/revoke-others', { json })).status).toBe(401);
  });

  const get = (query: string) =>
    http.send('GET', `/v1/admin/sessions${query}`, { token: acme.pair.accessToken });

  test.each([
    ['ASVS 15.3.7 a parameter twice', '?limit=1&limit=2', 400, 'invalid_request'],
    ['an unknown parameter', '?odd=1', 422, 'validation_failed'],
    ['__proto__', '?__proto__=1', 422, 'validation_failed'],
    ['a limit of 0', '?limit=0', 422, 'validation_failed'],
    ['a limit of 201', '?limit=201', 422, 'validation_failed'],
    ['a limit that is no number', '?limit=1e1', 422, 'validation_failed'],
    ['an unknown state', '?state=odd', 422, 'validation_failed'],
    ['a user that is no id', '?user=odd', 422, 'validation_failed'],
    ['a cursor that is none', '?cursor=x', 400, 'invalid_cursor'],
    [
      'a cursor of somebody’s making',
      `?cursor=${btoa('99999999999999999.x')}`,
      400,
      'invalid_cursor',
    ],
  ])('A2 %s is refused', async (_, query, status, code) => {
    const answer = await get(query);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test('A2 a word that the audit trail does not have is 422 with those it has, not an empty list', async () => {
    const { status, body } = await http.send('GET', '/v1/admin/audit?action=authn_login_failed', {
      token: acme.pair.accessToken,
    });
    expect([status, body.errors[0].pointer]).toEqual([422, '/action']);
    for (const word of AUDIT_ACTIONS) expect(body.errors[0].detail).toContain(word);
    const known = await http.send('GET', '/v1/admin/audit?action=user_deleted', {
      token: acme.pair.accessToken,
    });
    expect([known.status, known.body.events]).toEqual([200, []]);
  });

  test('A2 a time that is none is 422 at the audit trail', async () => {
    for (const from of ['yesterday', '2026-13-01T00:00:00Z', '2026-11-21']) {
      const answer = await http.send('GET', `/v1/admin/audit?from=${from}`, {
        token: acme.pair.accessToken,
      });
      expect(answer.status).toBe(422);
    }
  });
});
