import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HubEvent } from '../../src/hub/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { cookieOf, type Received, startTestApp, type TestApp } from '../support/http.ts';

const clock = createTestClock();
let http: TestApp;
let acme: TestTenant;
let events: HubEvent[] = [];
let count = 0;

beforeAll(async () => {
  http = await startTestApp({ clock }, { clock });
  acme = await http.engine.makeTenant('acme');
  http.engine.services.hub.onEvent((event) => events.push(event));
});
afterAll(() => http.close());

const COOKIE = { transport: 'cookie' } as const;

/** Somebody new, logged in over HTTP. */
async function loggedIn(more: object = {}): Promise<Received> {
  await http.engine.flush();
  events = [];
  count += 1;
  const email = `user${count}@acme.example`;
  await http.engine.makeUser(acme.caller, email);
  const json = { tenant: 'acme', email, password: PASSWORD, ...more };
  return http.send('POST', '/v1/login', { json });
}

const byBody = (token: string) =>
  http.send('POST', '/v1/refresh', { json: { refresh_token: token } });
const byCookie = (cookie: string) => http.send('POST', '/v1/refresh', { cookie });
const answered = ({ status, body }: Received) => [status, body.code ?? null];

/** `rot` of an access token: the number of the answer that it came with. */
function rotOf(token: string): number {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as { rot: number }).rot;
}

async function trail(action: string): Promise<readonly Record<string, unknown>[]> {
  const pair = await http.engine.open('acme', acme.admin.uid);
  const { status, body } = await http.send('GET', `/v1/admin/audit?action=${action}`, {
    token: pair.accessToken,
  });
  expect(status).toBe(200);
  return body.events;
}

describe('B6: POST /v1/refresh after its answer was lost', () => {
  test('B6 ASVS 10.4.5 is 200 with the same successor, in the window and minutes after it', async () => {
    const { body } = await loggedIn();
    const lost = await byBody(body.refresh_token);
    await clock.advance(5_000);
    const soon = await byBody(body.refresh_token);
    await clock.advance(300_000);
    const late = await byBody(body.refresh_token);
    expect([lost, soon, late].map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set([lost, soon, late].map((one) => one.body.refresh_token)).size).toBe(1);
    expect([lost, soon, late].map((one) => rotOf(one.body.access_token))).toEqual([1, 1, 2]);
    expect(late.headers.get('cache-control')).toBe('no-store');
    const who = await http.send('GET', '/v1/session', { token: late.body.access_token });
    expect(who.status).toBe(200);
    const rows = await trail('authn_token_answer_lost');
    expect(rows).toMatchObject([{ outcome: 'success', ip: '192.0.2.7' }]);
  });

  test('B6 by cookie: the browser goes on with what it has, and gets the next cookies', async () => {
    const cookie = cookieOf((await loggedIn(COOKIE)).headers);
    const lost = await byCookie(cookie);
    await clock.advance(300_000);
    const late = await byCookie(cookie);
    expect(answered(late)).toEqual([200, null]);
    expect(late.body).not.toHaveProperty('refresh_token');
    const [access, refresh] = late.headers.getSetCookie();
    const lostCookies = lost.headers.getSetCookie();
    expect(refresh?.split(';')[0]).toBe(lostCookies[1]?.split(';')[0]);
    expect(access?.split(';')[0]).not.toBe(lostCookies[0]?.split(';')[0]);
    const who = await http.send('GET', '/v1/session', { cookie: cookieOf(late.headers) });
    expect(who.status).toBe(200);
  });

  test('ASVS 10.4.5 a gateway that saw the access token shows that the answer arrived: 401, and dead cookies', async () => {
    const cookie = cookieOf((await loggedIn(COOKIE)).headers);
    const got = await byCookie(cookie);
    const gateway = await http.send('GET', '/v1/authenticate', { cookie: cookieOf(got.headers) });
    expect(gateway.status).toBe(200);
    await clock.advance(11_000);
    const stolen = await byCookie(cookie);
    expect(answered(stolen)).toEqual([401, 'session_revoked']);
    expect(stolen.headers.getSetCookie().every((one) => one.includes('Max-Age=0'))).toBe(true);
    const owner = await byCookie(cookieOf(got.headers));
    expect(answered(owner)).toEqual([401, 'session_revoked']);
  });

  test('ASVS 10.4.5 the access token of the lost answer, in use after all, ends the session everywhere', async () => {
    const { body } = await loggedIn();
    const stolen = await byBody(body.refresh_token);
    await clock.advance(60_000);
    const owner = await byBody(body.refresh_token);
    const used = await http.send('GET', '/v1/sessions', { token: stolen.body.access_token });
    expect(used.status).toBe(200);
    await clock.advance(500);
    await http.engine.flush();
    for (const { access_token } of [stolen.body, owner.body]) {
      const after = await http.send('GET', '/v1/sessions', { token: access_token });
      expect(answered(after)).toEqual([401, 'session_revoked']);
    }
    expect(answered(await byBody(owner.body.refresh_token))).toEqual([401, 'session_revoked']);
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['token.reused', 'session.revoked', 'revocation.everywhere']),
    );
    const rows = await trail('authn_token_reuse');
    expect(rows[0]).toMatchObject({
      outcome: 'failure',
      subject: { kind: 'session', id: body.session.id },
      detail: { evidence: 'access_token' },
    });
  });
});

describe('ASVS 7.2.4: POST /v1/refresh with a token from before a re-authentication', () => {
  async function reauthenticated() {
    const first = await loggedIn(COOKIE);
    const cookie = cookieOf(first.headers);
    const json = { password: PASSWORD };
    const again = await http.send('POST', '/v1/reauthenticate', { cookie, json });
    expect(again.status).toBe(200);
    return { before: cookie, after: cookieOf(again.headers) };
  }

  test('a second tab that raced it is 401 token_superseded, and takes no cookie away', async () => {
    const { before, after } = await reauthenticated();
    const raced = await byCookie(before);
    expect(answered(raced)).toEqual([401, 'token_superseded']);
    expect(raced.headers.getSetCookie()).toEqual([]);
    expect((await byCookie(after)).status).toBe(200);
    expect(events.map(({ type }) => type)).not.toContain('token.reused');
  });

  test('a device that never got the new pair logs in again; nobody calls it a theft', async () => {
    const { before } = await reauthenticated();
    await clock.advance(300_000);
    const lost = await byCookie(before);
    expect(answered(lost)).toEqual([401, 'invalid_refresh_token']);
    expect(lost.headers.getSetCookie()).not.toEqual([]);
    expect(events.map(({ type }) => type)).not.toContain('token.reused');
  });
});

test('A7 a client that refreshes in a loop is told to wait, and goes on where it was', async () => {
  let token = (await loggedIn()).body.refresh_token;
  for (let round = 0; round < 300; round += 1) {
    const { status, body } = await byBody(token);
    expect(status).toBe(200);
    token = body.refresh_token;
  }
  const limited = await byBody(token);
  expect(answered(limited)).toEqual([429, 'too_many_attempts']);
  expect(limited.headers.get('retry-after')).toBe('60');
  expect(limited.headers.get('ratelimit-policy')).toBe('"refresh";q=300;w=60');
  expect(limited.headers.get('ratelimit')).toBe('"refresh";r=0;t=60');
  await clock.advance(60_000);
  expect((await byBody(token)).status).toBe(200);
});
