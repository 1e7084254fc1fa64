import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/table.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

/** `npm run nightly` asks this many times as often, and with other requests each time; a failure prints its seed. */
const TIMES = Number(process.env.SEKISHO_FUZZ_TIMES ?? 1);
const SEED = TIMES === 1 ? 4711 : Date.now();

let http: TestApp;
let acme: TestTenant;
let victim: string;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  victim = (await http.engine.makeUser(acme.caller, 'victim@acme.example')).uid;
});
afterAll(() => http.close());

/** Texts that have broken somebody's parser, store or log, beside any others. */
const odd = fc.oneof(
  fc.constantFrom(
    '',
    '\0',
    '\ud800',
    '\u202e',
    "'; drop table sekisho.users; --",
    '$\u007bjndi:ldap://x}',
    '../../etc/passwd',
    '\r\nX-Injected: 1',
    'ａdmin@acme.example',
    'a'.repeat(5000),
    '__proto__',
    '2026-02-31T00:00:00Z',
    '1e400',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

const value: fc.Arbitrary<unknown> = fc.oneof(
  odd,
  fc.integer(),
  fc.double(),
  fc.constantFrom(null, true, false, [], {}, -0, 1e300, Number.MAX_SAFE_INTEGER),
  fc.array(odd, { maxLength: 3 }),
  fc.dictionary(odd, odd, { maxKeys: 3 }),
);

/** What each route accepts, so that fuzzing gets past the first check of the schema. */
const GOOD: Readonly<Record<string, object>> = {
  login: { tenant: 'acme', email: 'nobody@acme.example', password: 'x', device: 'd' },
  refresh: { refresh_token: 'x' },
  logout: { refresh_token: 'x' },
  reauthenticate: { password: 'x' },
  'password.change': { current_password: 'x', new_password: PASSWORD },
  'password.reset': { token: 'x', new_password: PASSWORD },
  'admin.users.create': { email: 'new@acme.example', name: 'n', roles: ['member'] },
  'admin.users.change': { name: 'n', roles: ['member'], status: 'active' },
  'admin.users.revoke': { reason: 'r', wait_ms: 0, include_self: false },
  'admin.sessions.revoke': { reason: 'r', wait_ms: 0, include_self: false },
  'admin.revokeAll': { reason: 'r', wait_ms: 0, include_self: false },
  'admin.policy.put': DEFAULT_POLICY,
  'admin.clients.create': { name: 'n', expires_in: 60 },
  'admin.clients.addSecret': { expires_in: 60, overlap: 0 },
};

/** A good body with one member replaced, dropped or added. */
function bodyOf(name: string): fc.Arbitrary<unknown> {
  const good = GOOD[name] ?? {};
  const names = Object.keys(good);
  const mutated = fc
    .tuple(names.length === 0 ? odd : fc.oneof(fc.constantFrom(...names), odd), value)
    .map(([member, replaced]) => ({ ...good, [member]: replaced }));
  return fc.oneof({ weight: 4, arbitrary: mutated }, { weight: 1, arbitrary: value });
}

function pathOf(route: Route, text: string): string {
  // Dots alone are no segment of a path (WHATWG URL).
  const segment = text === '.' || text === '..' ? 'x' : encodeURIComponent(text.toWellFormed());
  return route.path.replace('*', segment).replace(/\{\w+\}/g, segment || 'x');
}

const changing = routes.filter(({ method }) => method !== 'GET' && method !== 'ANY');

describe('A2: whatever is sent, it is no 5xx', () => {
  // The policy put by chance may be a shorter one: the caller comes back with a new token.
  let token = '';
  const send = async (route: Route, path: string, sent: object) => {
    const answer = await http.send(route.method === 'ANY' ? 'GET' : route.method, path, {
      token,
      ...sent,
    });
    if (answer.status === 401) token = (await http.engine.open('acme', acme.admin.uid)).accessToken;
    expect(answer.status, JSON.stringify([route.name, path, sent])).toBeLessThan(500);
  };

  for (const route of changing) {
    // Each that gets as far as a password costs argon2id.
    const slow = /password|login|reauthenticate/i.test(route.name);
    test(`A2 ${route.method} ${route.path} with fuzzed bodies and ids`, async () => {
      token = (await http.engine.open('acme', acme.admin.uid)).accessToken;
      await fc.assert(
        fc.asyncProperty(
          bodyOf(route.name),
          fc.oneof(fc.constant(victim), odd),
          async (json, segment) => {
            await send(route, pathOf(route, segment), { json });
          },
        ),
        { numRuns: (slow ? 25 : 60) * TIMES, seed: SEED },
      );
    });
  }

  test('A2 every GET with fuzzed queries, ids and header fields', async () => {
    token = (await http.engine.open('acme', acme.admin.uid)).accessToken;
    const names = [
      'limit',
      'cursor',
      'state',
      'user',
      'actor',
      'action',
      'from',
      'to',
      'role',
      'fresh',
      'max_auth_age',
    ];
    const reading = routes.filter(
      ({ method, name }) => (method === 'GET' || method === 'ANY') && name !== 'admin.events',
    );
    const field = fc.string({ unit: 'grapheme-ascii', maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...reading),
        fc.dictionary(fc.constantFrom(...names), odd, { maxKeys: 2 }),
        odd,
        fc.dictionary(
          fc.constantFrom(
            'if-match',
            'origin',
            'cookie',
            'x-forwarded-for',
            'content-type',
            'accept',
          ),
          field,
          { maxKeys: 2 },
        ),
        async (route, query, segment, headers) => {
          const search = new URLSearchParams(query as Record<string, string>).toString();
          await send(route, `${pathOf(route, segment)}?${search}`, { headers });
        },
      ),
      { numRuns: 300 * TIMES, seed: SEED },
    );
  });

  test('A2 bytes that are no JSON, at every route that takes some', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...changing),
        fc.uint8Array({ maxLength: 60 }),
        async (route, bytes) => {
          const headers = { 'content-type': 'application/json' };
          await send(route, pathOf(route, 'x'), { body: new Uint8Array(bytes), headers });
        },
      ),
      { numRuns: 150 * TIMES, seed: SEED },
    );
  });

  test('A2 authorization of any kind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary-ascii', maxLength: 60 }), async (text) => {
        const authorization = `Bearer ${text.replace(/\p{Cc}/gu, '')}`;
        const { status } = await http.send('GET', '/v1/session', { headers: { authorization } });
        expect(status).toBe(401);
      }),
      { numRuns: 100 * TIMES, seed: SEED },
    );
  });
});
