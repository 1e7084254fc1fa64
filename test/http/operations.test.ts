import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp } from '../../src/http/app.ts';
import { problemSchema } from '../../src/http/objects/common.ts';
import { createOperationsApp } from '../../src/http/operations.ts';
import { measured } from '../../src/observe/measured.ts';
import { createMetrics } from '../../src/observe/metrics.ts';
import type { Engine } from '../../src/session/contract.ts';
import { ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';
import { requestOf, type Send, senderOf } from '../support/http.ts';

let test_: TestEngine;
let engine: Engine;
let draining = false;
let app: ReturnType<typeof createOperationsApp>;
let send: Send;
const metrics = createMetrics();

beforeAll(async () => {
  test_ = await startTestEngine({ onRevocation: metrics.revocation });
  engine = measured(test_.engine, metrics);
  app = createOperationsApp(engine, { metrics, draining: () => draining });
  send = senderOf(createHttpApp(engine, { meter: metrics.http }));
});
afterAll(() => test_.close());

const ask = async (method: string, path: string) =>
  app.fetch(requestOf(method, path, { base: 'http://127.0.0.1:4001' }));

/** The value of one line of the exposition. */
async function figure(line: string): Promise<number> {
  const text = await (await ask('GET', '/metrics')).text();
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length + 1));
}

describe('B11: the operator’s listener', () => {
  test('B11 healthz is 200, readyz says of what', async () => {
    const healthy = await ask('GET', '/healthz');
    expect([healthy.status, await healthy.json()]).toEqual([200, { status: 'ok', checks: {} }]);
    const ready = await ask('GET', '/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.json()).toMatchObject({
      status: 'ok',
      checks: {
        membership: { ok: true, detail: 'serving' },
        proof: { ok: true },
        hub: { ok: true },
      },
    });
  });

  test.each([
    ['127.0.0.1:4001', 200],
    ['10.3.2.1:4001', 200],
    ['[::1]:4001', 200],
    ['[fd00::7]', 200],
    ['localhost:4001', 200],
    ['LOCALHOST.', 200],
    ['node.localhost', 200],
    ['sekisho:4001', 200],
    ['ops.internal.example:4001', 200],
    ['OPS.internal.example.', 200],
    ['evil.example', 403],
    ['evil.example:4001', 403],
    ['127.0.0.1.evil.example', 403],
    ['internal.example', 403],
    ['localhost.evil.example', 403],
  ])(
    'ASVS 3.5 B11 asked as %s it answers %i: a foreign page cannot read it by a name of its own',
    async (host, status) => {
      const named = createOperationsApp(engine, { metrics, hosts: ['ops.internal.example'] });
      for (const path of ['/metrics', '/members', '/readyz', '/healthz']) {
        const answer = await named.fetch(new Request(`http://${host}${path}`));
        expect([path, answer.status]).toEqual([path, status]);
        if (status === 403) {
          expect(problemSchema.parse(await answer.json()).code).toBe('origin_denied');
        }
      }
    },
  );

  test('B10 a node that has no engine yet is alive and not ready', async () => {
    const early = createOperationsApp(() => null, { metrics });
    const get = (path: string) => early.fetch(new Request(`http://127.0.0.1:4001${path}`));
    expect((await get('/healthz')).status).toBe(200);
    const ready = await get('/readyz');
    expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await ready.json()).toMatchObject({
      status: 'unavailable',
      checks: { record: { ok: false } },
    });
    const members = await get('/members');
    expect([members.status, problemSchema.parse(await members.json()).code]).toEqual([
      503,
      'not_ready',
    ]);
    expect((await get('/metrics')).status).toBe(200);
  });

  test('B4 a draining node, or one that can prove nothing, is not ready', async () => {
    draining = true;
    expect((await ask('GET', '/readyz')).status).toBe(503);
    expect((await ask('GET', '/healthz')).status).toBe(200);
    draining = false;
    expect((await ask('GET', '/readyz')).status).toBe(200);
    const status = () => ({ ...engine.status(), freshness: 'unavailable' as const });
    const cut = createOperationsApp({ ...engine, status });
    const answer = await cut.fetch(new Request('http://127.0.0.1:4001/readyz'));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ checks: { proof: { ok: false } } });
  });

  test('UPGRADE a node that meets a scope it does not know says which', async () => {
    const status = () => ({ ...engine.status(), unknownScope: 'region' });
    const behind = createOperationsApp({ ...engine, status });
    const answer = await behind.fetch(new Request('http://127.0.0.1:4001/readyz'));
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      checks: { log: { ok: false, detail: expect.stringContaining('region') } },
    });
  });

  test('G5 without its hub a node is ready: answers stay exact', async () => {
    const status = () => ({ ...engine.status(), hub: { kind: 'redis', working: false } });
    const quiet = createOperationsApp({ ...engine, status });
    const answer = await quiet.fetch(new Request('http://127.0.0.1:4001/readyz'));
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ checks: { hub: { ok: false } } });
  });

  test('B11 members, with addresses', async () => {
    const { memberId } = engine.status();
    const answer = await ask('GET', '/members');
    expect(await answer.json()).toMatchObject({
      members: [{ id: memberId, self: true, address: null, lease_ms: 750 }],
    });
  });

  test('A2 RFC 9110 405 with Allow, 404, HEAD, OPTIONS here too', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/members']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'TRACE']) {
        const answer = await ask(method, path);
        expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
        expect(problemSchema.parse(await answer.json()).code).toBe('method_not_allowed');
      }
      const head = await ask('HEAD', path);
      expect([head.status, await head.text()]).toEqual([200, '']);
      expect((await ask('OPTIONS', path)).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    }
    for (const path of ['/', '/metrics/', '/v1/session', '/healthz/x']) {
      expect((await ask('GET', path)).status).toBe(404);
      expect((await ask('OPTIONS', path)).status).toBe(404);
    }
  });
});

