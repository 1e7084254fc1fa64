import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { createTestClock } from '../support/clock.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let token: string;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  token = acme.pair.accessToken;
});
afterAll(() => http.close());

const NEW_PASSWORD = 'amber-meadow-signal-48';
const EVERYWHERE = { effective: 'everywhere', members: 1, acknowledged: 1 };

async function newUser(email: string, roles?: readonly string[]) {
  const user = await http.engine.makeUser(acme.caller, email, roles);
  return { user, pair: await http.engine.open('acme', user.uid) };
}

const login = (email: string, password = PASSWORD, more: object = {}) =>
  http.send('POST', '/v1/login', { json: { tenant: 'acme', email, password, ...more } });

describe('A1: login, session, logout', () => {
  test('A1 B2 a login answers with tokens, session and user, as the contract has them', async () => {
    const { status, body, headers } = await login('ADMIN@acme.example', PASSWORD, {
      device: { name: 'Laptop', kind: 'desktop' },
    });
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({
      token_type: 'Bearer',
      expires_in: 300,
      user: { id: acme.admin.uid, email: 'admin@acme.example', roles: ['admin'], status: 'active' },
      session: { device: { name: 'Laptop', kind: 'desktop' }, ip: '192.0.2.7', current: true },
    });
    expect(body.refresh_expires_in).toBeGreaterThan(86_390);
    expect(Object.keys(body.session).sort()).toEqual([
      'created_at',
      'current',
      'device',
      'expires_at',
      'id',
      'ip',
      'last_seen_at',
      'user_agent',
      'user_id',
    ]);
  });

  test('A1 the name of a device may be a string alone', async () => {
    const { body } = await login(acme.admin.email, PASSWORD, { device: 'Phone' });
    expect(body.session.device).toEqual({ name: 'Phone', kind: null });
  });

  test.each([
    ['a wrong password', { password: 'wrong' }],
    ['an unknown address', { email: 'nobody@acme.example' }],
    ['an unknown tenant', { tenant: 'nowhere' }],
    ['a tenant that is no slug', { tenant: 'No Slug' }],
    ['an address that is none', { email: 'odd' }],
  ])('ASVS 6.3.8 %s is the same 401', async (_, more) => {
    const json = { tenant: 'acme', email: acme.admin.email, password: PASSWORD, ...more };
    const { status, body } = await http.send('POST', '/v1/login', { json });
    expect([status, body.code, body.detail]).toEqual([
      401,
      'invalid_credentials',
      'The e-mail address or the password is wrong.',
    ]);
  });

  test('A1 who am I: tenant, user, session, roles, freshness', async () => {
    const { status, body } = await http.send('GET', '/v1/session', { token });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      tenant: { id: acme.tenant.tid, slug: 'acme' },
      user: { id: acme.admin.uid },
      session: { id: acme.caller.session.sessionId, current: true },
      roles: ['admin'],
      freshness: 'fresh',
    });
  });

  test('B6 a refresh gives a new pair; the new access token works', async () => {
    const { pair } = await newUser('refresh@acme.example');
    const json = { refresh_token: pair.refreshToken };
    const { status, body } = await http.send('POST', '/v1/refresh', { json });
    expect(status).toBe(200);
    expect(body.refresh_token).not.toBe(pair.refreshToken);
    expect(body.session.id).toBe(pair.session.sid);
    expect((await http.send('GET', '/v1/session', { token: body.access_token })).status).toBe(200);
    const nothing = await http.send('POST', '/v1/refresh');
    expect([nothing.status, nothing.body.code]).toEqual([401, 'credentials_required']);
  });

  test('ASVS 7.4.1 logout is 204 and the token is dead; again it is 204 still', async () => {
    const { pair } = await newUser('out@acme.example');
    const out = await http.send('POST', '/v1/logout', { token: pair.accessToken });
    expect([out.status, out.body]).toEqual([204, null]);
    const after = await http.send('GET', '/v1/session', { token: pair.accessToken });
    expect([after.status, after.body.code]).toEqual([401, 'session_revoked']);
    const refresh = await http.send('POST', '/v1/refresh', {
      json: { refresh_token: pair.refreshToken },
    });
    expect([refresh.status, refresh.body.code]).toEqual([401, 'session_revoked']);
    expect((await http.send('POST', '/v1/logout', { token: pair.accessToken })).status).toBe(204);
    const json = { refresh_token: pair.refreshToken };
    expect((await http.send('POST', '/v1/logout', { json })).status).toBe(204);
    const nothing = await http.send('POST', '/v1/logout', { token: 'x' });
    expect(nothing.status).toBe(401);
  });

  test('ASVS 7.2.4 giving the password again: a new pair for the same session, the old token superseded', async () => {
    const { pair } = await newUser('again@acme.example');
    const { status, body } = await http.send('POST', '/v1/reauthenticate', {
      token: pair.accessToken,
      json: { password: PASSWORD },
    });
    expect(status).toBe(200);
    expect(body.session.id).toBe(pair.session.sid);
    expect(body.revocation).toMatchObject({ scope: 'reissue', ...EVERYWHERE });
    const old = await http.send('GET', '/v1/session', { token: pair.accessToken });
    expect([old.status, old.body.code]).toEqual([401, 'token_superseded']);
    expect((await http.send('GET', '/v1/session', { token: body.access_token })).status).toBe(200);
  });

  test('ASVS 7.4.3 a changed password ends the other sessions, and this one goes on with a new pair', async () => {
    const { user, pair } = await newUser('change@acme.example');
    const other = await http.engine.open('acme', user.uid);
    const { status, body } = await http.send('POST', '/v1/password', {
      token: pair.accessToken,
      json: { current_password: PASSWORD, new_password: NEW_PASSWORD },
    });
    expect(status).toBe(200);
    expect(body.revocation).toMatchObject(EVERYWHERE);
    expect((await http.send('GET', '/v1/session', { token: body.access_token })).status).toBe(200);
    const gone = await http.send('GET', '/v1/session', { token: other.accessToken });
    expect(gone.body.code).toBe('session_revoked');
    expect((await login(user.email)).status).toBe(401);
    expect((await login(user.email, NEW_PASSWORD)).status).toBe(200);
  });

  test('ASVS 6.2.1 ASVS 6.2.4 a new password that is short or common is 422, at each route that takes one', async () => {
    const { pair } = await newUser('weak@acme.example');
    for (const weak of ['short', 'password123']) {
      const change = await http.send('POST', '/v1/password', {
        token: pair.accessToken,
        json: { current_password: PASSWORD, new_password: weak },
      });
      expect([change.status, change.body.errors[0].pointer]).toEqual([422, '/new_password']);
      const made = await http.send('POST', '/v1/admin/users', {
        token,
        json: { email: 'w@acme.example', password: weak },
      });
      expect([made.status, made.body.errors[0].pointer]).toEqual([422, '/password']);
    }
  });
});

