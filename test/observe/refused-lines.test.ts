import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp } from '../../src/http/app.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { createTestClock } from '../support/clock.ts';
import { PASSWORD, startTestEngine, type TestEngine, type TestTenant } from '../support/engine.ts';
import { type Send, type Sent, senderOf } from '../support/http.ts';

/** ASVS 16.2.1: whose request was refused stands in its line, where it was proven, and nowhere else. */

const clock = createTestClock();
let lines: string[] = [];
const log = createLogger('info', (line) => lines.push(line));
let engine: TestEngine;
let send: Send;
let acme: TestTenant;
beforeAll(async () => {
  engine = await startTestEngine({ clock, log });
  send = senderOf(createHttpApp(engine.engine, { log, clock }));
  acme = await engine.makeTenant('acme');
});
afterAll(() => engine.close());

/** Sends a request, and gives what its line says of it. */
async function refused(method: string, path: string, sent: Sent) {
  lines = [];
  const { status, body } = await send(method, path, sent);
  const own = lines.map((line) => JSON.parse(line)).filter(({ route }) => route !== undefined);
  expect(own).toMatchObject([{ status, code: body.code }]);
  const { tenant_id, user_id, session_id, code } = own[0];
  return { code, tenant_id, user_id, session_id };
}

const nobody = { tenant_id: undefined, user_id: undefined, session_id: undefined };

/** A member, with a session. */
async function member(name: string) {
  const user = await engine.makeUser(acme.caller, `${name}@acme.example`);
  const pair = await engine.open('acme', user.uid);
  const who = { tenant_id: acme.tenant.tid, user_id: user.uid, session_id: pair.session.sid };
  return { user, pair, token: pair.accessToken, who };
}

/** `token` with another payload under the same signature: somebody else's ids, for which nothing vouches. */
function forged(token: string, claims: object): string {
  const [head, payload = '', signature] = token.split('.');
  const said = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const other = Buffer.from(JSON.stringify({ ...said, ...claims })).toString('base64url');
  return [head, other, signature].join('.');
}

describe('ASVS 16.2.1: the line of a refused request names who was refused', () => {
  test('ASVS 16.2.1 8.2.1 403 insufficient_role', async () => {
    const { token, who } = await member('roles');
    for (const [method, path] of [
      ['GET', '/v1/admin/users'],
      ['GET', '/v1/authenticate?role=admin'],
    ] as const) {
      expect(await refused(method, path, { token })).toEqual({ code: 'insufficient_role', ...who });
    }
  });

  test('ASVS 16.2.1 401 session_revoked, token_superseded, token_expired, and of a refresh', async () => {
    const one = await member('ended');
    await engine.engine.ownSessions.revoke(await engine.callerOf(one.pair), one.pair.session.sid);
    const revoked = { code: 'session_revoked', ...one.who };
    expect(await refused('GET', '/v1/session', { token: one.token })).toEqual(revoked);
    const refresh = { json: { refresh_token: one.pair.refreshToken } };
    expect(await refused('POST', '/v1/refresh', refresh)).toEqual(revoked);

    const two = await member('promoted');
    await engine.engine.administration.patchUser(
      acme.caller,
      two.user.uid,
      { roles: ['auditor'] },
      null,
    );
    const superseded = { code: 'token_superseded', ...two.who };
    expect(await refused('GET', '/v1/session', { token: two.token })).toEqual(superseded);

    const three = await member('late');
    await clock.advance(301_000);
    const expired = { code: 'token_expired', ...three.who };
    expect(await refused('GET', '/v1/session', { token: three.token })).toEqual(expired);
    await clock.advance(90_000_000);
    const ended = { json: { refresh_token: three.pair.refreshToken } };
    expect(await refused('POST', '/v1/refresh', ended)).toEqual({
      code: 'session_expired',
      ...three.who,
    });
    // Whoever acts from here on needs a session of this day.
    acme = { ...acme, caller: await engine.callerOf(await engine.open('acme', acme.admin.uid)) };
  });

  test('ASVS 16.2.1 what a use case refuses: 403, 404, 409, 422 of an administrator', async () => {
    const pair = await engine.open('acme', acme.admin.uid);
    const { accessToken: token, session } = pair;
    const who = { tenant_id: acme.tenant.tid, user_id: acme.admin.uid, session_id: session.sid };
    const path = `/v1/admin/users/${acme.admin.uid}`;
    expect(await refused('PATCH', path, { token, json: { roles: ['member'] } })).toEqual({
      code: 'last_administrator',
      ...who,
    });
    expect(await refused('PATCH', path, { token, json: { odd: 1 } })).toEqual({
      code: 'validation_failed',
      ...who,
    });
    expect(await refused('GET', '/v1/admin/users/nobody', { token })).toEqual({
      code: 'not_found',
      ...who,
    });
  });

  test('ASVS 16.2.1 403 session_limit_reached and tenant_suspended: the password was right, there is no session', async () => {
    const full = await engine.makeTenant('full');
    const json = { tenant: 'full', email: full.admin.email, password: PASSWORD };
    const who = { tenant_id: full.tenant.tid, user_id: full.admin.uid, session_id: undefined };
    await engine.setPolicy(full.caller, { max_sessions_per_user: 1, on_session_limit: 'reject' });
    expect(await refused('POST', '/v1/login', { json })).toEqual({
      code: 'session_limit_reached',
      ...who,
    });
    await engine.engine.operator.suspendTenant({ tenant: 'full', reason: null, waitMs: null });
    expect(await refused('POST', '/v1/login', { json })).toEqual({
      code: 'tenant_suspended',
      ...who,
    });
    // Whoever does not know the password has proven nothing.
    const wrong = { json: { ...json, password: 'wrong' } };
    expect(await refused('POST', '/v1/login', wrong)).toEqual({
      code: 'invalid_credentials',
      ...nobody,
    });
  });
});

