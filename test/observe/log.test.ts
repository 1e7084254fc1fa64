import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanText } from '../../src/audit/event.ts';
import { SekishoError } from '../../src/errors.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { createSekisho } from '../../src/index.ts';
import { createLevels } from '../../src/observe/levels.ts';
import type { Log } from '../../src/observe/log.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { describeError, redacted, redactedLog } from '../../src/observe/redact.ts';
import { PASSWORD, startTestEngine, type TestEngine } from '../support/engine.ts';
import { type Send, senderOf, withFailing } from '../support/http.ts';

let engine: TestEngine;
let send: Send;
let lines: string[] = [];
const log = createLogger('trace', (line) => lines.push(line));

beforeAll(async () => {
  engine = await startTestEngine({ log });
  send = senderOf(createHttpApp(engine.engine, { log }));
});
afterAll(() => engine.close());

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
const REFRESH = `${'t'.repeat(22)}.${'s'.repeat(22)}.${'x'.repeat(43)}`;

describe('A8: the log', () => {
  test('A8 ASVS 16.2.4 one line a request: id, method, route, status, duration, who; no query', async () => {
    const { tenant, admin, pair } = await engine.makeTenant('lines');
    lines = [];
    const path = `/v1/admin/users/${admin.uid}?seeded=7391`;
    const { headers } = await send('GET', path, { token: pair.accessToken });
    const own = lines.map((line) => JSON.parse(line)).filter((line) => line.route !== undefined);
    expect(own).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        msg: 'request',
        request_id: headers.get('x-request-id'),
        method: 'GET',
        route: '/v1/admin/users/{uid}',
        status: 422,
        duration_ms: expect.any(Number),
        ip: '192.0.2.7',
        code: 'validation_failed',
        tenant_id: tenant.tid,
        user_id: admin.uid,
        session_id: pair.session.sid,
      },
    ]);
    expect(lines.join()).not.toContain('7391');
  });

  test('A8 ASVS 16.2.1 a login and a refresh say whose session they made, by its ids', async () => {
    const { tenant, admin } = await engine.makeTenant('ids');
    lines = [];
    const json = { tenant: 'ids', email: admin.email, password: PASSWORD };
    const { body } = await send('POST', '/v1/login', { json });
    await send('POST', '/v1/refresh', { json: { refresh_token: body.refresh_token } });
    const who = { tenant_id: tenant.tid, user_id: admin.uid, session_id: body.session.id };
    const own = lines.map((line) => JSON.parse(line)).filter((line) => line.msg === 'request');
    expect(own).toEqual([
      expect.objectContaining({ route: '/v1/login', status: 200, ...who }),
      expect.objectContaining({ route: '/v1/refresh', status: 200, ...who }),
    ]);
  });

  test('ASVS 16.2.2 ASVS 16.2.4 every line is one JSON object with its time in UTC and its level', async () => {
    lines = [];
    await send('GET', '/v1/session');
    log.error({ err: new Error('a', { cause: new Error('b') }) }, 'failed');
    expect(lines.length).toBeGreaterThan(1);
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        level: expect.stringMatching(/^(debug|info|warn|error)$/),
        msg: expect.any(String),
      });
    }
  });

  test('ASVS 16.2.5 no token, password or cookie in any line, whatever happens', async () => {
    const { admin } = await engine.makeTenant('seeded');
    lines = [];
    const secrets: string[] = [PASSWORD, JWT, REFRESH];
    const json = { tenant: 'seeded', email: admin.email, password: PASSWORD };
    const { body } = await send('POST', '/v1/login', { json });
    secrets.push(body.access_token, body.refresh_token, body.device_token);
    await send('GET', `/v1/session?access_token=${body.access_token}`, {
      token: body.access_token,
    });
    await send('GET', `/v1/nowhere/${body.access_token}`);
    await send('GET', '/v1/session', { cookie: `__Host-sekisho=${body.access_token}` });
    const refreshed = await send('POST', '/v1/refresh', {
      json: { refresh_token: body.refresh_token },
    });
    secrets.push(refreshed.body.access_token, refreshed.body.refresh_token);
    await send('POST', '/v1/refresh', { json: { refresh_token: REFRESH } });
    await send('GET', '/v1/session', { token: JWT });
    await send('POST', '/v1/login', {
      body: `{"password":"${PASSWORD}"`,
      headers: { 'content-type': 'application/json' },
    });

    const cause = new Error(`bad ${body.access_token}`);
    const failure = Object.assign(new Error(`insert failed for ${REFRESH}`, { cause }), {
      password: PASSWORD,
    });
    const logins = { ...engine.engine.logins, login: () => Promise.reject(failure) };
    const failing = senderOf(createHttpApp(withFailing(engine.engine, { logins }), { log }));
    expect((await failing('POST', '/v1/login', { json })).status).toBe(500);

    const all = lines.join('\n');
    expect(all).toContain('insert failed for [removed]');
    for (const secret of secrets) expect(all).not.toContain(secret);
    // Nor its signature or its secret part alone.
    for (const secret of secrets.slice(1)) expect(all).not.toContain(secret.split('.').at(-1));
  });

  test('ASVS 16.4.1 nothing that is sent begins a line of its own', async () => {
    lines = [];
    await send('GET', '/v1/session%0A%7B%22level%22:%22error%22%7D');
    await send('GET', '/v1/session', { headers: { 'user-agent': 'x\\n{"level":"error"}' } });
    for (const line of lines) expect(line.trim().split('\n')).toHaveLength(1);
    log.info({ text: 'a\nb' }, 'c\r\n{"level":"error"}');
    expect(lines.at(-1)?.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ text: 'ab', msg: 'c{"level":"error"}' });
  });

  test('A8 the level can be changed while it runs', async () => {
    lines = [];
    log.level = 'error';
    await send('GET', '/v1/session');
    log.info({}, 'unheard');
    expect(lines).toEqual([]);
    log.level = 'trace';
    await send('GET', '/v1/session');
    expect(lines).not.toEqual([]);
  });

  test('A8 an override goes before the level of the process, which may change beneath it', () => {
    const own = createLogger('info', () => {});
    const levels = createLevels(own);
    levels.override('debug');
    expect([levels.level, own.level]).toEqual(['debug', 'debug']);
    levels.set('warn');
    expect(own.level).toBe('debug');
    levels.override(null);
    expect([levels.level, own.level]).toEqual(['warn', 'warn']);
    levels.set('error');
    expect(own.level).toBe('error');
  });

  test('A8 an outage is a warning, a defect an error with its stack', async () => {
    const cause = new Error('connect ECONNREFUSED');
    const down = new SekishoError('store_unavailable', 'Down.', { cause });
    for (const [error, level] of [
      [down, 'warn'],
      [new TypeError('x is not a function'), 'error'],
    ] as const) {
      lines = [];
      const logins = { ...engine.engine.logins, login: () => Promise.reject(error) };
      const failing = senderOf(createHttpApp(withFailing(engine.engine, { logins }), { log }));
      await failing('POST', '/v1/login', { json: { tenant: 'a', email: 'a@b', password: 'x' } });
      const line = lines.map((one) => JSON.parse(one)).find(({ route }) => route === '/v1/login');
      expect(line.level).toBe(level);
      // Many are refused while it lasts: what is beneath it is said in one line.
      if (level === 'warn') expect(line.reason).toBe('Down. connect ECONNREFUSED');
      if (level === 'error') {
        expect(line.err).toMatchObject({ type: 'TypeError', message: 'x is not a function' });
        expect(line.err.stack).toContain('log.test.ts');
        expect(line.err.stack.split('\n').length).toBeGreaterThan(3);
      }
    }
  });
});

