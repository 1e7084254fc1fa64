import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ParamKind, Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/table.ts';
import { newId } from '../../src/id.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import type { TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let rival: TestTenant;
/** Ids of the rival tenant, by kind. */
let foreign: Readonly<Record<ParamKind, string>>;
let member: string;
let limitedAtMs: number;

const LIMIT = { ...DEFAULT_POLICY.login_limit, account_attempts: 1 };

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  rival = await http.engine.makeTenant('rival');
  const { engine } = http.engine;
  const victim = await http.engine.makeUser(rival.caller, 'victim@rival.example');
  const other = await http.engine.makeUser(rival.caller, 'other@rival.example');
  const session = await http.engine.open('rival', victim.uid, 'phone');
  await http.engine.open('rival', other.uid, 'laptop');
  const options = { reason: null, waitMs: 0, includeSelf: false, idempotency: null };
  const { revocation } = await engine.administration.revokeUser(rival.caller, other.uid, options);
  await http.engine.setPolicy(rival.caller, {
    login_limit: LIMIT,
  });
  // Of before them, when their wait is still to come however long they take.
  limitedAtMs = Date.now();
  for (let tries = 0; tries < 2; tries += 1) {
    await http.engine
      .login('rival', 'victim@rival.example', { password: 'wrong' })
      .catch(() => undefined);
  }
  const { client } = await engine.administration.createClient(rival.caller, {
    name: 'billing',
    expiresInSeconds: null,
  });
  foreign = {
    user: victim.uid,
    session: session.session.sid,
    revocation: revocation.id,
    email: 'victim@rival.example',
    client: client.cid,
  };
  const user = await http.engine.makeUser(acme.caller, 'member@acme.example');
  member = (await http.engine.open('acme', user.uid)).accessToken;
});
afterAll(() => http.close());

const NOWHERE: () => Readonly<Record<ParamKind, string>> = () => ({
  user: newId(),
  session: newId(),
  revocation: newId(),
  email: 'nobody@nowhere.example',
  client: newId(),
});

function pathOf(route: Route, ids: Readonly<Record<ParamKind, string>>): string {
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(ids[route.params[name] ?? 'user']),
  );
}

/** Everything that the rival's administrator can see, apart from who looked, how long that took and when nodes last beat. */
async function everythingOfRival(): Promise<unknown> {
  const seen: Record<string, unknown> = {};
  for (const path of [
    '/v1/admin/users',
    '/v1/admin/sessions?state=all',
    '/v1/admin/revocations',
    '/v1/admin/policy',
    '/v1/admin/audit',
    '/v1/admin/clients',
  ]) {
    const { status, body } = await http.send('GET', path, { token: rival.pair.accessToken });
    expect(status).toBe(200);
    seen[path] = body;
  }
  const { attempts } = http.engine.record;
  // At one moment for all comparisons: a wait ends by itself.
  const limited = await attempts.listLimited(
    rival.tenant.tid,
    limitedAtMs,
    { limit: 50, cursor: null },
    LIMIT,
  );
  expect(limited).toHaveLength(1);
  return JSON.parse(
    JSON.stringify({ ...seen, limited }, (name, value) =>
      name === 'last_seen_at' || name === 'waited_ms' ? undefined : value,
    ),
  );
}

const withIds = routes.filter((route) => Object.keys(route.params).length > 0);
const BODIES: Readonly<Record<string, object>> = { PATCH: { name: 'Changed', status: 'disabled' } };

