import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditAction, AuditEvent } from '../../src/audit/types.ts';
import { routes } from '../../src/http/table.ts';
import type { TokenPair } from '../../src/session/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { PASSWORD } from '../support/engine.ts';
import { type Received, type Sent, startTestApp, type TestApp } from '../support/http.ts';
import { basic, makeClient, type TestClient } from '../support/service-client.ts';

/** Stands still, so that the wait of a limited login is not over before its next try. */
const clock = createTestClock();
let http: TestApp;
let tid: string;
let adminUid: string;
/** The administrator of every call, in a session of its own each time. */
let admin: TokenPair;
/** Somebody to whom things are done; a new one for each test. */
let somebody: { readonly uid: string; readonly email: string; readonly pair: TokenPair };
/** A service client of the tenant; a new one for each test. */
let client: TestClient;
let count = 0;

const NEXT = 'copper-window-garden-64';

beforeAll(async () => {
  http = await startTestApp({ clock }, { clock });
  const made = await http.engine.makeTenant('acme');
  tid = made.tenant.tid;
  adminUid = made.admin.uid;
});
afterAll(() => http.close());

async function prepare(): Promise<void> {
  admin = await http.engine.open('acme', adminUid);
  count += 1;
  client = await makeClient(http.send, admin);
  const email = `user${count}@acme.example`;
  const { uid } = await http.engine.makeUser(await http.engine.callerOf(admin), email);
  somebody = { uid, email, pair: await http.engine.open('acme', uid) };
}

interface Act {
  /** What the trail must say, in the same transaction; empty for what changes nothing that is kept. */
  readonly actions: readonly AuditAction[];
  readonly sent: () => Sent;
  /** Ids in the path; default the user. */
  readonly id?: () => string;
  readonly before?: () => Promise<void>;
}

const own = (): Sent => ({ token: somebody.pair.accessToken });
const byAdmin = (json?: unknown): Sent =>
  json === undefined ? { token: admin.accessToken } : { token: admin.accessToken, json };
const byClient = (): Sent => ({
  headers: basic(client),
  form: { token: somebody.pair.accessToken },
});
let resetToken = '';
let policy: unknown;

async function fail(times: number): Promise<void> {
  for (let tries = 0; tries < times; tries += 1) {
    await http.send('POST', '/v1/login', {
      json: { tenant: 'acme', email: somebody.email, password: 'wrong' },
    });
  }
}

/** Every route that may change something, by name; the test below fails for one that is not here. */
const ACTS: Readonly<Record<string, Act>> = {
  login: {
    actions: ['authn_login_success', 'session_created'],
    sent: () => ({ json: { tenant: 'acme', email: somebody.email, password: PASSWORD } }),
  },
  refresh: {
    actions: ['authn_token_refreshed'],
    sent: () => ({ json: { refresh_token: somebody.pair.refreshToken } }),
  },
  logout: { actions: ['authn_logout'], sent: own },
  reauthenticate: {
    actions: ['authn_reauthenticated'],
    sent: () => ({ ...own(), json: { password: PASSWORD } }),
  },
  'password.change': {
    actions: ['authn_password_change'],
    sent: () => ({ ...own(), json: { current_password: PASSWORD, new_password: NEXT } }),
  },
  'password.reset': {
    actions: ['authn_password_change'],
    before: async () => {
      const path = `/v1/admin/users/${somebody.uid}/password-reset`;
      resetToken = (await http.send('POST', path, byAdmin())).body.reset.token;
    },
    sent: () => ({ json: { token: resetToken, new_password: NEXT } }),
  },
  'sessions.revoke': {
    actions: ['session_revoked'],
    sent: own,
    id: () => somebody.pair.session.sid,
  },
  'sessions.revokeOthers': { actions: ['session_revoked'], sent: own },
  'admin.users.create': {
    actions: ['user_created'],
    sent: () => byAdmin({ email: `made.${somebody.email}` }),
  },
  'admin.users.change': {
    actions: ['user_disabled', 'user_roles_changed', 'user_updated'],
    sent: () => byAdmin({ name: 'Ann', roles: ['buyer'], status: 'disabled' }),
  },
  'admin.users.delete': { actions: ['user_deleted'], sent: () => byAdmin() },
  'admin.users.resetPassword': {
    actions: ['authn_password_reset_requested'],
    sent: () => byAdmin(),
  },
  'admin.users.revoke': { actions: ['session_revoked'], sent: () => byAdmin() },
  'admin.sessions.revoke': {
    actions: ['session_revoked'],
    sent: () => byAdmin(),
    id: () => somebody.pair.session.sid,
  },
  'admin.revokeAll': { actions: ['tenant_sessions_revoked'], sent: () => byAdmin() },
  'admin.policy.put': {
    actions: ['policy_changed'],
    sent: () => byAdmin(policy),
    before: async () => {
      policy = (await http.send('GET', '/v1/admin/policy', byAdmin())).body.policy;
    },
  },
  'admin.loginAttempts.lift': {
    actions: ['authn_login_limit_lifted'],
    sent: () => byAdmin(),
    id: () => encodeURIComponent(somebody.email),
    before: () => fail(1),
  },
  'socket.ticket': { actions: [], sent: own },
  'admin.clients.create': { actions: ['client_created'], sent: () => byAdmin({ name: 'billing' }) },
  'admin.clients.addSecret': {
    actions: ['client_secret_added'],
    sent: () => byAdmin(),
    id: () => client.id,
  },
  'admin.clients.delete': {
    actions: ['client_deleted'],
    sent: () => byAdmin(),
    id: () => client.id,
  },
  'oauth.introspect': { actions: [], sent: byClient },
  'oauth.revoke': { actions: ['authn_token_revoked'], sent: byClient },
};

