/**
 * Sekisho for tests: an instance in memory that starts in a second or so (docs/testing.md), people to log in, and time to move.
 *
 * Never in production: it opens sessions for anybody without a password. Loading it there is refused (NODE_ENV).
 *
 * @example
 * import { createTestSekisho } from 'sekisho/testing';
 *
 * const test = await createTestSekisho();
 * const { member } = test.tenants.main.users;
 * const laptop = await member.login({ device: 'Laptop' });
 */
import { refuseProduction } from './no-production.ts';

refuseProduction();

export {
  type BrowserContextLike,
  type BrowserCookie,
  type BrowserLogin,
  logInBrowser,
} from './browser.ts';
export {
  createTestSekisho,
  type TestDuration,
  type TestSekisho,
  type TestSekishoOptions,
  type TestTenantSeeds,
  type TestTenants,
} from './create.ts';
export type { TestLogin, TestLoginOptions } from './logins.ts';
export {
  TEST_PASSWORD,
  type TestPolicy,
  type TestTenant,
  type TestTenantSeed,
  type TestUser,
  type TestUserSeed,
} from './people.ts';
export {
  type AppUnderTest,
  type BrowserFixtureOptions,
  type BrowserFixtures,
  browserFixtures,
  type RunningApp,
} from './playwright.ts';