describe('B2: own sessions', () => {
  test('ASVS 7.5.2 own devices, exactly one current; one is ended, then all others', async () => {
    const { user, pair } = await newUser('devices@acme.example');
    const phone = await http.engine.open('acme', user.uid, 'phone');
    const tablet = await http.engine.open('acme', user.uid, 'tablet');
    const list = async () =>
      (await http.send('GET', '/v1/sessions', { token: pair.accessToken })).body.sessions;
    const all = await list();
    expect(all.map((one: { device: { name: string } }) => one.device.name)).toEqual([
      'tablet',
      'phone',
      null,
    ]);
    expect(all.filter((one: { current: boolean }) => one.current)).toMatchObject([
      { id: pair.session.sid },
    ]);

    const one = await http.send('DELETE', `/v1/sessions/${phone.session.sid}`, {
      token: pair.accessToken,
    });
    expect([one.status, one.body.revocation]).toMatchObject([
      200,
      { scope: 'session', subject: { session_id: phone.session.sid }, ...EVERYWHERE },
    ]);
    expect((await http.send('GET', '/v1/session', { token: phone.accessToken })).status).toBe(401);
    expect((await http.send('GET', '/v1/session', { token: tablet.accessToken })).status).toBe(200);

    const others = await http.send('POST', '/v1/sessions/revoke-others', {
      token: pair.accessToken,
    });
    expect([others.status, others.body.revocation.scope]).toEqual([200, 'user']);
    expect(await list()).toHaveLength(1);
    expect((await http.send('GET', '/v1/session', { token: tablet.accessToken })).status).toBe(401);
  });

  test('ASVS 7.1.2 a device cap that rejects shows the sessions there are', async () => {
    const full = await http.engine.makeTenant('full');
    await http.engine.setPolicy(full.caller, {
      max_sessions_per_user: 1,
      on_session_limit: 'reject',
    });
    const { status, body } = await http.send('POST', '/v1/login', {
      json: { tenant: 'full', email: full.admin.email, password: PASSWORD },
    });
    expect([status, body.code]).toEqual([403, 'session_limit_reached']);
    expect(body.sessions).toMatchObject([
      { id: full.pair.session.sid, user_id: full.admin.uid, device: { name: null, kind: null } },
    ]);
    expect(JSON.stringify(body.sessions)).not.toContain('epoch');
  });

  test('B13 ASVS 7.1.2 the refusal of the device cap offers to end one of the sessions', async () => {
    const offer = await http.engine.makeTenant('offer');
    await http.engine.setPolicy(offer.caller, {
      max_sessions_per_user: 1,
      on_session_limit: 'reject',
    });
    const login = (more: object) =>
      http.send('POST', '/v1/login', {
        json: { tenant: 'offer', email: offer.admin.email, password: PASSWORD, ...more },
      });
    const { body: refused } = await login({});
    const [{ id }] = refused.sessions;
    // Neither a wrong password nor another's session ends anything.
    expect((await login({ password: 'wrong', end_session: id })).body.code).toBe(
      'invalid_credentials',
    );
    expect((await login({ end_session: acme.pair.session.sid })).body.code).toBe(
      'session_limit_reached',
    );
    const still = await http.send('GET', '/v1/session', { token: offer.pair.accessToken });
    expect(still.status).toBe(200);

    const { status, body } = await login({ end_session: id });
    expect(status).toBe(200);
    expect(body.revocation).toMatchObject({
      scope: 'session',
      subject: { session_id: id },
      effective: 'everywhere',
    });
    const over = await http.send('GET', '/v1/session', { token: offer.pair.accessToken });
    expect([over.status, over.body.code]).toEqual([401, 'session_revoked']);
    const several = await login({ end_session: [id, body.session.id] });
    expect(several.body.revocation.subject.session_id).toBe(body.session.id);
    for (const wrong of ['', [], 7, ['']]) {
      expect((await login({ end_session: wrong })).status).toBe(422);
    }
  });

  test('B13 ASVS 7.1.2 where the cap was lowered the refusal says how many must end, and takes a list of them', async () => {
    const { caller, admin } = await http.engine.makeTenant('lowered');
    for (let at = 0; at < 9; at += 1) await http.engine.open('lowered', admin.uid);
    await http.engine.setPolicy(caller, { max_sessions_per_user: 3, on_session_limit: 'reject' });
    const login = (more: object) =>
      http.send('POST', '/v1/login', {
        json: { tenant: 'lowered', email: admin.email, password: PASSWORD, ...more },
      });
    const refused = await login({});
    expect(refused).toMatchObject({ status: 403, body: { sessions_to_end: 8 } });
    expect(refused.body.detail).toContain('a list of 8');
    const ids = refused.body.sessions.map(({ id }: { id: string }) => id);
    expect(ids).toHaveLength(10);
    // Fewer are not enough: the same again, and none of them has ended.
    for (const few of [ids[0], ids.slice(0, 7), [...ids.slice(0, 7), ids[0], 'nothing']]) {
      const again = await login({ end_session: few });
      expect(again).toMatchObject({ status: 403, body: { sessions_to_end: 8 } });
      expect(again.body.sessions).toHaveLength(10);
    }
    const entered = await login({ end_session: ids.slice(0, 8) });
    expect(entered).toMatchObject({
      status: 200,
      body: { revocation: { effective: 'everywhere' } },
    });
    const { body } = await http.send('GET', '/v1/sessions', { token: entered.body.access_token });
    const left = body.sessions.map(({ id }: { id: string }) => id);
    expect(left.sort()).toEqual([...ids.slice(8), entered.body.session.id].sort());
    expect((await login({})).body.sessions_to_end).toBe(1);
  });
});

