import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRefreshToken } from '../../src/token/refresh-token.ts';
import { makeResetToken } from '../../src/token/reset-token.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
/** Every kind of token that this deployment gives away, good at this moment. */
let tokens: Record<'access' | 'refresh' | 'device' | 'ticket' | 'reset', string>;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  const user = await http.engine.makeUser(acme.caller, 'kei@acme.example');
  const login = await http.engine.login('acme', 'kei@acme.example');
  const caller = await http.engine.callerOf(login);
  const invited = await http.engine.engine.administration.createUser(acme.caller, {
    ...{ email: 'new@acme.example', password: null, name: null, roles: null },
  });
  expect(user.uid).toBe(caller.session.userId);
  tokens = {
    access: login.accessToken,
    refresh: login.refreshToken,
    device: login.deviceToken,
    ticket: (await http.engine.engine.sockets.issueTicket(caller)).ticket,
    reset: invited.reset?.token ?? '',
  };
});
afterAll(() => http.close());

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('ASVS 9.2.2: a token is good for what it was made for, and for nothing else', () => {
  test('ASVS 9.2.2 any other token as a bearer token or access cookie is 401', async () => {
    for (const kind of ['refresh', 'device', 'ticket', 'reset'] as const) {
      for (const sent of [{ token: tokens[kind] }, { cookie: `__Host-sekisho=${tokens[kind]}` }]) {
        const { status, body } = await http.send('GET', '/v1/session', sent);
        expect([kind, status, body.code]).toEqual([kind, 401, 'invalid_token']);
      }
    }
  });

  test('ASVS 9.2.2 any other token where a refresh token belongs is 401, and ends nothing', async () => {
    for (const kind of ['access', 'device', 'ticket', 'reset'] as const) {
      const json = { refresh_token: tokens[kind] };
      const { status, body } = await http.send('POST', '/v1/refresh', { json });
      expect([kind, status, body.code]).toEqual([kind, 401, 'invalid_refresh_token']);
      expect((await http.send('POST', '/v1/logout', { json })).status).toBe(401);
    }
    expect((await http.send('GET', '/v1/session', { token: tokens.access })).status).toBe(200);
  });

  test('ASVS 9.2.2 ASVS 6.4.3 any other token where a reset token belongs is 401', async () => {
    for (const kind of ['access', 'refresh', 'device', 'ticket'] as const) {
      const json = { token: tokens[kind], new_password: PASSWORD };
      const { status, body } = await http.send('POST', '/v1/password/reset', { json });
      expect([kind, status, body.code]).toEqual([kind, 401, 'invalid_token']);
    }
  });

  test('ASVS 9.2.2 ASVS 4.4.3 any other token where a ticket belongs opens no socket', async () => {
    for (const kind of ['access', 'refresh', 'device', 'reset'] as const) {
      const redeem = http.engine.engine.sockets.redeemTicket(tokens[kind]);
      await expect(redeem).rejects.toMatchObject({ code: 'invalid_token' });
    }
  });

  test('ASVS 8.4.1 a refresh or reset token with another tenant or session in front is nobody’s', async () => {
    const bravo = await http.engine.makeTenant('bravo');
    const [, sid = '', secret = ''] = tokens.refresh.split('.');
    for (const refresh_token of [
      `${bravo.tenant.tid}.${sid}.${secret}`,
      `${acme.tenant.tid}.${acme.caller.session.sessionId}.${secret}`,
      makeRefreshToken(acme.tenant.tid, sid),
    ]) {
      const { status, body } = await http.send('POST', '/v1/refresh', { json: { refresh_token } });
      expect([status, body.code]).toEqual([401, 'invalid_refresh_token']);
    }
    const [, resetSecret = ''] = tokens.reset.split('.');
    for (const token of [
      `${bravo.tenant.tid}.${resetSecret}`,
      makeResetToken(acme.tenant.tid, randomBytes),
    ]) {
      const json = { token, new_password: PASSWORD };
      const { status, body } = await http.send('POST', '/v1/password/reset', { json });
      expect([status, body.code]).toEqual([401, 'invalid_token']);
    }
    expect((await http.send('GET', '/v1/session', { token: tokens.access })).status).toBe(200);
  });
});

describe('ASVS 9.1.1: tokens that somebody else made, over HTTP', () => {
  test('ASVS 9.1.1 ASVS 9.1.2 RFC 8725 alg none, a key of its own, claims exchanged: 401 wherever a token is taken', async () => {
    const [header = '', payload = '', signature = ''] = tokens.access.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const admin = part({ ...claims, roles: ['admin'] });
    const signed = (head: object) => {
      const text = `${part(head)}.${admin}`;
      const options = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
      return `${text}.${sign('sha256', Buffer.from(text), options).toString('base64url')}`;
    };
    const jwk = publicKey.export({ format: 'jwk' });
    const forged = [
      `${part({ alg: 'none', typ: 'at+jwt', kid })}.${admin}.`,
      `${part({ alg: 'none', typ: 'at+jwt' })}.${admin}.${signature}`,
      `${header}.${admin}.${signature}`,
      `${header}.${payload}.`,
      signed({ alg: 'ES256', typ: 'at+jwt', kid }),
      signed({ alg: 'ES256', typ: 'at+jwt', jwk }),
      signed({ alg: 'ES256', typ: 'at+jwt', kid, jwk }),
      signed({ alg: 'ES256', typ: 'at+jwt', kid, jku: 'http://127.0.0.1:1/jwks' }),
      signed({ alg: 'ES256', typ: 'at+jwt', kid: '../../../dev/null' }),
    ];
    for (const token of forged) {
      for (const [method, path] of [
        ['GET', '/v1/session'],
        ['GET', '/v1/admin/users'],
        ['GET', '/v1/authenticate?fresh=true'],
        ['GET', '/v1/admin/events'],
        ['POST', '/v1/logout'],
      ] as const) {
        const { status, body } = await http.send(method, path, { token });
        expect([path, status, /invalid_token|credentials_required/.test(body.code)]).toEqual([
          path,
          401,
          true,
        ]);
      }
    }
  });
});
