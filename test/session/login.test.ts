import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import type { Caller, LoginInput } from '../../src/session/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, ORIGIN, PASSWORD, startTestEngine, type TestEngine } from '../support/engine.ts';

const clock = createTestClock();
let test_: TestEngine;
let admin: Caller;

beforeAll(async () => {
  test_ = await startTestEngine({ clock });
  admin = (await test_.makeTenant('main')).caller;
});
afterAll(() => test_.close());

const AUDIT = { limit: 200, cursor: null };

async function failure(input: Partial<LoginInput>): Promise<SekishoError> {
  try {
    await test_.engine.logins.login(
      {
        tenant: 'main',
        email: 'nobody@main.example',
        password: PASSWORD,
        device: null,
        deviceToken: null,
        ...input,
      },
      ORIGIN,
    );
  } catch (error) {
    return error as SekishoError;
  }
  throw new Error('this login should have been refused');
}

describe('refusals', () => {
  test('ASVS 6.3.8: unknown, wrong and disabled are one and the same error', async () => {
    const user = await test_.makeUser(admin, 'dis@main.example');
    await test_.engine.administration.patchUser(admin, user.uid, { status: 'disabled' }, null);
    await test_.makeUser(admin, 'ann@main.example');
    const errors = [
      await failure({ tenant: 'nowhere' }),
      await failure({ tenant: 'NOT A SLUG' }),
      await failure({ email: 'nobody@main.example' }),
      await failure({ email: 'no address' }),
      await failure({ email: 'ann@main.example', password: 'wrong' }),
      await failure({ email: 'dis@main.example' }),
    ];
    const seen = errors.map(({ code, message, status, members, retryAfterSeconds }) => ({
      code,
      message,
      status,
      members,
      retryAfterSeconds,
    }));
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(seen[0]).toMatchObject({ code: 'invalid_credentials', status: 401 });
  });

  test('ASVS 6.3.8: every answer costs the record the same statements', async () => {
    await test_.makeUser(admin, 'cost@main.example');
    const statements = async (input: Partial<LoginInput>): Promise<number> => {
      const before = test_.record.statementCount();
      await failure(input);
      return test_.record.statementCount() - before;
    };
    const unknownTenant = await statements({ tenant: 'nowhere', email: 'a@b' });
    const unknownUser = await statements({ email: 'ghost@main.example' });
    const wrong = await statements({ email: 'cost@main.example', password: 'wrong' });
    expect([unknownUser, wrong]).toEqual([unknownTenant, unknownTenant]);
  });

  test('e-mail addresses are compared in lower case and NFC', async () => {
    await test_.makeUser(admin, 'Zoë@Main.example');
    const pair = await test_.login('main', 'ZOE\u0308@MAIN.EXAMPLE');
    expect(pair.user.email).toBe('zoë@main.example');
  });
});

describe('limits', () => {
  test('ASVS 6.3.1, A4: exact under parallel guesses; a known device still gets in; success resets', async () => {
    await test_.setPolicy(admin, {
      login_limit: {
        account_attempts: 5,
        account_window: 900,
        address_attempts: 1_000,
        address_window: 900,
        max_wait: 60,
      },
    });
    await test_.makeUser(admin, 'tim@main.example');
    const { deviceToken } = await test_.login('main', 'tim@main.example');
    const guesses = await Promise.all(
      Array.from({ length: 12 }, () => failure({ email: 'tim@main.example', password: 'guess' })),
    );
    const codes = guesses.map(({ code }) => code);
    expect(codes.filter((code) => code === 'invalid_credentials')).toHaveLength(5);
    expect(codes.filter((code) => code === 'too_many_attempts')).toHaveLength(7);
    const limited = guesses.find(({ code }) => code === 'too_many_attempts');
    expect(limited?.retryAfterSeconds).toBe(1);
    expect(limited?.rateLimit).toMatchObject({
      policy: 'login',
      limit: 5,
      windowSeconds: 900,
      remaining: 0,
    });

    // The right password, too, has to wait; the owner's own device does not.
    expect((await failure({ email: 'tim@main.example' })).code).toBe('too_many_attempts');
    await test_.login('main', 'tim@main.example', { deviceToken });
    const [listed] = await test_.engine.administration.listLimited(admin, AUDIT);
    expect(listed).toMatchObject({ email: 'tim@main.example', attempts: 5 });

    await clock.advance(1_000);
    await test_.login('main', 'tim@main.example');
    expect((await failure({ email: 'tim@main.example', password: 'wrong' })).code).toBe(
      'invalid_credentials',
    );
  });

  test('ASVS 6.3.8: limits answer alike for addresses that nobody has', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 8 }, () => failure({ email: 'void@main.example', password: 'guess' })),
    );
    expect(guesses.filter(({ code }) => code === 'too_many_attempts')).toHaveLength(3);
    const nowhere = await Promise.all(
      Array.from({ length: 12 }, () => failure({ tenant: 'nowhere', email: 'void@main.example' })),
    );
    expect(nowhere.filter(({ code }) => code === 'too_many_attempts')).toHaveLength(2);
  });

  test('an administrator lifts a limit; lifting nothing is 404', async () => {
    for (let n = 0; n < 6; n += 1) await failure({ email: 'lift@main.example', password: 'guess' });
    const { administration } = test_.engine;
    expect((await failure({ email: 'lift@main.example' })).code).toBe('too_many_attempts');
    await administration.liftLimit(admin, 'LIFT@main.example');
    expect((await failure({ email: 'lift@main.example' })).code).toBe('invalid_credentials');
    expect(await codeOf(administration.liftLimit(admin, 'never@main.example'))).toBe('not_found');
  });
});

