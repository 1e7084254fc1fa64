import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import { createHttpApp } from '../../src/http/app.ts';
import { newId } from '../../src/id.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { makeRefreshToken } from '../../src/token/refresh-token.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { senderOf, startTestApp, type TestApp, withFailing } from '../support/http.ts';
import { ask, basic, makeClient, type TestClient } from '../support/service-client.ts';

let http: TestApp;
let acme: TestTenant;
let rival: TestTenant;
let client: TestClient;
let rivals: TestClient;
let member: string;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  rival = await http.engine.makeTenant('rival');
  client = await makeClient(http.send, acme.pair);
  rivals = await makeClient(http.send, rival.pair);
  member = (await http.engine.makeUser(acme.caller, 'member@acme.example')).uid;
});
afterAll(() => http.close());

const open = () => http.engine.open('acme', member);
const introspect = (token: string, more = {}, by = client) =>
  ask(http.send, '/oauth/introspect', by, token, more);
const revoke = (token: string, more = {}, by = client) =>
  ask(http.send, '/oauth/revoke', by, token, more);

/** An answer as a client sees it, without what names the request. */
async function seen(answer: Promise<{ status: number; headers: Headers; response: Response }>) {
  const { status, headers } = await answer;
  const fields = [...headers].filter(([name]) => name !== 'x-request-id');
  return { status, fields };
}