async function rowsOf(received: Received): Promise<readonly AuditEvent[]> {
  const id = received.headers.get('x-request-id');
  const page = { limit: 200, cursor: null };
  const rows = await http.engine.record.audit.list(tid, {}, page);
  return rows.filter(({ requestId }) => requestId === id);
}

describe('B14 ASVS 16.3.1: every call that changes something stands in the trail, by the id of its request', () => {
  for (const route of routes.filter(({ method }) => method !== 'GET' && method !== 'ANY')) {
    test(`B14 ASVS 16.2.1 ${route.method} ${route.path}`, async () => {
      const act = ACTS[route.name];
      if (act === undefined) throw new Error(`say here what ${route.name} leaves in the trail`);
      await prepare();
      await act.before?.();
      const path = route.path.replace(/\{\w+\}/g, act.id ?? (() => somebody.uid));
      const received = await http.send(route.method, path, act.sent());
      expect([path, received.status < 300]).toEqual([path, true]);
      const rows = await rowsOf(received);
      expect(rows.map(({ action }) => action).sort()).toEqual([...act.actions].sort());
      for (const row of rows) {
        expect(row).toMatchObject({ outcome: 'success', ip: '192.0.2.7' });
        if (route.who === 'admin') {
          expect(row.actor).toMatchObject({ kind: 'user', uid: adminUid });
        }
      }
    });
  }

  test('B14 ASVS 16.3.1 16.3.3 a failed login, by name; a limited one, once a minute', async () => {
    await prepare();
    const wrong = { tenant: 'acme', email: somebody.email, password: 'wrong' };
    const failed = await rowsOf(await http.send('POST', '/v1/login', { json: wrong }));
    expect(failed).toMatchObject([
      { action: 'authn_login_fail', outcome: 'failure', actor: { uid: somebody.uid } },
    ]);
    await fail(9);
    const limited = await http.send('POST', '/v1/login', { json: wrong });
    expect(limited.status).toBe(429);
    await fail(3);
    await http.engine.flush();
    expect(await rowsOf(limited)).toMatchObject([
      { action: 'authn_login_fail_max', outcome: 'failure', detail: { bucket: 'account' } },
    ]);
  });

  test('B14 ASVS 16.3.2 a denied authorization, with what was lacking', async () => {
    await prepare();
    const denied = await http.send('GET', '/v1/admin/users', own());
    expect(denied.status).toBe(403);
    await http.engine.flush();
    expect(await rowsOf(denied)).toMatchObject([
      { action: 'authz_fail', actor: { uid: somebody.uid }, detail: { needed: 'admin' } },
    ]);
  });

  test('B14 what was refused leaves nothing but the refusal', async () => {
    await prepare();
    const path = `/v1/admin/users/${somebody.uid}`;
    const headers = { 'if-match': '"99"' };
    const refused = await http.send('PATCH', path, { ...byAdmin({ name: 'X' }), headers });
    expect(refused.status).toBe(412);
    expect(await rowsOf(refused)).toEqual([]);
  });
});