describe('A10 B11: metrics', () => {
  test('B11 requests by route template, never by path, tenant or user', async () => {
    const { tenant, admin, pair } = await test_.makeTenant('figures');
    await send('GET', `/v1/admin/users/${admin.uid}?x=1`, { token: pair.accessToken });
    await send('GET', `/v1/nowhere/${admin.uid}`);
    await send('BREW', '/v1/authenticate/anything/at/all', { token: pair.accessToken });
    const name = 'http_server_request_duration_seconds_count';
    const of = (method: string, route: string, status: number) =>
      figure(
        `${name}{http_request_method="${method}",http_route="${route}",http_response_status_code="${status}"}`,
      );
    expect(await of('GET', '/v1/admin/users/{uid}', 422)).toBe(1);
    expect(await of('GET', 'unmatched', 404)).toBe(1);
    expect(await of('_OTHER', '/v1/authenticate/*', 200)).toBe(1);
    const text = await (await ask('GET', '/metrics')).text();
    for (const id of [tenant.tid, admin.uid, pair.session.sid, admin.email]) {
      expect(text).not.toContain(id);
    }
  });

  test('B11 logins, refreshes and judged tokens by outcome, whoever calls', async () => {
    const { pair } = await test_.makeTenant('outcomes');
    const origin = { requestId: 'r', ip: null, userAgent: null };
    const passed = await figure('sekisho_authentications_total{outcome="success"}');
    await engine.authentication.authenticate(pair.accessToken);
    await engine.authentication.authenticate('x').catch(() => {});
    await send('POST', '/v1/refresh', { json: { refresh_token: pair.refreshToken } });
    const input = {
      tenant: 'outcomes',
      email: 'a@b',
      password: 'x',
      device: null,
      deviceToken: null,
    };
    await engine.logins.login(input, origin).catch(() => {});
    expect(await figure('sekisho_authentications_total{outcome="success"}')).toBe(passed + 1);
    expect(await figure('sekisho_authentications_total{outcome="invalid_token"}')).toBe(1);
    expect(await figure('sekisho_refreshes_total{outcome="success"}')).toBe(1);
    expect(await figure('sekisho_logins_total{outcome="invalid_credentials"}')).toBe(1);
  });

  test('B11 revocations with how long they waited', async () => {
    const { pair } = await test_.makeTenant('revocations');
    const line = 'sekisho_revocations_total{scope="session",effective="everywhere"}';
    const before = [await figure(line), await figure('sekisho_barrier_wait_seconds_count')];
    await send('POST', '/v1/logout', { token: pair.accessToken });
    const after = [await figure(line), await figure('sekisho_barrier_wait_seconds_count')];
    expect(after).toEqual(before.map((count) => count + 1));
  });

  test('B11 B14 whoever revokes: an operator, a service client, the device cap, and each once', async () => {
    const { caller, admin, pair } = await test_.makeTenant('revokers');
    const count = async () => [
      await figure('sekisho_revocations_total{scope="session",effective="everywhere"}'),
      await figure('sekisho_revocations_total{scope="all",effective="everywhere"}'),
      await figure('sekisho_barrier_wait_seconds_count'),
    ];
    const { operator, clients, administration } = engine;
    let before = await count();
    const since = async () => {
      const now = await count();
      const grown = now.map((one, at) => one - (before[at] ?? 0));
      before = now;
      return grown;
    };

    const client = { tenantId: caller.session.tenantId, clientId: 'a service', name: 'A service' };
    await clients.revokeToken(client, pair.refreshToken, ORIGIN);
    expect(await since()).toEqual([1, 0, 1]);

    const { accessToken } = await test_.open('revokers', admin.uid);
    const again = await test_.callerOf({ accessToken });
    await test_.setPolicy(again, { max_sessions_per_user: 1, on_session_limit: 'revoke_oldest' });
    await since();
    const last = await test_.open('revokers', admin.uid);
    expect(await since()).toEqual([1, 0, 1]);

    const by = await test_.callerOf(last);
    const options = {
      ...{ reason: null, waitMs: 2_000, includeSelf: true },
      idempotency: { key: 'once', bodyHash: new Uint8Array(32) },
    };
    const other = await test_.makeUser(by, 'other@revokers.example');
    const { session } = await test_.open('revokers', other.uid);
    await since();
    await administration.revokeSession(by, session.sid, options);
    // The same request again is answered, and revokes nothing.
    await administration.revokeSession(by, session.sid, options);
    expect(await since()).toEqual([1, 0, 1]);

    await operator.revokeSessions({ scope: 'all', reason: null, waitMs: null });
    expect(await since()).toEqual([0, 1, 1]);
  });

  test('B11 the follower: lease, view, positions, hub', async () => {
    expect(await figure('sekisho_serving')).toBe(1);
    expect(await figure('sekisho_hub_working')).toBe(1);
    expect(await figure('sekisho_lease_left_seconds')).toBeLessThanOrEqual(0.75);
    const { head } = engine.status();
    expect(await figure('sekisho_log_head_position')).toBe(head);
    expect(await figure('sekisho_view_entries')).toBeGreaterThan(0);
  });

  test('A10 names: a prefix, base units, _total for what only grows; labels are words of ours', async () => {
    const text = await (await ask('GET', '/metrics')).text();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => ({
      name,
      type,
    }));
    expect(types.length).toBeGreaterThan(12);
    for (const { name, type } of types) {
      expect(name).toMatch(/^(sekisho_|http_server_|process_|nodejs_)/);
      expect(name).not.toMatch(/_ms$|_milliseconds|_minutes/);
      if (name.startsWith('sekisho_')) expect(name.endsWith('_total')).toBe(type === 'counter');
      expect(text).toContain(`# HELP ${name} `);
    }
  });

  test('A10 each instance counts for itself', async () => {
    const other = createMetrics({ process: false });
    other.login('success');
    expect(await other.read()).toContain('sekisho_logins_total{outcome="success"} 1');
    expect(await figure('sekisho_logins_total{outcome="success"}')).toBe(0);
  });
});