describe('B1: ids of another tenant', () => {
  test('B1 there are routes with ids of every kind', () => {
    const kinds = new Set(withIds.flatMap((route) => Object.values(route.params)));
    expect([...kinds].sort()).toEqual(['client', 'email', 'revocation', 'session', 'user']);
    expect(withIds.length).toBeGreaterThanOrEqual(10);
    for (const route of routes) {
      const named = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(route.params)).toEqual(named);
    }
  });

  for (const route of withIds) {
    test(`B1 ASVS 8.4.1 ${route.method} ${route.path}: a foreign id is answered like one that does not exist, and nothing changes`, async () => {
      const before = await everythingOfRival();
      const json = BODIES[route.method];
      const sent = {
        token: acme.pair.accessToken,
        ...(json === undefined ? {} : { json }),
      };
      const theirs = await http.send(route.method, pathOf(route, foreign), sent);
      const nobodys = await http.send(route.method, pathOf(route, NOWHERE()), sent);
      expect(theirs.status).toBe(404);
      const { instance: a, ...said } = theirs.body;
      const { instance: b, ...expected } = nobodys.body;
      expect(a).not.toBe(b);
      expect(said).toEqual(expected);
      expect([...theirs.headers.keys()]).toEqual([...nobodys.headers.keys()]);
      expect(await everythingOfRival()).toEqual(before);
    });
  }

  test('B1 ASVS 8.4.1 the same calls by their own administrator find the objects', async () => {
    const found = withIds.filter(({ method, who }) => method === 'GET' && who === 'admin');
    for (const route of found) {
      const { status } = await http.send('GET', pathOf(route, foreign), {
        token: rival.pair.accessToken,
      });
      expect([route.path, status]).toEqual([route.path, 200]);
    }
  });

  test('B1 a foreign user in a filter gives the list of nobody', async () => {
    const { status, body } = await http.send('GET', `/v1/admin/sessions?user=${foreign.user}`, {
      token: acme.pair.accessToken,
    });
    expect([status, body]).toEqual([200, { sessions: [], next_cursor: null }]);
  });

  test('B1 a foreign cursor shows no foreign row', async () => {
    const theirs = await http.send('GET', '/v1/admin/users?limit=1', {
      token: rival.pair.accessToken,
    });
    expect(theirs.body.next_cursor).toEqual(expect.any(String));
    const { status, body } = await http.send(
      'GET',
      `/v1/admin/users?cursor=${theirs.body.next_cursor}`,
      { token: acme.pair.accessToken },
    );
    expect(status).toBe(200);
    for (const user of body.users) expect(user.email).toMatch(/@acme\.example$/);
  });

  test('B1 ids that are none are 404 like the others', async () => {
    for (const route of withIds) {
      for (const odd of ['x', '%00', '%ED%A0%80', "'--", 'A'.repeat(4000)]) {
        const path = route.path.replace(/\{\w+\}/g, odd);
        const json = BODIES[route.method];
        const { status } = await http.send(route.method, path, {
          token: acme.pair.accessToken,
          ...(json === undefined ? {} : { json }),
        });
        expect([route.path, odd.slice(0, 10), status]).toEqual([route.path, odd.slice(0, 10), 404]);
      }
    }
  });
});

describe('B1: roles', () => {
  for (const route of routes.filter(({ who }) => who === 'admin')) {
    test(`B1 ${route.method} ${route.path} is the administrator's`, async () => {
      const own = pathOf(route, { ...foreign, user: acme.admin.uid });
      const { status, body } = await http.send(route.method, own, { token: member });
      expect([status, body.code]).toEqual([403, 'insufficient_role']);
      expect((await http.send(route.method, own)).status).toBe(401);
    });
  }

  for (const route of routes.filter(({ who }) => who === 'user')) {
    test(`B1 ${route.method} ${route.path} is for those who are logged in`, async () => {
      const { status, body } = await http.send(route.method, pathOf(route, foreign));
      expect([status, body.code]).toEqual([401, 'credentials_required']);
    });
  }

  test('B1 another user’s session of the own tenant is no more than one that does not exist', async () => {
    const { sessionId } = acme.caller.session;
    const { status } = await http.send('DELETE', `/v1/sessions/${sessionId}`, { token: member });
    expect(status).toBe(404);
    const still = await http.send('GET', '/v1/session', { token: acme.pair.accessToken });
    expect(still.status).toBe(200);
  });

  test('ASVS 8.3.2 an administrator who was demoted has lost the rights with the token already in hand', async () => {
    const second = await http.engine.makeUser(acme.caller, 'second@acme.example', ['admin']);
    const { accessToken: token } = await http.engine.open('acme', second.uid);
    expect((await http.send('GET', '/v1/admin/users', { token })).status).toBe(200);
    const demoted = await http.send('PATCH', `/v1/admin/users/${second.uid}`, {
      token: acme.pair.accessToken,
      json: { roles: ['member'] },
    });
    expect(demoted.status).toBe(200);
    expect(demoted.body.revocation).toMatchObject({ scope: 'reissue', effective: 'everywhere' });
    const { status, body } = await http.send('GET', '/v1/admin/users', { token });
    expect([status, body.code]).toEqual([401, 'token_superseded']);
  });
});