describe('B1: users', () => {
  test('B1 a user is made (201, Location, ETag), read, changed (If-Match), disabled, deleted', async () => {
    const made = await http.send('POST', '/v1/admin/users', {
      token,
      json: { email: 'Noor@Acme.example', name: 'Noor', password: PASSWORD },
    });
    expect(made.status).toBe(201);
    const location = made.headers.get('location') ?? '';
    expect(location).toBe(`/v1/admin/users/${made.body.user.id}`);
    expect(made.body.user).toMatchObject({
      email: 'noor@acme.example',
      name: 'Noor',
      roles: ['member'],
      last_login_at: null,
    });
    expect(made.body).not.toHaveProperty('reset');

    const read = await http.send('GET', location, { token });
    const etag = read.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"\d+"$/);
    expect(etag).toBe(made.headers.get('etag'));

    const change = (headers: Record<string, string>, json: object) =>
      http.send('PATCH', location, { token, headers, json });
    const renamed = await change({ 'if-match': etag }, { name: 'Noor B' });
    expect([renamed.status, renamed.body.user.name]).toEqual([200, 'Noor B']);
    expect(renamed.body).not.toHaveProperty('revocation');
    const next = renamed.headers.get('etag') ?? '';
    expect(next).not.toBe(etag);
    for (const stale of [etag, `W/${next}`, '"odd"', `${etag}, "odd"`]) {
      const refused = await change({ 'if-match': stale }, { name: 'Lost update' });
      expect([stale, refused.status, refused.body.code]).toEqual([
        stale,
        412,
        'precondition_failed',
      ]);
    }
    for (const good of [next, '*']) {
      expect((await change({ 'if-match': good }, {})).status).toBe(200);
    }
    const latest = (await http.send('GET', location, { token })).headers.get('etag') ?? '';
    expect((await change({ 'if-match': `"999", ${latest}` }, { name: 'N' })).status).toBe(200);

    const pair = await http.engine.open('acme', made.body.user.id);
    const disabled = await change({}, { status: 'disabled' });
    expect([disabled.status, disabled.body.user.status]).toEqual([200, 'disabled']);
    expect(disabled.body.revocation).toMatchObject({ scope: 'user', ...EVERYWHERE });
    expect((await http.send('GET', '/v1/session', { token: pair.accessToken })).status).toBe(401);

    const stale = await http.send('DELETE', location, { token, headers: { 'if-match': etag } });
    expect(stale.status).toBe(412);
    const deleted = await http.send('DELETE', location, { token });
    expect([deleted.status, deleted.body.revocation.effective]).toEqual([200, 'everywhere']);
    expect((await http.send('GET', location, { token })).status).toBe(404);
    expect((await http.send('DELETE', location, { token })).status).toBe(404);
  });

  test('B1 a second user with the address, in any spelling, is 409', async () => {
    const json = { email: 'ADMIN@acme.example', password: PASSWORD };
    const { status, body } = await http.send('POST', '/v1/admin/users', { token, json });
    expect([status, body.code]).toEqual([409, 'email_taken']);
  });

  test('B1 without a password the answer has a one-time token, with which one is set', async () => {
    const made = await http.send('POST', '/v1/admin/users', {
      token,
      json: { email: 'invited@acme.example' },
    });
    expect(made.status).toBe(201);
    expect(Date.parse(made.body.reset.expires_at)).toBeGreaterThan(Date.now());
    const json = { token: made.body.reset.token, new_password: NEW_PASSWORD };
    const set = await http.send('POST', '/v1/password/reset', { json });
    expect([set.status, set.body.revocation.effective]).toEqual([200, 'everywhere']);
    expect((await login('invited@acme.example', NEW_PASSWORD)).status).toBe(200);
    const again = await http.send('POST', '/v1/password/reset', { json });
    expect([again.status, again.body.code]).toEqual([401, 'invalid_token']);
  });

  test('B1 an administrator resets a password: the old one is dead, sessions are over', async () => {
    const { user, pair } = await newUser('reset@acme.example');
    const path = `/v1/admin/users/${user.uid}/password-reset`;
    const { status, body } = await http.send('POST', path, { token });
    expect(status).toBe(200);
    expect(body.reset.token).toEqual(expect.any(String));
    expect(body.revocation).toMatchObject({ scope: 'user', ...EVERYWHERE });
    expect((await login(user.email)).status).toBe(401);
    expect((await http.send('GET', '/v1/session', { token: pair.accessToken })).status).toBe(401);
  });
});

