import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type BrowserCookie,
  createTestSekisho,
  loggedInContext,
  logInBrowser,
  type TestSekisho,
} from '../../src/testing/index.ts';
import { codeOf } from '../support/engine.ts';

let testing: TestSekisho;
beforeAll(async () => {
  testing = await createTestSekisho();
});
afterAll(() => testing.close());

/** What Playwright's `BrowserContext` does with cookies, as far as it is used. */
function fakeContext() {
  const jar: BrowserCookie[] = [];
  return {
    jar,
    async addCookies(cookies: readonly BrowserCookie[]) {
      jar.push(...cookies);
    },
  };
}

test('A1 a browser context is logged in by the cookies that a login sets', async () => {
  const login = await testing.tenants.main.users.member.login();
  const context = fakeContext();
  await logInBrowser(context, login, 'http://localhost:3000/orders');
  // RFC 6265bis section 4.1.3.2: Secure, Path=/ and no Domain, or a browser throws a __Host- cookie away.
  const shared = { domain: 'localhost', path: '/', secure: true, httpOnly: true };
  expect(context.jar).toEqual([
    { name: '__Host-sekisho', value: login.accessToken, ...shared, sameSite: 'Lax' },
    { name: '__Host-sekisho-refresh', value: login.refreshToken, ...shared, sameSite: 'Strict' },
  ]);
  const cookie = context.jar.map(({ name, value }) => `${name}=${value}`).join('; ');
  expect(cookie).toBe(login.cookie);
  const request = new Request('http://localhost:3000/orders', { headers: { cookie } });
  expect((await testing.sekisho.authenticate(request)).sessionId).toBe(login.sessionId);
});

test('A1 plain http to another machine is refused: a browser would keep nothing', async () => {
  const login = await testing.tenants.main.admin.login();
  const context = fakeContext();
  const refused = logInBrowser(context, login, 'http://shop.example');
  expect(await codeOf(refused)).toBe('insecure_transport');
  await logInBrowser(context, login, 'https://shop.example');
  expect(context.jar.map(({ domain }) => domain)).toEqual(['shop.example', 'shop.example']);
});

test('A1 the fixture names what it wants the way Playwright reads it, and logs in before the test', async () => {
  const { admin } = testing.tenants.main;
  const fixture = loggedInContext('http://localhost:3000', () => admin.login());
  // Playwright parses the function's text: an object pattern as its first parameter.
  expect(fixture.toString()).toMatch(/^async \(\{ context \}, use\) =>/);
  const context = fakeContext();
  let during = 0;
  await fixture({ context }, async (same) => {
    expect(same).toBe(context);
    during = context.jar.length;
  });
  expect(during).toBe(2);
});