describe('ASVS 16.2.5: a logger of the caller', () => {
  function listening(): { readonly log: Log; readonly heard: [string, object, string][] } {
    const heard: [string, object, string][] = [];
    const at = (level: string) => (fields: object, message: string) => {
      heard.push([level, fields, message]);
    };
    return { heard, log: { error: at('e'), warn: at('w'), info: at('i'), debug: at('d') } };
  }

  test('ASVS 16.2.5 gets no error of a driver, with all that hangs on it, at any level', () => {
    const { log: given, heard } = listening();
    const own = redactedLog(given);
    const command = { name: 'evalsha', args: ['3', 'ann@example.test', REFRESH] };
    const failure = Object.assign(new Error(`Command timed out ${JWT}`), { command, code: 'X' });
    for (const level of ['error', 'warn', 'info', 'debug'] as const) {
      own[level]({ err: failure, cause: new Error('outer', { cause: failure }) }, `said ${JWT}\n`);
    }
    const plain = { type: 'Error', message: 'Command timed out [removed]', code: 'X' };
    expect(heard).toEqual(
      ['e', 'w', 'i', 'd'].map((level) => [
        level,
        {
          err: { ...plain, stack: expect.any(String) },
          cause: expect.objectContaining({
            message: 'outer',
            cause: expect.objectContaining(plain),
          }),
        },
        'said [removed]',
      ]),
    );
    expect(JSON.stringify(heard)).not.toContain('ann@example.test');
  });

  test('ASVS 16.2.5 a whole instance speaks to it through that', async () => {
    const { log: given, heard } = listening();
    const sekisho = await createSekisho({ dataDir: ':memory:', logger: given });
    try {
      // What is endless is cut on the way.
      const method = 'X'.repeat(600);
      await sekisho.fetch(new Request('http://localhost/v1/session', { method }));
      const lines = heard.map(([, fields]) => JSON.stringify(fields));
      expect(lines.filter((line) => line.includes('XXXX'))).toHaveLength(1);
      expect(lines.join()).not.toContain(method);
      // Its level is the program's to set.
      expect(() => sekisho.setLogLevel('debug')).toThrow('the level of that logger');
    } finally {
      await sekisho.close();
    }
  });
});