describe('B3: forced logout', () => {
  test('B3 ASVS 7.4.5 of a user: 200 everywhere, and the log has it with its reason', async () => {
    const { user, pair } = await newUser('forced@acme.example');
    const path = `/v1/admin/users/${user.uid}/revoke`;
    const { status, body } = await http.send('POST', path, { token, json: { reason: 'stolen' } });
    expect(status).toBe(200);
    const { revocation } = body;
    expect(revocation).toMatchObject({
      scope: 'user',
      subject: { tenant_id: acme.tenant.tid, user_id: user.uid, session_id: null },
      reason: 'stolen',
      ...EVERYWHERE,
    });
    expect(revocation.epoch).toBe(revocation.position);
    expect(revocation).not.toHaveProperty('deadline');
    expect((await http.send('GET', '/v1/session', { token: pair.accessToken })).status).toBe(401);

    const later = await http.send('GET', `/v1/admin/revocations/${revocation.id}`, { token });
    expect([later.status, later.body.revocation]).toMatchObject([
      200,
      { id: revocation.id, reason: 'stolen', ...EVERYWHERE },
    ]);
    const log = await http.send('GET', '/v1/admin/revocations', { token });
    expect(log.body.revocations[0]).toMatchObject({
      id: revocation.id,
      position: revocation.position,
      reason: 'stolen',
      spared_session_id: null,
      ...EVERYWHERE,
    });
    for (const one of log.body.revocations) expect(one.effective).toBe('everywhere');
  });

  test('B3 of a session; the own one only on purpose', async () => {
    const { pair } = await newUser('one@acme.example');
    const path = `/v1/admin/sessions/${pair.session.sid}/revoke`;
    const { status, body } = await http.send('POST', path, { token });
    expect([status, body.revocation.scope]).toEqual([200, 'session']);
    const own = `/v1/admin/sessions/${acme.caller.session.sessionId}/revoke`;
    const refused = await http.send('POST', own, { token });
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
  });

  test('B3 of everybody: the own session is spared', async () => {
    const { pair } = await newUser('all@acme.example');
    const { status, body } = await http.send('POST', '/v1/admin/revoke-all', { token });
    expect([status, body.revocation.scope]).toEqual([200, 'tenant']);
    expect((await http.send('GET', '/v1/session', { token: pair.accessToken })).status).toBe(401);
    expect((await http.send('GET', '/v1/session', { token })).status).toBe(200);
    const log = await http.send('GET', '/v1/admin/revocations?limit=1', { token });
    expect(log.body.revocations[0].spared_session_id).toBe(acme.caller.session.sessionId);
  });

  test.each([
    [{ wait_ms: -1 }, '/wait_ms'],
    [{ wait_ms: 30_001 }, '/wait_ms'],
    [{ wait_ms: 1.5 }, '/wait_ms'],
    [{ reason: 'x'.repeat(501) }, '/reason'],
    [{ include_self: 'yes' }, '/include_self'],
    [{ override_until: '2026-01-01T00:00:00Z' }, '/override_until'],
  ])('B3 %j is 422', async (json, pointer) => {
    const { status, body } = await http.send('POST', '/v1/admin/revoke-all', { token, json });
    expect([status, body.errors[0].pointer]).toEqual([422, pointer]);
  });

  test('B3 an Idempotency-Key does it once; with another body or for another user it is 422', async () => {
    const { user } = await newUser('idem@acme.example');
    const { user: other } = await newUser('idem2@acme.example');
    const headers = { 'idempotency-key': 'key-4711' };
    const revoke = (uid: string, json: object) =>
      http.send('POST', `/v1/admin/users/${uid}/revoke`, { token, headers, json });
    const first = await revoke(user.uid, { reason: 'once', wait_ms: 20_000 });
    expect(first.status).toBe(200);
    const second = await revoke(user.uid, { wait_ms: 20_000, reason: 'once' });
    expect([second.status, second.body.revocation.id]).toEqual([200, first.body.revocation.id]);
    expect(second.body.revocation.position).toBe(first.body.revocation.position);
    for (const [uid, json] of [
      [user.uid, { reason: 'twice', wait_ms: 20_000 }],
      [other.uid, { reason: 'once', wait_ms: 20_000 }],
    ] as const) {
      const reused = await revoke(uid, json);
      expect([reused.status, reused.body.code]).toEqual([422, 'idempotency_key_reused']);
    }
    for (const key of ['', 'x'.repeat(256), 'two words', 'schlüssel']) {
      const bad = await http.send('POST', '/v1/admin/revoke-all', {
        token,
        headers: { 'idempotency-key': key },
      });
      expect([bad.status, bad.body.code]).toEqual([400, 'invalid_request']);
    }
  });
});

