import { readConfig, type SekishoOptions } from '../config.ts';
import { createInstance } from '../create/instance.ts';
import { type OpenEngine, openEngine } from '../create/open.ts';
import type { Sekisho } from '../create/sekisho.ts';
import { createSqlRecord } from '../record/sql-record.ts';
import { makeSecret } from '../token/secrets.ts';
import { createHeldClock, type HeldClock } from './clock.ts';
import { openTestDatabase, type TestDatabase } from './database.ts';
import type { World } from './logins.ts';
import { refuseProduction } from './no-production.ts';
import { createTestHasher } from './passwords.ts';
import { makeTenant, type TestTenant, type TestTenantSeed } from './people.ts';
import { takeSnapshot } from './rewind.ts';

/** What a test's instance may be told, beside what it begins with. */
type InstanceOptions = Pick<
  SekishoOptions,
  | 'issuer'
  | 'audience'
  | 'basePath'
  | 'allowedOrigins'
  | 'trustedProxies'
  | 'clearSiteData'
  | 'dangerouslyAllowHttpCookies'
  | 'strict'
  | 'logLevel'
  | 'logger'
>;

/** Tenants to begin with, by slug. */
export type TestTenantSeeds = Readonly<Record<string, TestTenantSeed>>;

const DEFAULT_SEEDS = { main: { users: { member: {} } } } as const;
type DefaultSeeds = typeof DEFAULT_SEEDS;

/** What `createTestSekisho` takes: what `createSekisho` does of it, and the world of the test. */
export interface TestSekishoOptions<Seeds extends TestTenantSeeds = DefaultSeeds>
  extends InstanceOptions {
  /** The tenants to begin with, by slug. Default: `main`, with its `admin` and a `member`. */
  readonly tenants?: Seeds;
  /**
   * `held`: time stands still until `advance`, but for a millisecond at each login. `real`: it runs, as an instance needs that
   * browsers use for minutes. Default `held`.
   */
  readonly clock?: 'held' | 'real';
  /** When the test takes place; with a held clock only. Default: now. */
  readonly now?: Date;
}

/** How far time is moved: the sum of what is given, above 0. */
export interface TestDuration {
  readonly milliseconds?: number;
  readonly seconds?: number;
  readonly minutes?: number;
  readonly hours?: number;
  readonly days?: number;
}

/** The tenants that a test began with, by slug. */
export type TestTenants<Seeds extends TestTenantSeeds> = {
  readonly [Slug in keyof Seeds]: TestTenant<
    Seeds[Slug]['users'] extends Readonly<Record<infer Name extends string, unknown>> ? Name : never
  >;
};

/** A Sekisho of a test's own. */
export interface TestSekisho<Seeds extends TestTenantSeeds = DefaultSeeds> {
  /** The real thing, for the app under test: everything that `createSekisho` makes. */
  readonly sekisho: Sekisho;
  /** What it began with. The same before and after `reset`. */
  readonly tenants: TestTenants<Seeds>;
  /** One more tenant, until `reset`. @throws SekishoError `slug_taken`, `validation_failed`. */
  addTenant(slug: string, seed?: TestTenantSeed): Promise<TestTenant>;
  /** The time of the test. */
  now(): Date;
  /**
   * Moves time on in one step, as when a laptop is opened again: tokens and sessions that have ended by then are refused,
   * waits are over, sockets whose session has ended are cut, and whatever runs from time to time has run once, when it
   * resolves. Tokens stay exact to the millisecond.
   *
   * @throws Error when the clock is `real`, or time would not go on.
   */
  advance(by: TestDuration): Promise<void>;
  /** Runs clean-up to its end, however much there is to remove. */
  cleanUp(): Promise<void>;
  /**
   * Everything as it was when `createTestSekisho` resolved: users, policies and limits are back, what came since is gone,
   * and nobody is logged in. Time stays what it is. For `beforeEach`.
   */
  reset(): Promise<void>;
  /** Closes the instance, whose record is gone with it. For `afterAll`. */
  close(): Promise<void>;
}

/** Between two batches of clean-up. */
const REST_MS = 50;

