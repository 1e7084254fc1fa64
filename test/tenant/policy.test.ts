import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSekishoError } from '../../src/errors.ts';
import { accessTokenTimes } from '../../src/tenant/lifetime.ts';
import { DEFAULT_POLICY, isShorter, parsePolicy } from '../../src/tenant/policy.ts';
import type { Policy } from '../../src/tenant/types.ts';

function faultsOf(
  input: unknown,
): readonly { readonly pointer: string; readonly detail: string }[] {
  try {
    parsePolicy(input);
  } catch (error) {
    if (isSekishoError(error) && error.code === 'validation_failed') {
      return error.errors ?? [];
    }
    throw error;
  }
  return [];
}

const pointersOf = (input: unknown) => faultsOf(input).map(({ pointer }) => pointer);
const policy = (changes: Record<string, unknown> = {}) => ({ ...DEFAULT_POLICY, ...changes });
const limit = (changes: Record<string, unknown>) =>
  policy({ login_limit: { ...DEFAULT_POLICY.login_limit, ...changes } });

describe('B13: the policy', () => {
  test('the default is that of the contract, valid, and cannot be changed', () => {
    expect(parsePolicy(DEFAULT_POLICY)).toEqual({
      access_ttl: 300,
      idle_timeout: 3600,
      absolute_timeout: 86_400,
      refresh_grace: 10,
      max_sessions_per_user: 10,
      on_session_limit: 'revoke_oldest',
      login_limit: {
        account_attempts: 10,
        account_window: 900,
        address_attempts: 300,
        address_window: 900,
        max_wait: 900,
      },
    });
    for (const one of [DEFAULT_POLICY, parsePolicy(DEFAULT_POLICY)]) {
      expect(Object.isFrozen(one) && Object.isFrozen(one.login_limit)).toBe(true);
    }
  });

  test('ASVS 7.1.1, 7.3.1, 7.3.2: the default keeps to AAL2: overall ≤ 24 h, idle ≤ 1 h', () => {
    expect(DEFAULT_POLICY.absolute_timeout).toBeLessThanOrEqual(24 * 3600);
    expect(DEFAULT_POLICY.idle_timeout).toBeLessThanOrEqual(3600);
  });

  test.each<[string, Record<string, unknown>]>([
    ['/access_ttl', { access_ttl: 29 }],
    ['/access_ttl', { access_ttl: 901 }],
    ['/access_ttl', { access_ttl: 300, idle_timeout: 299 }],
    ['/access_ttl', { access_ttl: 300.5 }],
    ['/access_ttl', { access_ttl: '300' }],
    ['/access_ttl', { access_ttl: Number.NaN }],
    ['/access_ttl', { access_ttl: Number.POSITIVE_INFINITY }],
    ['/access_ttl', { access_ttl: null }],
    ['/idle_timeout', { idle_timeout: 29, access_ttl: 30 }],
    ['/idle_timeout', { idle_timeout: 86_401 }],
    ['/absolute_timeout', { absolute_timeout: 30 * 86_400 + 1 }],
    ['/absolute_timeout', { absolute_timeout: 1e300 }],
    ['/refresh_grace', { refresh_grace: -1 }],
    ['/refresh_grace', { refresh_grace: 61 }],
    ['/max_sessions_per_user', { max_sessions_per_user: 0 }],
    ['/max_sessions_per_user', { max_sessions_per_user: 1001 }],
    ['/on_session_limit', { on_session_limit: 'ignore' }],
    ['/login_limit', { login_limit: [] }],
    ['/login_limit/max_wait', limit({ max_wait: 0 })],
    ['/login_limit/max_wait', limit({ max_wait: 3601 })],
    ['/login_limit/account_attempts', limit({ account_attempts: 0 })],
    ['/login_limit/account_attempts', limit({ account_attempts: 101 })],
    ['/login_limit/account_window', limit({ account_window: 9 })],
    ['/login_limit/address_attempts', limit({ address_attempts: 0 })],
    ['/login_limit/address_window', limit({ address_window: 86_401 })],
    ['/login_limit/captcha', limit({ captcha: true })],
    ['/Access_ttl', { Access_ttl: 300 }],
    ['/a~1b~0c', { 'a/b~c': 1 }],
  ])('refuses %s in %j', (pointer, changes) => {
    expect(pointersOf(policy(changes))).toContain(pointer);
  });

  test('the bounds themselves are allowed', () => {
    const least = {
      access_ttl: 30,
      idle_timeout: 30,
      absolute_timeout: 30,
      refresh_grace: 0,
      max_sessions_per_user: 1,
    };
    const most = {
      access_ttl: 900,
      idle_timeout: 2_592_000,
      absolute_timeout: 2_592_000,
      refresh_grace: 60,
    };
    expect(faultsOf(policy(least))).toEqual([]);
    expect(
      faultsOf(policy({ ...most, max_sessions_per_user: 1000, on_session_limit: 'reject' })),
    ).toEqual([]);
  });

  test('PUT replaces all of it: every missing field is told, at every level', () => {
    expect(faultsOf({})).toEqual(
      Object.keys(DEFAULT_POLICY).map((name) => ({ pointer: `/${name}`, detail: 'is missing' })),
    );
    for (const name of Object.keys(DEFAULT_POLICY.login_limit)) {
      const { [name]: _, ...rest } = DEFAULT_POLICY.login_limit as unknown as Record<
        string,
        unknown
      >;
      expect(faultsOf(policy({ login_limit: rest }))).toEqual([
        { pointer: `/login_limit/${name}`, detail: 'is missing' },
      ]);
    }
  });

  test('ASVS 15.3.3, 15.3.6: unknown fields are refused, and no field reaches a prototype', () => {
    const polluted = JSON.parse(
      JSON.stringify(DEFAULT_POLICY).replace('{', '{"__proto__":{"x":1},'),
    );
    expect(pointersOf(polluted)).toEqual(['/__proto__']);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test.each([null, undefined, 1, 'x', [], true])(
    'no object (%j) is refused at the root',
    (value) => {
      expect(pointersOf(value)).toEqual(['']);
    },
  );

  test('everything wrong is told at once, in order', () => {
    const wrong = policy({ access_ttl: 1, refresh_grace: 100, extra: 1 });
    expect(pointersOf(wrong).sort()).toEqual(['/access_ttl', '/extra', '/refresh_grace']);
  });
});

describe('what a changed policy means for sessions that exist', () => {
  test.each(['access_ttl', 'idle_timeout', 'absolute_timeout'] as const)(
    'a shorter %s is shorter',
    (name) => {
      expect(
        isShorter(DEFAULT_POLICY, { ...DEFAULT_POLICY, [name]: DEFAULT_POLICY[name] - 1 }),
      ).toBe(true);
      expect(
        isShorter(DEFAULT_POLICY, { ...DEFAULT_POLICY, [name]: DEFAULT_POLICY[name] + 1 }),
      ).toBe(false);
    },
  );

  test('the same, and fields that end nothing, are not', () => {
    const next: Policy = { ...DEFAULT_POLICY, max_sessions_per_user: 1, refresh_grace: 0 };
    expect(isShorter(DEFAULT_POLICY, DEFAULT_POLICY)).toBe(false);
    expect(isShorter(DEFAULT_POLICY, next)).toBe(false);
  });

  test('ASVS 7.4.1: an access token never outlives its session nor its policy', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 900 }), fc.nat(2e9), fc.nat(2e6), (ttl, now, left) => {
        const times = accessTokenTimes({ ...DEFAULT_POLICY, access_ttl: ttl }, now + left, now);
        expect(times.issuedAtSeconds * 1000).toBeLessThanOrEqual(now);
        expect(times.expiresAtSeconds * 1000).toBeLessThanOrEqual(now + left);
        expect(times.expiresAtSeconds - times.issuedAtSeconds).toBeLessThanOrEqual(ttl);
      }),
    );
  });
});