describe('ASVS 16.2.5: redaction', () => {
  test('ASVS 16.2.5 members that name a secret lose their value, at any depth', () => {
    const fields = {
      authorization: 'Bearer x',
      headers: { Cookie: 'a=b', 'set-cookie': ['c'], accept: 'json' },
      password: 'p',
      new_password: 'p',
      access_token: 't',
      'refresh-token': 't',
      list: [{ secret: 's', name: 'n' }],
      password_hash: null,
      token_type: 'Bearer',
    };
    expect(redacted(fields)).toEqual({
      authorization: '[removed]',
      headers: { Cookie: '[removed]', 'set-cookie': '[removed]', accept: 'json' },
      password: '[removed]',
      new_password: '[removed]',
      access_token: '[removed]',
      'refresh-token': '[removed]',
      list: [{ secret: '[removed]', name: 'n' }],
      password_hash: null,
      token_type: 'Bearer',
    });
  });

  test.each([
    ...['tokens', 'clientSecrets', 'user_passwords', 'api_keys', 'apiKeys', 'hashes', 'secret_key'],
    ...['access_key', 'accessKey', 'signingKey', 'private_sealed', 'jwt', 'JWTs', 'otp', 'pass'],
    ...['x-api-key', 'PGPASSWORD', 'SEKISHO_SECRET', 'newpassword', 'userTOTP', 'idJWT', 'apikey'],
    ...['password1', 'password_2', 'new_password_confirmation', 'tokenValue', 'secret_old'],
    ...['proxy-authorization', 'credential', 'db.credentials', 'session cookie', 'HTTPCookie'],
    ...['a\npassword', 'password\n', 'client\r\nsecret', 'pass\u200bword', 'a\u2028token'],
    ...['private_key', 'privateKey', 'encryption-key', 'token', 'Authorization', 'cookies'],
  ])('ASVS 16.2.5 the value of a member is not logged: %j', (name) => {
    for (const value of ['correct horse', 7391, { inner: 'correct horse' }, ['correct horse']]) {
      expect(Object.values(redacted({ [name]: value }))).toEqual(['[removed]']);
    }
  });

  test('ASVS 16.2.5 a name that only speaks of secrets hides nothing', () => {
    const fields = {
      ...{ key_id: 'k', access_key_id: 'k', kid: 'k', key: 'k', keys: 2, signing_keys_made: 1 },
      ...{ tokens_issued: 3, token_type: 'Bearer', token_epoch: 7, password_changed: true },
      ...{ compass: 'n', passed: true, passengers: 2, bypass: false, hashed: true, hash_ms: 12 },
      ...{ secretary: 's', ticketing: 't', laptop: 'l', unsealed: 4, sealed_through: 9 },
      ...{ primary_key: 'id', monkeys: 3, passkeys: 1, author: 'a', authorized: true, '': 'e' },
    };
    expect(redacted(fields)).toEqual(fields);
  });

  test('ASVS 16.2.5 a name without end is judged in time that grows with its length', () => {
    const names = ['p'.repeat(1e6), 'A'.repeat(1e6), '_-'.repeat(5e5), 'aB'.repeat(5e5)];
    for (const name of [...names, '1'.repeat(1e6)]) {
      expect(Object.values(redacted({ [name]: 'x' }))).toEqual(['x']);
      expect(Object.values(redacted({ [`${name}Password`]: 'x' }))).toEqual(['[removed]']);
    }
  });

  test('ASVS 16.2.5 tokens go wherever they stand; the rest stays', () => {
    expect(redacted({ text: `see ${JWT} and ${REFRESH}.` })).toEqual({
      text: expect.stringMatching(/^see \[removed\] and \[removed\]\.?$/),
    });
    expect(redacted({ hash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA' })).toEqual({
      hash: '[removed]',
    });
  });

  test.each([
    [
      'postgres://app:hunter-7391@db.internal:5432/sekisho',
      'postgres://[removed]@db.internal:5432/sekisho',
    ],
    ['at postgres://app:hun/ter@7391@db.internal/x.', 'at postgres://[removed]@db.internal/x.'],
    [
      'redis://:7391@cache:6379 and https://ann:7391@x.example/a',
      'redis://[removed]@cache:6379 and https://[removed]@x.example/a',
    ],
    ['GET /a?password=7391&b=1', 'GET /a?password=[removed]&b=1'],
    ['PGPASSWORD=7391 psql', 'PGPASSWORD=[removed] psql'],
    ['api_key=7391; apiKey=7391', 'api_key=[removed]; apiKey=[removed]'],
    ['secret_key=7391 accessKey="7391"', 'secret_key=[removed] accessKey=[removed]'],
    ['{"apiKey":"73 91","pwd":"7391","n":1}', '{"apiKey":[removed],"pwd":[removed],"n":1}'],
    ["{ pwd: '73 91', client_secret: '7391' }", '{ pwd: [removed], client_secret: [removed] }'],
    ['?access_token=7391#x', '?access_token=[removed]'],
    ['authorization: Basic Y2xpZW50OnNlY3JldDczOTE3MzkxNzM5MQ==', 'authorization: Basic [removed]'],
  ])('ASVS 16.2.5 what names its secret within a string loses it: %s', (text, left) => {
    expect(redacted({ text })).toEqual({ text: left });
  });

  test('ASVS 16.2.5 prose, addresses and origins stay as they are', () => {
    for (const text of [
      'SEKISHO_SECRET must be set; The password is wrong. token: unknown',
      'Basic authentication, bearer credentials',
      'mail ann@example.test at http://127.0.0.1:4000/v1/session?limit=2',
      'the password: it must have at least 8 characters',
    ]) {
      expect(redacted({ text })).toEqual({ text });
    }
  });

  test('ASVS 16.2.5 members that are called a key or a password in other words lose their value', () => {
    const names = [
      'apiKey',
      'api_key',
      'pwd',
      'userPwd',
      'passphrase',
      'privateKey',
      'clientSecret',
    ];
    for (const name of names) expect(redacted({ [name]: 'x' })).toEqual({ [name]: '[removed]' });
    const kept = { key_id: 'x', kid: 'x', key: 'x', secretary: 'x' };
    expect(redacted(kept)).toEqual(kept);
  });

  test('A7 what is long is judged in a moment, whatever it is made of', () => {
    for (const piece of [
      '://',
      'pwd="',
      'pwd=',
      "token:'",
      'postgres://',
      'bearer ',
      'aaaa',
      '"\\',
    ]) {
      expect(cleanText(piece.repeat(50_000)).length).toBeLessThanOrEqual(500);
    }
  });

  test('A7 what is endless is cut', () => {
    const round: Record<string, unknown> = { name: 'round' };
    round.self = round;
    expect(JSON.stringify(redacted(round)).length).toBeLessThan(500);
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`m${at}`, at]));
    expect(Object.keys(redacted(wide))).toHaveLength(50);
    expect(redacted({ text: 'x'.repeat(10_000) })).toEqual({ text: 'x'.repeat(500) });
  });

  test('A8 errors keep type, code, SQLSTATE and causes', () => {
    const cause = Object.assign(new Error('duplicate key'), { sqlState: '23505' });
    const error = new SekishoError('internal', 'Failed.', { cause });
    expect(describeError(error)).toMatchObject({
      type: 'SekishoError',
      code: 'internal',
      cause: { message: 'duplicate key', sql_state: '23505' },
    });
    expect(describeError('a text')).toBe('a text');
  });

  test('A8 values of all kinds can be logged', () => {
    const at = new Date(0);
    const bytes = new Uint8Array([1, 2]);
    expect(
      redacted({ at, bytes, big: 7n, run: () => {}, none: null, odd: new Date(Number.NaN) }),
    ).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      bytes: '[…]',
      big: '7',
      run: undefined,
      none: null,
      odd: null,
    });
  });
});
