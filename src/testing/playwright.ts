import { type BrowserContextLike, type BrowserLogin, logInBrowser } from './browser.ts';
import {
  createTestSekisho,
  type TestSekisho,
  type TestSekishoOptions,
  type TestTenantSeeds,
} from './create.ts';

/** An app that was started for a test. */
export interface RunningApp {
  /** Where it answers: https, or a loopback name. */
  readonly url: string;
  close(): unknown;
}

/** What `browserFixtures` takes, beside the options of its instances. */
export interface BrowserFixtureOptions<Seeds extends TestTenantSeeds>
  extends TestSekishoOptions<Seeds> {
  /** Starts the app under test with the instance; once for each of Playwright's workers. */
  start(testing: TestSekisho<Seeds>): RunningApp | Promise<RunningApp>;
  /** Whose session the pages of a test have; called once for each test. */
  login(testing: TestSekisho<Seeds>): Promise<BrowserLogin>;
}

/** What the fixture `app` is. */
export interface AppUnderTest<Seeds extends TestTenantSeeds> {
  /** As `start` gave it. */
  readonly url: string;
  /** The worker's own instance. */
  readonly testing: TestSekisho<Seeds>;
}

type Use<Value> = (value: Value) => Promise<void>;

/** For `base.extend`. `app` is made once a worker; `context` takes the place of the built-in one. */
export interface BrowserFixtures<Seeds extends TestTenantSeeds> {
  readonly app: [
    (none: object, use: Use<AppUnderTest<Seeds>>) => Promise<void>,
    { readonly scope: 'worker' },
  ];
  readonly context: <Context extends BrowserContextLike>(
    fixtures: { readonly context: Context; readonly app: AppUnderTest<Seeds> },
    use: Use<Context>,
  ) => Promise<void>;
}

/**
 * Playwright fixtures: an app with an instance of its own in each worker, and pages that begin logged in by cookies. Time is
 * real unless asked for otherwise: a browser's is. Typed by what is used of Playwright; the package does not depend on it.
 *
 * @example
 * import { test as base, expect } from '@playwright/test';
 * import { browserFixtures } from 'sekisho/testing';
 *
 * const test = base.extend(
 *   browserFixtures({
 *     start: ({ sekisho }) => startApp(sekisho),
 *     login: ({ tenants }) => tenants.main.users.member.login(),
 *   }),
 * );
 * test('the orders are listed', async ({ page, app }) => {
 *   await page.goto(`${app.url}/orders`);
 * });
 */
export function browserFixtures<const Seeds extends TestTenantSeeds>(
  options: BrowserFixtureOptions<Seeds>,
): BrowserFixtures<Seeds> {
  const { start, login, ...own } = options;
  return {
    app: [
      // Playwright reads the names of the fixtures that are wanted from a function's text: a pattern has to stand here.
      // biome-ignore lint/correctness/noEmptyPattern: it wants none
      async ({}, use) => {
        const testing = await createTestSekisho<Seeds>({ clock: 'real', ...own });
        try {
          const running = await start(testing);
          try {
            await use({ url: running.url, testing });
          } finally {
            await running.close();
          }
        } finally {
          await testing.close();
        }
      },
      { scope: 'worker' },
    ],
    context: async ({ context, app }, use) => {
      await logInBrowser(context, await login(app.testing), app.url);
      await use(context);
    },
  };
}
