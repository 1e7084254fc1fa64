import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import { makeResetToken } from '../../src/token/reset-token.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
});
afterAll(() => http.close());

describe('A7: what a stranger sends costs about what it weighs', () => {
  test('A7 ASVS 16.5.1 a body full of faults is answered with a few of them, briefly', async () => {
    const nul = '\u0000';
    const long = 'k'.repeat(30_000);
    for (const json of [
      { [long]: new Array(3500).fill(nul) },
      { [long]: { [long.slice(0, 20_000)]: [nul, nul] } },
      Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`f${n}`, nul])),
      { tenant: 'acme', email: nul.repeat(9000), password: nul.repeat(1000) },
    ]) {
      const { status, response, body } = await http.send('POST', '/v1/login', { json });
      expect(status).toBe(422);
      expect(JSON.stringify(body).length).toBeLessThan(20_000);
      expect(body.errors.length).toBeGreaterThan(0);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
    const roles = new Array(4000).fill('NOT A ROLE');
    const sent = { token: acme.pair.accessToken, json: { email: 'a@b', roles } };
    const { status, body } = await http.send('POST', '/v1/admin/users', sent);
    expect(status).toBe(422);
    expect(body.errors.length).toBeLessThanOrEqual(50);
  });

  test('A4 A7 ASVS 6.3.1 reset links are tried from one address as often as the limit says, whatever tenants they name', async () => {
    const peer = '198.51.100.77';
    const { address_attempts: limit } = (
      await http.engine.engine.administration.getPolicy(acme.caller)
    ).policy.login_limit;
    // Most of the allowance is used without hashing: what is counted is the attempt.
    for (let n = 0; n < limit; n += 1) {
      const bucket = {
        kind: 'address',
        key: peer,
        attempts: limit,
        windowMs: 900_000,
        maxWaitMs: 900_000,
      } as const;
      // Ahead of this node, so that the wait that follows is not over before it was met.
      const now = http.engine.services.follower.wallNowMs() + 60_000;
      await http.engine.record.attempts.reserve('unknown', [bucket], newId(), now);
    }
    for (const tid of [newId(), newId(), acme.tenant.tid]) {
      const token = makeResetToken(tid, randomBytes);
      const json = { token, new_password: PASSWORD };
      const { status } = await http.send('POST', '/v1/password/reset', { json, peer });
      expect(status).toBe(429);
    }
    // Another address is not concerned.
    const json = { token: makeResetToken(newId(), randomBytes), new_password: PASSWORD };
    const other = await http.send('POST', '/v1/password/reset', { json, peer: '198.51.100.78' });
    expect([other.status, other.body.code]).toEqual([401, 'invalid_token']);
  });

  test('A7 B11 a session has sixteen event streams, and a closed one makes room', async () => {
    const pair = await http.engine.open('acme', acme.admin.uid);
    const open = (token: string) => http.send('GET', '/v1/admin/events', { token });
    const streams = [];
    for (let n = 0; n < 16; n += 1) streams.push(await open(pair.accessToken));
    expect(streams.map(({ status }) => status)).toEqual(new Array(16).fill(200));
    const refused = await open(pair.accessToken);
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_streams']);
    const other = await open(acme.pair.accessToken);
    expect(other.status).toBe(200);
    await streams[0]?.response.body?.cancel();
    const again = await open(pair.accessToken);
    expect(again.status).toBe(200);
    // Revocation gives all places back.
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
    for (const { response } of [other, again]) await response.body?.cancel().catch(() => {});
  });
});
