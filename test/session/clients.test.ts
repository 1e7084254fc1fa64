import { afterAll, beforeAll, expect, test } from 'vitest';
import { ORIGIN, startTestEngine, type TestEngine, type TestTenant } from '../support/engine.ts';

let engine: TestEngine;
let acme: TestTenant;
beforeAll(async () => {
  engine = await startTestEngine();
  acme = await engine.makeTenant('acme');
});
afterAll(() => engine.close());

test('smoke', async () => {
  const { client, secret } = await engine.engine.administration.createClient(acme.caller, {
    name: 'billing',
    expiresInSeconds: null,
  });
  const { clients } = engine.engine;
  const calling = await clients.authenticate({ id: client.cid, secret }, ORIGIN);
  expect(calling).toEqual({ tenantId: acme.tenant.tid, clientId: client.cid, name: 'billing' });
  expect(await clients.introspect(calling, acme.pair.accessToken)).toMatchObject({ active: true });
  expect(await clients.introspect(calling, acme.pair.refreshToken)).toMatchObject({ active: true });
  const r = await clients.revokeToken(calling, acme.pair.refreshToken, ORIGIN);
  expect(r.revocation?.barrier.effective).toBe('everywhere');
  expect(await clients.introspect(calling, acme.pair.accessToken)).toEqual({ active: false });
  expect(await clients.introspect(calling, acme.pair.refreshToken)).toEqual({ active: false });
});