describe('B13: policy', () => {
  test('B13 it is read with an ETag, replaced as a whole, and a shorter one ends old tokens', async () => {
    const own = await http.engine.makeTenant('policy');
    const sent = { token: own.pair.accessToken };
    const first = await http.send('GET', '/v1/admin/policy', sent);
    expect(first.body.policy).toEqual(DEFAULT_POLICY);
    const etag = first.headers.get('etag') ?? '';
    const json = { ...DEFAULT_POLICY, access_ttl: 60 };
    const put = await http.send('PUT', '/v1/admin/policy', {
      ...sent,
      json,
      headers: { 'if-match': etag },
    });
    expect([put.status, put.body.policy]).toEqual([200, json]);
    expect(put.body.revocation).toMatchObject({ scope: 'reissue', ...EVERYWHERE });
    const { status, body } = await http.send('GET', '/v1/admin/policy', sent);
    expect([status, body.code]).toEqual([401, 'token_superseded']);
  });

  test.each([
    ['a missing field', { access_ttl: undefined }, '/access_ttl'],
    ['an unknown field', { override_until: '2027-01-01T00:00:00Z' }, '/override_until'],
    ['a token life beyond 900 s', { access_ttl: 901 }, '/access_ttl'],
    ['a token life beyond the idle time', { access_ttl: 300, idle_timeout: 60 }, '/access_ttl'],
    ['an idle time beyond the absolute one', { absolute_timeout: 3000 }, '/idle_timeout'],
    ['a grace beyond 60 s', { refresh_grace: 61 }, '/refresh_grace'],
    ['no device at all', { max_sessions_per_user: 0 }, '/max_sessions_per_user'],
    ['an odd word', { on_session_limit: 'odd' }, '/on_session_limit'],
    ['part of the limits', { login_limit: {} }, '/login_limit/account_attempts'],
    ['a fraction', { idle_timeout: 3600.5 }, '/idle_timeout'],
    ['a text', { refresh_grace: '10' }, '/refresh_grace'],
  ])('B13 %s is 422 with its pointer', async (_, change, pointer) => {
    const json = { ...DEFAULT_POLICY, ...change };
    const { status, body } = await http.send('PUT', '/v1/admin/policy', { token, json });
    expect(status).toBe(422);
    expect(body.errors.map((one: { pointer: string }) => one.pointer)).toContain(pointer);
  });

  test('A2 each missing field is said to be required, a choice between words too', async () => {
    const { body } = await http.send('PUT', '/v1/admin/policy', { token, json: {} });
    const required = Object.keys(DEFAULT_POLICY).map((name) => ({
      pointer: `/${name}`,
      detail: 'is required',
    }));
    expect(body.errors).toEqual(required);
  });

  test('A2 the fields come in the order of the contract, however the record keeps them', async () => {
    const { body } = await http.send('GET', '/v1/admin/policy', { token });
    expect(JSON.stringify(body.policy)).toBe(JSON.stringify(DEFAULT_POLICY));
  });
});