/**
 * Starts an instance in memory for tests (docs/testing.md says what it costs): the real engine on a real database, with
 * tenants and users to begin with, a clock that stands still until it is moved, and passwords that cost no time. Make one
 * for a test file.
 *
 * Never for people: whoever has it logs in as anybody, and it refuses to start with NODE_ENV=production.
 *
 * @throws SekishoError `invalid_configuration`, `validation_failed` for a seed.
 * @example
 * import { createTestSekisho } from 'sekisho/testing';
 *
 * const test = await createTestSekisho({ tenants: { acme: { users: { noor: { roles: ['buyer'] } } } } });
 * const { noor, admin } = test.tenants.acme.users;
 * const phone = await noor.login({ device: 'Phone' });
 * await test.sekisho.authenticate(phone.accessToken);
 */
export async function createTestSekisho<const Seeds extends TestTenantSeeds = typeof DEFAULT_SEEDS>(
  options: TestSekishoOptions<Seeds> = {},
): Promise<TestSekisho<Seeds>> {
  refuseProduction();
  const { tenants: seeds = DEFAULT_SEEDS, clock: kind = 'held', now, ...rest } = options;
  const wall = kind === 'held' ? new Float64Array(new SharedArrayBuffer(8)) : null;
  const clock = wall === null ? null : createHeldClock(now?.getTime(), (ms) => wall.fill(ms));
  const config = readConfig({
    ...{ dataDir: ':memory:', logLevel: 'error', ...rest },
    ...(clock === null ? {} : { clock }),
  });

  let test: TestDatabase | null = null;
  let open: OpenEngine | null = null;
  const { sekisho, ready } = createInstance(config, async (_config, opening) => {
    test = await openTestDatabase(wall);
    const record = createSqlRecord(test.database);
    await record.migrate();
    open = await openEngine({
      ...{ record, config, exclusive: true, secret: makeSecret(), ...opening },
      passwords: createTestHasher(),
    });
    return open;
  });
  try {
    await ready;
    const parts = { sekisho, tick: () => clock?.move(1), ...opened(test, open) };
    const tenants: Record<string, TestTenant> = {};
    for (const [slug, seed] of Object.entries(seeds)) {
      tenants[slug] = await makeTenant(parts, slug, seed);
    }
    return await surround(parts, clock, tenants as TestTenants<Seeds>);
  } catch (error) {
    await sekisho.close();
    throw error;
  }
}

interface Parts extends World {
  readonly test: TestDatabase;
  readonly open: OpenEngine;
}

function opened(test: TestDatabase | null, open: OpenEngine | null): Omit<Parts, keyof World> {
  if (test === null || open === null) throw new Error('The instance of the test did not open.');
  return { test, open };
}

async function surround<Seeds extends TestTenantSeeds>(
  parts: Parts,
  clock: HeldClock | null,
  tenants: TestTenants<Seeds>,
): Promise<TestSekisho<Seeds>> {
  const { sekisho, test, open } = parts;
  const { follower, maintenance, operations, trail } = open.services;
  const { operator } = sekisho.engine;
  await test.quiet();
  const begin = await takeSnapshot(test.database);

  return Object.freeze({
    sekisho,
    tenants: Object.freeze(tenants),
    addTenant: (slug: string, seed: TestTenantSeed = {}) => makeTenant(parts, slug, seed),
    now: () => new Date(clock?.wallMs() ?? Date.now()),
    async advance(by: TestDuration) {
      const ms = millisecondsOf(by);
      if (clock === null)
        throw new Error('The clock of this instance is real: it moves by itself.');
      if (!(ms > 0)) throw new Error('Time goes on: advance by more than 0.');
      clock.move(ms);
      // Before anything looks at the new time: a node whose lease is over cuts every socket, and it is not this one's fault.
      await follower.proveNow();
      clock.callDue();
      await test.quiet();
    },
    async cleanUp() {
      let done = false;
      const run = maintenance.run().finally(() => {
        done = true;
      });
      while (!done) {
        await test.quiet();
        if (!done) await clock?.advance(REST_MS);
      }
      await run;
    },
    async reset() {
      await open.flush();
      await operator.revokeSessions({ scope: 'all', reason: 'reset of a test', waitMs: null });
      await trail.sealer.whilePutBack(() => begin.restore());
      await operations.look();
    },
    close: () => sekisho.close(),
  });
}

function millisecondsOf(by: TestDuration): number {
  const { milliseconds = 0, seconds = 0, minutes = 0, hours = 0, days = 0 } = by;
  return milliseconds + 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)));
}