describe('device cap', () => {
  test('ASVS 7.1.2: exact under parallel logins, the oldest give way, and are dead on return', async () => {
    const tenant = await test_.makeTenant('cap');
    await test_.setPolicy(tenant.caller, { max_sessions_per_user: 3 });
    const caller = await test_.callerOf(
      await test_.engine.logins.refresh(tenant.pair.refreshToken, ORIGIN),
    );
    const user = await test_.makeUser(caller, 'many@cap.example');
    const pairs = await Promise.all(Array.from({ length: 8 }, () => test_.open('cap', user.uid)));
    const codes = await Promise.all(
      pairs.map((pair) => codeOf(test_.engine.authentication.authenticate(pair.accessToken))),
    );
    expect(codes.filter((code) => code === 'none')).toHaveLength(3);
    expect(codes.filter((code) => code === 'session_revoked')).toHaveLength(5);
  });

  test('ASVS 7.1.2, 6.3.1: with reject the login is refused with the sessions, and is no failed attempt', async () => {
    const tenant = await test_.makeTenant('full');
    await test_.setPolicy(tenant.caller, { max_sessions_per_user: 2, on_session_limit: 'reject' });
    await test_.makeUser(tenant.caller, 'two@full.example');
    const outcomes = await Promise.all(
      Array.from({ length: 5 }, () => codeOf(test_.login('full', 'two@full.example'))),
    );
    expect(outcomes.filter((code) => code === 'none')).toHaveLength(2);
    expect(outcomes.filter((code) => code === 'session_limit_reached')).toHaveLength(3);
    const error = await failure({ tenant: 'full', email: 'two@full.example' });
    expect(error.members?.sessions).toHaveLength(2);
    for (let n = 0; n < 12; n += 1) {
      expect((await failure({ tenant: 'full', email: 'two@full.example' })).code).toBe(
        'session_limit_reached',
      );
    }
  });
});

test('A4 ASVS 6.3.1: reset links that are not there are counted by address; an outage or a weak password is no wrong try', async () => {
  const { logins, administration } = test_.engine;
  const user = await test_.makeUser(admin, 'reset@main.example');
  const { reset } = await administration.resetPassword(admin, user.uid);
  const giveBack = vi.spyOn(test_.record.attempts, 'giveBack');
  const use = (token: string, password: string) =>
    codeOf(logins.resetPassword(token, password, { ...ORIGIN, ip: '198.51.100.7' }));
  expect(await use(`${admin.session.tenantId}.${'A'.repeat(43)}`, PASSWORD)).toBe('invalid_token');
  expect(giveBack).toHaveBeenCalledTimes(0);
  expect(await use(reset.token, 'password')).toBe('validation_failed');
  expect(giveBack).toHaveBeenCalledTimes(1);
  const outage = new SekishoError('store_unavailable', 'away');
  vi.spyOn(test_.record.log, 'commit').mockRejectedValueOnce(outage);
  expect(await use(reset.token, PASSWORD)).toBe('store_unavailable');
  expect(giveBack).toHaveBeenCalledTimes(2);
  expect(await use(reset.token, PASSWORD)).toBe('none');
});

test('EPOCH: a forced logout during the password check wins over the session, not over the login', async () => {
  const user = await test_.makeUser(admin, 'race@main.example');
  const options = { reason: null, waitMs: 2_000, includeSelf: false, idempotency: null };
  const [pair, { revocation }] = await Promise.all([
    test_.login('main', 'race@main.example'),
    test_.engine.administration.revokeUser(admin, user.uid, options),
  ]);
  const code = await codeOf(test_.engine.authentication.authenticate(pair.accessToken));
  // Whichever came first: a session that lives has read its credentials after the revocation.
  expect(code === 'session_revoked' || pair.session.epoch >= revocation.position).toBe(true);
});