describe('A4: login attempts', () => {
  test('A4 too many are 429 with its fields; an administrator sees and lifts the limit', async () => {
    // On a clock that stands still: nobody's wait is over before it was looked at.
    const clock = createTestClock();
    const still = await startTestApp({ clock }, { clock });
    const own = await still.engine.makeTenant('limits');
    await still.engine.setPolicy(own.caller, {
      login_limit: { ...DEFAULT_POLICY.login_limit, account_attempts: 2 },
    });
    const sent = { token: own.pair.accessToken };
    const email = 'victim@limits.example';
    const attempt = () =>
      still.send('POST', '/v1/login', { json: { tenant: 'limits', email, password: 'wrong' } });
    expect((await attempt()).status).toBe(401);
    expect((await attempt()).status).toBe(401);
    const limited = await attempt();
    expect([limited.status, limited.body.code]).toEqual([429, 'too_many_attempts']);
    expect(limited.headers.get('ratelimit-policy')).toMatch(/^"[\w-]+";q=\d+;w=\d+$/);
    expect(limited.headers.get('ratelimit')).toMatch(/^"[\w-]+";r=0;t=\d+$/);

    const list = await still.send('GET', '/v1/admin/login-attempts', sent);
    expect(list.body.login_attempts).toMatchObject([{ email, attempts: 2 }]);
    const path = `/v1/admin/login-attempts/${encodeURIComponent(email)}`;
    expect((await still.send('DELETE', path, sent)).status).toBe(204);
    expect((await attempt()).status).toBe(401);
    const none = `/v1/admin/login-attempts/nobody%40limits.example`;
    expect((await still.send('DELETE', none, sent)).status).toBe(404);
    await still.close();
  });

  test('A4 X-Forwarded-For of a stranger changes nothing', async () => {
    const { body } = await http.send('POST', '/v1/login', {
      headers: { 'x-forwarded-for': '203.0.113.9' },
      json: { tenant: 'acme', email: acme.admin.email, password: PASSWORD },
    });
    expect(body.session.ip).toBe('192.0.2.7');
  });
});

