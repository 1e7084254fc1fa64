import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type BrowserCookie,
  browserFixtures,
  createTestSekisho,
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

test('A1 fixtures name what they want the way Playwright reads it, and log in before the test', async () => {
  const closed: string[] = [];
  const { app, context } = browserFixtures({
    tenants: { shop: { users: { noor: {} } } },
    start: ({ sekisho }) => ({
      url: `http://localhost:3000${sekisho.basePath}`,
      close: () => closed.push('app'),
    }),
    login: ({ tenants }) => tenants.shop.users.noor.login(),
  });
  const [makeApp, { scope }] = app;
  expect(scope).toBe('worker');
  // Playwright parses a function's text: an object pattern as its first parameter.
  expect(makeApp.toString()).toMatch(/^async \(\{\}, use\) =>/);
  expect(context.toString()).toMatch(/^async \(\{ context, app \}, use\) =>/);
  const browser = fakeContext();
  let names: string[] = [];
  await makeApp({}, async (running) => {
    await context({ context: browser, app: running }, async (same) => {
      expect(same).toBe(browser);
      names = browser.jar.map(({ name }) => name);
      const { accessToken } = await running.testing.tenants.shop.admin.login();
      await running.testing.sekisho.authenticate(accessToken);
    });
    expect(closed).toEqual([]);
  });
  expect(names).toEqual(['__Host-sekisho', '__Host-sekisho-refresh']);
  expect(closed).toEqual(['app']);
});
