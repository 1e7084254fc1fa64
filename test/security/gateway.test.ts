import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp } from '../../src/http/app.ts';
import type { TestTenant } from '../support/engine.ts';
import { type Send, senderOf, startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let gateway: Send;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  gateway = senderOf(createHttpApp(http.engine.engine, { trustedProxies: ['192.0.2.7'] }));
});
afterAll(() => http.close());

describe('A9: what a client can slip through a gateway', () => {
  test('A9 ASVS 3.5.1 a field that the gateway passes on does not undo the one that it sets', async () => {
    const cookie = `__Host-sekisho=${acme.pair.accessToken}`;
    for (const [set, passedOn] of [
      ['x-forwarded-method', 'x-original-method'],
      ['x-original-method', 'x-forwarded-method'],
    ] as const) {
      const headers = { origin: 'https://evil.example', [set]: 'POST', [passedOn]: 'GET' };
      const { status } = await gateway('GET', '/v1/authenticate', { cookie, headers });
      expect([set, status]).toEqual([set, 403]);
    }
  });

  test.each(['role=,', 'role=,,', 'role=admin,', 'role=,admin'])(
    'A9 ASVS 16.5.2 ?%s is no list of roles: it asks for none, and so lets nobody through',
    async (query) => {
      const sent = { token: acme.pair.accessToken };
      expect((await http.send('GET', `/v1/authenticate?${query}`, sent)).status).toBe(422);
    },
  );
});