describe('RFC 7662: introspection', () => {
  test('RFC 7662 an access token that authenticate would take is active, with what is in it', async () => {
    const pair = await open();
    const { status, body, headers } = await introspect(pair.accessToken);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ active: true, token_use: 'access', token_type: 'Bearer', client_id: 'sekisho' },
      ...{ sub: member, tid: acme.tenant.tid, sid: pair.session.sid, roles: ['member'] },
      ...{ auth_time: expect.any(Number), amr: ['pwd'], iss: 'http://127.0.0.1:4000' },
      ...{ aud: 'sekisho', iat: expect.any(Number), exp: body.iat + 300, freshness: 'fresh' },
      jti: expect.stringMatching(/^[\w-]{22}$/),
    });
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-sekisho-freshness')).toBe('fresh');
  });

  test('RFC 7662 a refresh token is judged by the record and not used up, and never looks like an access token', async () => {
    const pair = await open();
    for (let times = 0; times < 2; times += 1) {
      const { body } = await introspect(pair.refreshToken);
      expect(body).toEqual({
        ...{ active: true, token_use: 'refresh', client_id: 'sekisho', sub: member },
        ...{ tid: acme.tenant.tid, sid: pair.session.sid, roles: ['member'], amr: ['pwd'] },
        ...{ auth_time: expect.any(Number), iss: 'http://127.0.0.1:4000', freshness: 'fresh' },
        exp: Math.floor(pair.session.expiresAtMs / 1000),
      });
      expect(body).not.toHaveProperty('token_type');
      expect(body).not.toHaveProperty('aud');
    }
    const json = { refresh_token: pair.refreshToken };
    const { status, body } = await http.send('POST', '/v1/refresh', { json });
    expect(status).toBe(200);
    // Used: good for a repeat at most. Its successor is the live one.
    expect((await introspect(pair.refreshToken)).body).toEqual({ active: false });
    expect((await introspect(body.refresh_token)).body.active).toBe(true);
  });

  test('RFC 7662 token_type_hint is a hint and no more', async () => {
    const pair = await open();
    for (const token_type_hint of ['access_token', 'refresh_token', 'saml2', '']) {
      for (const token of [pair.accessToken, pair.refreshToken]) {
        expect((await introspect(token, { token_type_hint })).body.active).toBe(true);
      }
    }
  });

  test('RFC 7662 ASVS 8.4.1 unknown, foreign, expired, revoked, damaged: the same bytes', async () => {
    const mine = await open();
    const theirs = rival.pair;
    const over = await open();
    await http.send('POST', '/v1/logout', { token: over.accessToken });
    const used = await open();
    await http.send('POST', '/v1/refresh', { json: { refresh_token: used.refreshToken } });
    const [header = '', payload = '', signature = ''] = mine.accessToken.split('.');
    const tokens = {
      foreign: theirs.accessToken,
      'foreign refresh': theirs.refreshToken,
      revoked: over.accessToken,
      'revoked refresh': over.refreshToken,
      'used refresh': used.refreshToken,
      'unknown refresh': makeRefreshToken(acme.tenant.tid, newId()),
      'unknown secret of a session': makeRefreshToken(acme.tenant.tid, mine.session.sid),
      forged: `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      unsigned: `${btoa('{"alg":"none"}')}.${payload}.`,
      damaged: mine.accessToken.slice(1),
      'no token': 'x',
      odd: '\u{1F511} "; drop table',
      'a client secret': client.secret,
    };
    const expected = await seen(introspect('unknown'));
    for (const [name, token] of Object.entries(tokens)) {
      const raw = await http.app.handle(
        new Request('http://127.0.0.1:4000/oauth/introspect', {
          method: 'POST',
          headers: { ...basic(client), 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ token }),
        }),
        { peerAddress: '192.0.2.7' },
      );
      expect([name, await raw.text()]).toEqual([name, '{"active":false}']);
      expect([name, await seen(introspect(token))]).toEqual([name, expected]);
    }
    expect((await introspect(mine.accessToken)).body.active).toBe(true);
    expect((await introspect(theirs.accessToken, {}, rivals)).body.active).toBe(true);
  });

  test('ASVS 8.4.1 asking about another tenant’s token moves nothing there', async () => {
    const statements = http.engine.record.statementCount();
    expect((await introspect(rival.pair.refreshToken)).body).toEqual({ active: false });
    expect(http.engine.record.statementCount()).toBe(statements);
  });

  test('ASVS 8.3.2 roles are those of now: a superseded token is not active', async () => {
    const second = await http.engine.makeUser(acme.caller, 'second@acme.example', ['admin']);
    const pair = await http.engine.open('acme', second.uid);
    expect((await introspect(pair.accessToken)).body.roles).toEqual(['admin']);
    await http.send('PATCH', `/v1/admin/users/${second.uid}`, {
      token: acme.pair.accessToken,
      json: { roles: ['member'] },
    });
    expect((await introspect(pair.accessToken)).body).toEqual({ active: false });
    expect((await introspect(pair.refreshToken)).body).toMatchObject({ roles: ['member'] });
  });

  test('ASVS 16.5.2 what cannot be said is 503 with Retry-After, never false', async () => {
    const { engine } = http.engine;
    const down = async () => {
      throw new SekishoError('store_unavailable', 'Down.', { retryAfterSeconds: 3 });
    };
    const clients = { ...engine.clients, introspect: down };
    const send = senderOf(createHttpApp(withFailing(engine, { clients })));
    const { status, body, headers } = await ask(send, '/oauth/introspect', client, 'x');
    expect([status, body.code, body.error]).toEqual([
      503,
      'store_unavailable',
      'temporarily_unavailable',
    ]);
    expect(headers.get('retry-after')).toBe('3');
  });
});

describe('RFC 7009: revocation', () => {
  test.each(['accessToken', 'refreshToken'] as const)(
    'RFC 7009 ASVS 7.4.1 by its %s the session is over everywhere, and that is audited as the client’s',
    async (which) => {
      const pair = await open();
      const { status, body } = await revoke(pair[which]);
      expect([status, body.revocation]).toMatchObject([
        200,
        { scope: 'session', reason: 'token_revoked', effective: 'everywhere' },
      ]);
      const { status: refused } = await http.send('GET', '/v1/session', {
        token: pair.accessToken,
      });
      expect(refused).toBe(401);
      const json = { refresh_token: pair.refreshToken };
      const again = await http.send('POST', '/v1/refresh', { json });
      expect([again.status, again.body.code]).toEqual([401, 'session_revoked']);
      const audit = await http.send('GET', '/v1/admin/audit?action=authn_token_revoked&limit=1', {
        token: acme.pair.accessToken,
      });
      expect(audit.body.events[0]).toMatchObject({
        actor: { kind: 'client', client_id: client.id, user_id: null, session_id: null },
        subject: { kind: 'session', id: pair.session.sid },
        detail: { uid: member, token: which === 'accessToken' ? 'access' : 'refresh' },
      });
    },
  );

  test('RFC 7009 a repeat is 200, and there is nothing left to do', async () => {
    const pair = await open();
    await revoke(pair.refreshToken);
    for (const token of [pair.refreshToken, pair.accessToken]) {
      const { status, body } = await revoke(token);
      expect([status, body]).toEqual([200, {}]);
    }
  });

  test('RFC 7009 unknown, damaged and foreign tokens are 200, the same bytes, and left alone', async () => {
    const mine = await open();
    const theirs = await http.engine.open('rival', rival.admin.uid);
    const expected = await seen(revoke('unknown'));
    for (const token of [
      theirs.accessToken,
      theirs.refreshToken,
      makeRefreshToken(acme.tenant.tid, newId()),
      makeRefreshToken(acme.tenant.tid, mine.session.sid),
      mine.accessToken.slice(1),
      'x',
    ]) {
      const answer = await revoke(token);
      expect(answer.body).toEqual({});
      expect(await seen(Promise.resolve(answer))).toEqual(expected);
    }
    for (const { accessToken: token } of [mine, theirs]) {
      expect((await http.send('GET', '/v1/session', { token })).status).toBe(200);
    }
  });

  test('RFC 7009 an invalid token_type_hint is passed over', async () => {
    const pair = await open();
    const { status, body } = await revoke(pair.refreshToken, { token_type_hint: 'odd' });
    expect([status, body.revocation.effective]).toEqual([200, 'everywhere']);
  });

  test('RFC 7009 2.2.1 what can be no token of a session is unsupported_token_type', async () => {
    const reset = await http.engine.engine.administration.resetPassword(
      acme.caller,
      (await http.engine.makeUser(acme.caller, 'reset@acme.example')).uid,
    );
    const { ticket } = await http.engine.engine.sockets.issueTicket(acme.caller);
    const { deviceToken } = await http.engine.login('acme', 'member@acme.example');
    for (const token of [reset.reset.token, ticket, deviceToken, client.secret]) {
      const { status, body } = await revoke(token);
      expect([status, body.code, body.error]).toEqual([
        400,
        'unsupported_token_type',
        'unsupported_token_type',
      ]);
    }
  });

  test('B3 a barrier that is not over yet is 202 with its deadline', async () => {
    const { engine } = http.engine;
    const pair = await open();
    const clients = {
      ...engine.clients,
      revokeToken: async (...given: Parameters<typeof engine.clients.revokeToken>) => {
        const { revocation } = await engine.clients.revokeToken(...given);
        if (revocation === null) throw new Error('nothing was revoked');
        const barrier = { ...revocation.barrier, effective: 'pending', deadlineMs: 1e12 } as const;
        return { revocation: { ...revocation, barrier } };
      },
    };
    const send = senderOf(createHttpApp(withFailing(engine, { clients })));
    const { status, body } = await ask(send, '/oauth/revoke', client, pair.accessToken);
    expect([status, body.revocation.effective]).toEqual([202, 'pending']);
    expect(body.revocation.deadline).toBe('2001-09-09T01:46:40.000Z');
  });

  test('RFC 7009 2.2.1 a store that is down is 503 with Retry-After: the token still exists', async () => {
    const { engine } = http.engine;
    const down = async () => {
      throw new SekishoError('outcome_unknown', 'Lost.', { operationId: newId() });
    };
    const clients = { ...engine.clients, revokeToken: down };
    const send = senderOf(createHttpApp(withFailing(engine, { clients })));
    const { status, body, headers } = await ask(send, '/oauth/revoke', client, 'x');
    expect([status, body.error]).toEqual([503, 'temporarily_unavailable']);
    expect(headers.get('retry-after')).toBe('1');
  });
});

describe('RFC 6749: who is asking', () => {
  const PATHS = ['/oauth/introspect', '/oauth/revoke'] as const;
  const invalid = [401, 'invalid_client', 'invalid_client'];

  test.each(PATHS)('RFC 6749 2.3.1 %s takes Basic, encoded or not, and the form', async (path) => {
    const { id, secret } = client;
    const plain = Buffer.from(`${id}:${secret}`).toString('base64');
    const escaped = [...`${id}`].map((one) => `%${one.charCodeAt(0).toString(16)}`).join('');
    const encoded = Buffer.from(`${escaped}:${secret.replace('.', '%2E')}`).toString('base64');
    for (const authorization of [`Basic ${plain}`, `basic ${plain}`, `Basic ${encoded}`]) {
      const { status } = await http.send('POST', path, {
        headers: { authorization },
        form: { token: 'x' },
      });
      expect(status).toBe(200);
    }
    const form = { token: 'x', client_id: id, client_secret: secret };
    expect((await http.send('POST', path, { form })).status).toBe(200);
    const twiceTheSameId = { headers: basic(client), form: { token: 'x', client_id: id } };
    expect((await http.send('POST', path, twiceTheSameId)).status).toBe(200);
  });

  test.each(PATHS)(
    'RFC 7662 2.1 %s without a client, or with a wrong one, is 401 with a challenge, and one answer for all',
    async (path) => {
      const form = { token: acme.pair.accessToken };
      const none = await http.send('POST', path, { form });
      expect([none.status, none.body.code, none.body.error]).toEqual(invalid);
      expect(none.headers.get('www-authenticate')).toBe('Basic realm="sekisho", charset="UTF-8"');
      const wrong = `${client.secret.slice(0, -4)}AAAA`;
      const attempts = [
        { id: client.id, secret: wrong },
        { id: client.id, secret: rivals.secret },
        { id: rivals.id, secret: client.secret },
        { id: newId(), secret: client.secret },
        { id: newId(), secret: client.secret.replace(acme.tenant.tid, newId()) },
        { id: 'odd', secret: 'odd' },
        { id: client.id, secret: '' },
        { id: '', secret: client.secret },
      ];
      const bodies = new Set<string>();
      for (const attempt of attempts) {
        const { status, body } = await http.send('POST', path, { headers: basic(attempt), form });
        expect([status, body.code, body.error]).toEqual(invalid);
        const { instance: _, ...said } = body;
        bodies.add(JSON.stringify(said));
      }
      expect(bodies.size).toBe(1);
      const post = { ...form, client_id: client.id, client_secret: wrong };
      expect((await http.send('POST', path, { form: post })).body.code).toBe('invalid_client');
      const idOnly = { ...form, client_id: client.id };
      expect((await http.send('POST', path, { form: idOnly })).body.code).toBe('invalid_client');
    },
  );

  test.each([
    'Basic',
    'Basic ',
    'Basic !!!',
    'Basic Og==',
    'Basic eA==',
    'Basic JTo=',
    'Negotiate x',
  ])('RFC 7617 Authorization: %s is 401', async (authorization) => {
    const { status, body } = await http.send('POST', '/oauth/introspect', {
      headers: { authorization },
      form: { token: 'x' },
    });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  test('a user’s token is no client, nor is a client a user', async () => {
    const form = { token: acme.pair.accessToken };
    const asUser = await http.send('POST', '/oauth/introspect', {
      token: acme.pair.accessToken,
      form,
    });
    expect(asUser.body.code).toBe('invalid_client');
    const asClient = await http.send('GET', '/v1/session', { headers: basic(client) });
    expect([asClient.status, asClient.body.code]).toEqual([401, 'credentials_required']);
    const bearer = await http.send('GET', '/v1/admin/clients', { token: client.secret });
    expect([bearer.status, bearer.body.code]).toEqual([401, 'invalid_token']);
  });

  test('RFC 6749 2.3 two ways of authentication at once are 400', async () => {
    const { id, secret } = client;
    for (const more of [{ client_secret: secret }, { client_id: newId() }]) {
      const { status, body } = await http.send('POST', '/oauth/introspect', {
        headers: basic({ id, secret }),
        form: { token: 'x', ...more },
      });
      expect([status, body.error]).toEqual([400, 'invalid_request']);
    }
  });

  test('ASVS 15.3.7 RFC 6749 3.2 a field twice is 400, known or not; others are passed over', async () => {
    const headers = basic(client);
    for (const form of [
      'token=x&token=y',
      'token=x&odd=1&odd=1',
      'token=x&token=',
      'token=x&tok%65n=y',
    ]) {
      const { status, body } = await http.send('POST', '/oauth/introspect', { headers, form });
      expect([form, status, body.error]).toEqual([form, 400, 'invalid_request']);
    }
    const form = { token: 'x', resource: 'y', __proto__: 'z', constructor: 'w' };
    expect((await http.send('POST', '/oauth/introspect', { headers, form })).status).toBe(200);
  });

  test('ASVS 14.2.1 a token or a secret in the URL is not looked at', async () => {
    const { id, secret } = client;
    const inUrl = await http.send('POST', '/oauth/introspect?token=x', { headers: basic(client) });
    expect([inUrl.status, inUrl.body.error]).toEqual([400, 'invalid_request']);
    const query = new URLSearchParams({ client_id: id, client_secret: secret });
    const { status, body } = await http.send('POST', `/oauth/introspect?${query}`, {
      form: { token: 'x' },
    });
    expect([status, body.error]).toEqual([401, 'invalid_client']);
  });

  test('a form is what it takes: JSON is 415, no token and no text are 400', async () => {
    const headers = basic(client);
    const json = await http.send('POST', '/oauth/introspect', { headers, json: { token: 'x' } });
    expect([json.status, json.body.error]).toEqual([415, 'invalid_request']);
    const none = await http.send('POST', '/oauth/introspect', { headers });
    expect([none.status, none.body.error]).toEqual([400, 'invalid_request']);
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    for (const body of ['token=', 'token=%00', new Uint8Array([0x74, 0xff])]) {
      const answer = await http.send('POST', '/oauth/introspect', {
        headers: { ...headers, ...type },
        body,
      });
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
    }
  });

  test('ASVS 3.5.1 a page of a foreign origin cannot use what a browser has kept', async () => {
    for (const fields of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const { status, body } = await http.send('POST', '/oauth/revoke', {
        headers: { ...basic(client), ...fields } as Record<string, string>,
        form: { token: acme.pair.accessToken },
      });
      expect([status, body.code]).toEqual([403, 'origin_denied']);
    }
  });

  test('RFC 9457 RFC 6749 5.2 an error is both, as JSON for those who ask for that by name', async () => {
    const form = { token: 'x' };
    const { body } = await http.send('POST', '/oauth/introspect', { form });
    expect(body).toMatchObject({
      ...{ type: '/docs#error-invalid_client', title: 'Unauthorized', status: 401 },
      ...{ code: 'invalid_client', error: 'invalid_client', error_description: body.detail },
    });
    const typeFor = async (accept: string) => {
      const answer = await http.send('POST', '/oauth/introspect', { form, headers: { accept } });
      return answer.headers.get('content-type');
    };
    expect(await typeFor('application/json')).toBe('application/json');
    expect(await typeFor('text/html, application/json;q=0.9')).toBe('application/json');
    for (const accept of ['*/*', 'application/problem+json, application/json', 'application/*']) {
      expect([accept, await typeFor(accept)]).toEqual([accept, 'application/problem+json']);
    }
    // Elsewhere a problem document is what it is called.
    const other = await http.send('GET', '/v1/session', {
      headers: { accept: 'application/json' },
    });
    expect(other.headers.get('content-type')).toBe('application/problem+json');
    expect(other.body).not.toHaveProperty('error');
  });

  test('A2 whatever form is sent, it is no 5xx, and no field of ours changes owner', async () => {
    const odd = fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.constant('__proto__'));
    const names = fc.constantFrom('token', 'token_type_hint', 'client_id', 'client_secret', 'odd');
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...PATHS),
        fc.dictionary(fc.oneof(names, odd), odd, { maxKeys: 4 }),
        async (path, fields) => {
          const entries = Object.entries(fields).map(([a, b]) => [
            a.toWellFormed(),
            b.toWellFormed(),
          ]);
          const form = new URLSearchParams(entries as [string, string][]).toString();
          // From no address: what is wrong on purpose is not to be limited.
          const sent = { headers: basic(client), form, peer: null };
          expect((await http.send('POST', path, sent)).status).toBeLessThan(500);
        },
      ),
      { numRuns: 80, seed: 4711 },
    );
  });
});

describe('A4: wrong clients are limited', () => {
  test('A4 too many wrong ones from one address are 429 with its fields; the right one always gets in', async () => {
    const peer = '198.51.100.7';
    const form = { token: 'x' };
    const wrong = () => {
      const headers = basic({
        id: newId(),
        secret: client.secret.replace(acme.tenant.tid, newId()),
      });
      return http.send('POST', '/oauth/introspect', { headers, form, peer });
    };
    const answers = await Promise.all(Array.from({ length: 70 }, wrong));
    const refused = answers.filter(({ status }) => status === 429);
    // Exact, however many come at once.
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(60);
    expect(refused).toHaveLength(10);
    const [limited] = refused;
    expect(limited?.body).toMatchObject({
      code: 'too_many_attempts',
      error: 'temporarily_unavailable',
    });
    expect(limited?.headers.get('ratelimit-policy')).toBe('"client";q=60;w=900');
    expect(limited?.headers.get('ratelimit')).toMatch(/^"client";r=0;t=\d+$/);
    expect(Number(limited?.headers.get('retry-after'))).toBeGreaterThan(0);
    // 256 random bits cannot be guessed, and no neighbour can keep a service out.
    const other = await makeClient(http.send, acme.pair);
    const sent = { headers: basic(other), form, peer };
    expect((await http.send('POST', '/oauth/introspect', sent)).status).toBe(200);
    // Logins from there are counted by themselves.
    const json = { tenant: 'acme', email: 'member@acme.example', password: PASSWORD };
    expect((await http.send('POST', '/v1/login', { json, peer })).status).toBe(200);
    const attempts = await http.engine.record.attempts.listLimited(
      acme.tenant.tid,
      Date.now(),
      { limit: 50, cursor: null },
      DEFAULT_POLICY.login_limit,
    );
    expect(attempts).toEqual([]);
  });

  test('ASVS 16.3.1 a wrong client is audited where it belongs, without its secret', async () => {
    const wrong = { id: client.id, secret: `${client.secret.slice(0, -4)}AAAA` };
    const headers = basic(wrong);
    await http.send('POST', '/oauth/introspect', {
      headers,
      form: { token: 'x' },
      peer: '203.0.113.5',
    });
    await http.engine.services.tally.flush();
    const { body } = await http.send('GET', '/v1/admin/audit?action=authn_client_fail', {
      token: acme.pair.accessToken,
    });
    const row = body.events.find(({ ip }: { ip: string | null }) => ip === '203.0.113.5');
    expect(row).toMatchObject({
      outcome: 'failure',
      subject: { kind: 'client', id: client.id },
      detail: { code: 'invalid_client' },
    });
    expect(JSON.stringify(body)).not.toContain(wrong.secret.slice(-20));
  });
});

describe('RFC 8414: metadata', () => {
  test('RFC 8414 the endpoints and how clients authenticate there', async () => {
    const { body } = await http.send('GET', '/.well-known/oauth-authorization-server');
    const methods = ['client_secret_basic', 'client_secret_post'];
    expect(body).toMatchObject({
      introspection_endpoint: 'http://127.0.0.1:4000/oauth/introspect',
      introspection_endpoint_auth_methods_supported: methods,
      revocation_endpoint: 'http://127.0.0.1:4000/oauth/revoke',
      revocation_endpoint_auth_methods_supported: methods,
    });
  });

  test('A2 the OpenAPI document says that they take forms and Basic', async () => {
    const { body } = await http.send('GET', '/openapi.json');
    const { requestBody, security } = body.paths['/oauth/introspect'].post;
    expect(Object.keys(requestBody.content)).toEqual(['application/x-www-form-urlencoded']);
    expect(requestBody.required).toBe(true);
    expect(security).toEqual([{ client: [] }, {}]);
    expect(body.components.securitySchemes.client).toEqual({ type: 'http', scheme: 'basic' });
  });
});