describe('B14 B11: insight', () => {
  test('B14 the audit trail says who, what, when and where, filtered', async () => {
    const from = new Date(Date.now() - 60_000).toISOString();
    await login('audited@acme.example', 'wrong');
    const query = `action=authn_login_fail&from=${encodeURIComponent(from)}`;
    const { status, body } = await http.send('GET', `/v1/admin/audit?${query}`, { token });
    expect(status).toBe(200);
    expect(body.events[0]).toMatchObject({
      action: 'authn_login_fail',
      outcome: 'failure',
      ip: '192.0.2.7',
      request_id: expect.any(String),
    });
    const mine = await http.send('GET', `/v1/admin/audit?actor=${acme.admin.uid}`, { token });
    for (const event of mine.body.events) expect(event.actor.user_id).toBe(acme.admin.uid);
    const to: string = body.events[0].at;
    const until = await http.send('GET', `/v1/admin/audit?to=${encodeURIComponent(to)}`, { token });
    expect(until.body.events.length).toBeGreaterThan(0);
    for (const event of until.body.events) expect(event.at < to).toBe(true);
  });

  test('B11 nodes without addresses, figures of the tenant', async () => {
    const { body } = await http.send('GET', '/v1/admin/nodes', { token });
    const hub = { kind: 'in-process', working: true };
    expect(body.nodes).toMatchObject([
      { self: true, lag: 0, state: 'current', lease_ms: 750, hub },
    ]);
    expect(body.nodes[0].lease_left_ms).toBeTypeOf('number');
    expect(body.nodes[0].last_heartbeat_ms).toBeTypeOf('number');
    expect(['fresh', 'stale', 'unavailable']).toContain(body.nodes[0].freshness);
    expect(body.nodes[0].generation).toBeTypeOf('string');
    expect(JSON.stringify(body)).not.toMatch(/address|127\.0\.0\.1/);
    const stats = await http.send('GET', '/v1/admin/stats', { token });
    expect(stats.body.stats.users).toBeGreaterThan(5);
  });

  test('B6 public keys have no private member; the metadata points to them', async () => {
    const jwks = await http.send('GET', '/.well-known/jwks.json');
    expect(jwks.body.keys.length).toBeGreaterThan(0);
    for (const key of jwks.body.keys) expect(key).not.toHaveProperty('d');
    expect(jwks.headers.get('cache-control')).toBe('public, max-age=300');
    const { body } = await http.send('GET', '/.well-known/oauth-authorization-server', {
      base: 'http://evil.example',
    });
    expect(body).toMatchObject({
      issuer: 'http://127.0.0.1:4000',
      jwks_uri: 'http://127.0.0.1:4000/.well-known/jwks.json',
    });
  });
});

describe('B12: sockets', () => {
  test('B12 a ticket over the authenticated session', async () => {
    const { status, body } = await http.send('POST', '/v1/socket-ticket', { token });
    expect([status, body.expires_in]).toEqual([200, 30]);
    const redeemed = await http.engine.engine.sockets.redeemTicket(body.ticket);
    expect(redeemed.session.sessionId).toBe(acme.caller.session.sessionId);
  });

  test('ASVS 4.4.2 without an upgrade 426, for a foreign origin 403', async () => {
    const plain = await http.send('GET', '/v1/socket');
    expect([plain.status, plain.body.code]).toEqual([426, 'upgrade_required']);
    expect(plain.headers.get('upgrade')).toBe('websocket');
    const headers = { origin: 'https://evil.example', upgrade: 'websocket' };
    const foreign = await http.send('GET', '/v1/socket', { headers });
    expect([foreign.status, foreign.body.code]).toEqual([403, 'origin_denied']);
    const own = await http.send('GET', '/v1/socket', {
      headers: { origin: 'http://127.0.0.1:4000' },
    });
    expect(own.status).toBe(426);
  });
});