describe('ASVS 16.2.1: what is not proven is not logged', () => {
  test('ASVS 16.2.1 9.1.1 a token whose signature does not hold names nobody', async () => {
    const { pair, who } = await member('victim');
    const { accessToken } = await engine.open('acme', acme.admin.uid);
    for (const token of [
      forged(accessToken, { uid: who.user_id, sid: who.session_id, sub: who.user_id }),
      forged(pair.accessToken, { roles: ['admin'] }),
      `${pair.accessToken.slice(0, -4)}AAAA`,
      'no.token.atall',
    ]) {
      for (const path of ['/v1/session', '/v1/admin/users', '/v1/authenticate']) {
        const said = await refused('GET', path, { token });
        expect(said).toEqual({ code: 'invalid_token', ...nobody });
      }
    }
  });

  test('ASVS 16.2.1 a refresh token with the ids of a session and another secret names nobody', async () => {
    const { pair } = await member('guessed');
    const token = pair.refreshToken.replace(/[^.]+$/, 'x'.repeat(43));
    const sent = { json: { refresh_token: token } };
    expect(await refused('POST', '/v1/refresh', sent)).toEqual({
      code: 'invalid_refresh_token',
      ...nobody,
    });
  });

  test('ASVS 16.2.1 what is refused before anybody is looked at names nobody', async () => {
    const { token } = await member('early');
    const foreign = {
      cookie: `__Host-sekisho=${token}`,
      headers: { origin: 'https://evil.example' },
    };
    expect(await refused('POST', '/v1/logout', foreign)).toEqual({
      code: 'origin_denied',
      ...nobody,
    });
    const broken = { token, body: '{', headers: { 'content-type': 'application/json' } };
    expect(await refused('POST', '/v1/reauthenticate', broken)).toEqual({
      code: 'invalid_json',
      ...nobody,
    });
    expect(await refused('GET', '/v1/session', {})).toEqual({
      code: 'credentials_required',
      ...nobody,
    });
  });

  test('ASVS 16.2.1 16.5.1 and no answer says whose it was', async () => {
    const { token, who } = await member('quiet');
    const { body } = await send('GET', '/v1/admin/users', { token });
    expect(JSON.stringify(body)).not.toContain(who.user_id);
    expect(Object.keys(body).sort()).toEqual(
      ['code', 'detail', 'instance', 'status', 'title', 'type'].sort(),
    );
  });
});
