import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { StoredKey } from '../../src/record/contract.ts';
import {
  jwksAt,
  PUBLISH_AHEAD_MS,
  planRotation,
  publishedKeysAt,
  RETIRED_KEY_MS,
  ROTATION_PERIOD_MS,
  signingKeyAt,
} from '../../src/token/key-set.ts';
import { makeSigningKey } from '../../src/token/signing-key.ts';
import { testRing } from '../support/tokens.ts';

const HOUR = 3_600_000;
const newestKeyId = testRing().newest.keyId;
let template: StoredKey;

beforeAll(async () => {
  template = await makeSigningKey(testRing(), 0);
});

const key = (kid: string, activeFromMs: number, retiredAtMs: number | null = null): StoredKey => ({
  ...template,
  kid,
  activeFromMs,
  retiredAtMs,
});

/** Whose tokens are good at `nowMs`. */
const kidsAt = (keys: readonly StoredKey[], nowMs: number): readonly string[] =>
  publishedKeysAt(keys, nowMs).map((one) => one.kid);

describe('the key set', () => {
  test('the newest active key signs; a coming one is published before, a retired one after', () => {
    const keys = [key('old', 0, 100 * HOUR), key('now', 99 * HOUR), key('coming', 200 * HOUR)];
    expect(signingKeyAt(keys, 0)?.kid).toBe('old');
    expect(signingKeyAt(keys, 99 * HOUR)?.kid).toBe('now');
    expect(signingKeyAt(keys, 199 * HOUR)?.kid).toBe('now');
    expect(signingKeyAt(keys, 200 * HOUR)?.kid).toBe('coming');
    expect(publishedKeysAt(keys, 100 * HOUR).map(({ kid }) => kid)).toEqual([
      'coming',
      'now',
      'old',
    ]);
    expect(jwksAt(keys, 101 * HOUR).keys.map(({ kid }) => kid)).toEqual(['coming', 'now']);
  });

  test('ASVS 9.1.2: an old key stays until its last token has expired, and no longer', () => {
    const keys = [key('old', 0, HOUR), key('new', HOUR)];
    expect(RETIRED_KEY_MS).toBeGreaterThanOrEqual(900_000);
    expect(kidsAt(keys, HOUR + RETIRED_KEY_MS - 1)).toContain('old');
    expect(kidsAt(keys, HOUR + RETIRED_KEY_MS)).not.toContain('old');
  });

  test('all nodes choose alike among keys of one time, in whatever order they come', () => {
    expect(signingKeyAt([key('b', 5), key('a', 5)], 9)?.kid).toBe('a');
    expect(signingKeyAt([key('a', 5), key('b', 5)], 9)?.kid).toBe('a');
  });

  test('the first key signs at once', () => {
    expect(planRotation([], 50 * HOUR, { newestKeyId })).toEqual({
      add: { activeFromMs: 50 * HOUR, unlessActiveSinceMs: 0 },
      retire: [],
    });
  });

  test('the next key is published ahead of its first use', () => {
    const keys = [key('a', 0)];
    const due = ROTATION_PERIOD_MS - PUBLISH_AHEAD_MS;
    expect(planRotation(keys, due - 1, { newestKeyId }).add).toBeNull();
    expect(planRotation(keys, due, { newestKeyId }).add).toEqual({
      activeFromMs: ROTATION_PERIOD_MS,
      unlessActiveSinceMs: 1,
    });
    // Late, after everything was stopped for a while: still ahead of the first use.
    expect(planRotation(keys, ROTATION_PERIOD_MS * 2, { newestKeyId }).add?.activeFromMs).toBe(
      ROTATION_PERIOD_MS * 2 + PUBLISH_AHEAD_MS,
    );
  });

  test('one coming key is enough, and the replaced one is retired once the new one signs', () => {
    const keys = [key('a', 0), key('b', 10 * HOUR)];
    expect(planRotation(keys, 9 * HOUR, { newestKeyId })).toEqual({ add: null, retire: [] });
    expect(planRotation(keys, 10 * HOUR, { newestKeyId })).toEqual({ add: null, retire: ['a'] });
  });

  test('a key sealed under an older secret is replaced, so that the secret can go', () => {
    const other = { newestKeyId: testRing('new').newest.keyId };
    expect(planRotation([key('a', 0)], HOUR - 1, other).add).toBeNull();
    expect(planRotation([key('a', 0)], HOUR, other).add).toEqual({
      activeFromMs: HOUR + PUBLISH_AHEAD_MS,
      unlessActiveSinceMs: 1,
    });
  });

  test('whatever the wake-ups, somebody always signs, with a published key, and rotation goes on', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60 * 24 }), { minLength: 1, maxLength: 60 }),
        (steps) => {
          let keys: StoredKey[] = [];
          let now = 0;
          let before: StoredKey | null = null;
          for (const hours of steps) {
            now += hours * HOUR;
            for (let round = 0; round < 3; round += 1) {
              const plan = planRotation(keys, now, { newestKeyId });
              keys = keys.map((one) =>
                plan.retire.includes(one.kid) ? { ...one, retiredAtMs: now } : one,
              );
              if (plan.add !== null) {
                const { activeFromMs, unlessActiveSinceMs } = plan.add;
                expect(keys.every((one) => one.activeFromMs < unlessActiveSinceMs)).toBe(true);
                keys.push(key(`k${keys.length}`, activeFromMs));
              }
            }
            expect(planRotation(keys, now, { newestKeyId })).toEqual({ add: null, retire: [] });
            const signer = signingKeyAt(keys, now);
            expect(kidsAt(keys, now)).toContain(signer?.kid);
            // A key that was used a moment ago is published still.
            if (before !== null && before !== signer) {
              expect(kidsAt(keys, now)).toContain(before.kid);
            }
            before = signer;
          }
        },
      ),
    );
  });
});
