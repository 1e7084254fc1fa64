import { type Clock, systemClock } from '../../src/clock.ts';
import { type OpenEngine, openEngine } from '../../src/create/open.ts';
import type { Log } from '../../src/observe/log.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type {
  Caller,
  LoginInput,
  LoginResult,
  Origin,
  Revocation,
  TokenPair,
} from '../../src/session/contract.ts';
import type { Levels } from '../../src/session/log-levels.ts';
import type { Policy, Tenant, User } from '../../src/tenant/types.ts';
import { openTestRecord } from './record.ts';

export const ORIGIN: Origin = Object.freeze({
  requestId: 'request-1',
  ip: '192.0.2.7',
  userAgent: 'tests',
});

/** A password that the policy accepts, and that nothing else in a test contains. */
export const PASSWORD = 'violet-anchor-lantern-93';

/** The secret under which test engines seal and derive. */
export const SECRET = 'a secret of the tests that is long enough';

export interface TestTenant {
  readonly tenant: Tenant;
  readonly admin: User;
  /** The administrator, logged in. */
  readonly caller: Caller;
  readonly pair: TokenPair;
}

/** The real engine on the real record, in memory, with what tests ask of it. */
export interface TestEngine extends OpenEngine {
  readonly record: RecordStore;
  /** A tenant with an administrator `admin@<slug>.example` whose password is `PASSWORD`. */
  makeTenant(slug?: string): Promise<TestTenant>;
  /** A user with `PASSWORD`, in the tenant of an administrator. */
  makeUser(by: Caller, email: string, roles?: readonly string[]): Promise<User>;
  login(slug: string, email: string, more?: Partial<LoginInput>): Promise<LoginResult>;
  /** A session without a password, which takes no time. */
  open(slug: string, uid: string, device?: string): Promise<TokenPair>;
  callerOf(pair: Pick<TokenPair, 'accessToken'>): Promise<Caller>;
  /** Replaces some of the tenant's policy. */
  setPolicy(by: Caller, change: Partial<Policy>): Promise<void>;
}

export interface TestEngineOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** What operators may change of it. Default: nothing. */
  readonly levels?: Levels;
  readonly leaseMs?: number;
  readonly toleranceMs?: number;
  /** Hears of every revocation. */
  readonly onRevocation?: (revocation: Revocation) => void;
  /** Default: a record of its own. The engine closes it. */
  readonly record?: RecordStore;
  /** Whether no other node works on the record. Default true. */
  readonly exclusive?: boolean;
  /** One secret, or a ring. Default `SECRET`. */
  readonly secret?: string;
}

/**
 * Starts an engine on a record of its own. Close it at the end.
 *
 * @example
 * const engine = await startTestEngine();
 * const { caller } = await engine.makeTenant('main');
 */
export async function startTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const record = options.record ?? (await openTestRecord()).record;
  const open = await openEngine({
    record,
    secret: options.secret ?? SECRET,
    exclusive: options.exclusive ?? true,
    log: options.log ?? silentLog,
    levels: options.levels ?? null,
    clock: options.clock ?? systemClock,
    ...(options.onRevocation === undefined ? {} : { onRevocation: options.onRevocation }),
    config: {
      issuer: 'http://127.0.0.1:4000',
      firstIssuer: 'http://127.0.0.1:4000',
      audience: 'sekisho',
      leaseMs: options.leaseMs,
      toleranceMs: options.toleranceMs,
      strict: false,
      address: null,
      record: { kind: 'memory' },
      redisUrl: null,
      hub: 'auto',
    },
  });
  const { engine } = open;

  async function callerOf(pair: Pick<TokenPair, 'accessToken'>): Promise<Caller> {
    return { session: await engine.authentication.authenticate(pair.accessToken), origin: ORIGIN };
  }

  const test: TestEngine = {
    ...open,
    record,
    callerOf,
    async makeTenant(slug = 'main') {
      const adminEmail = `admin@${slug}.example`;
      const made = await engine.operator.createTenant({
        slug,
        name: null,
        adminEmail,
        adminPassword: PASSWORD,
      });
      const pair = await test.open(slug, made.admin.uid);
      return { ...made, pair, caller: await callerOf(pair) };
    },
    async makeUser(by, email, roles) {
      const { user } = await engine.administration.createUser(by, {
        email,
        password: PASSWORD,
        name: null,
        roles: roles ?? null,
      });
      return user;
    },
    login: (tenant, email, more = {}) =>
      engine.logins.login(
        { tenant, email, password: PASSWORD, device: null, deviceToken: null, ...more },
        ORIGIN,
      ),
    open: (tenant, uid, device) =>
      engine.logins.createSession(
        {
          tenant,
          user: { uid },
          amr: ['pwd'],
          ...(device === undefined ? {} : { device: { name: device, kind: null } }),
        },
        ORIGIN,
      ),
    async setPolicy(by, change) {
      const { policy } = await engine.administration.getPolicy(by);
      await engine.administration.putPolicy(by, { ...policy, ...change }, null);
    },
  };
  return test;
}

/** The code of the SekishoError that `promise` rejects with; `none` when it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : `${error}`;
  }
}
