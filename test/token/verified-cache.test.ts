import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AccessFacts } from '../../src/token/access-token.ts';
import { createVerifiedCache } from '../../src/token/verified-cache.ts';
import { accessClaims } from '../support/tokens.ts';

function facts(expiresAtSeconds: number, kid = 'k1'): AccessFacts {
  const { issuer: _issuer, audience: _audience, ...rest } = accessClaims({ expiresAtSeconds });
  return { ...rest, kid, notBeforeSeconds: null };
}

/** A text of a token's length whose last characters follow from `n`. */
const token = (n: number) =>
  `${'h'.repeat(200)}.${'p'.repeat(400)}.${String(n * 7919).padStart(86, '0')}`;

describe('the cache of verified tokens', () => {
  test('gives back exactly what was put in, for exactly that token', () => {
    const cache = createVerifiedCache();
    const one = facts(1000);
    const entry = cache.put(token(1), one, 0);
    expect(entry).toMatchObject({ token: token(1), facts: one, passedVersion: -1 });
    expect(cache.get(token(1))).toBe(entry);
    expect(cache.get(`${token(1)} `)).toBeUndefined();
    expect(cache.get('')).toBeUndefined();
    expect(cache.get('x')).toBeUndefined();
  });

  test('ASVS 9.1.1: the same signature over another content is not found', () => {
    const cache = createVerifiedCache();
    const good = token(1);
    cache.put(good, facts(1000), 0);
    for (let at = 0; at < good.length; at += 1) {
      const forged = `${good.slice(0, at)}x${good.slice(at + 1)}`;
      expect(cache.get(forged), `changed at ${at}`).toBeUndefined();
    }
  });

  test('ANSWER: an entry carries the version of the view at which it last passed', () => {
    const cache = createVerifiedCache();
    const entry = cache.put(token(1), facts(1000), 0);
    if (entry !== undefined) {
      entry.passedVersion = 17;
    }
    expect(cache.get(token(1))?.passedVersion).toBe(17);
    expect(cache.put(token(1), facts(1000), 0)).toBe(entry);
    expect(cache.size).toBe(1);
  });

  test('A7: never holds more tokens or characters than its bounds; the oldest go first', () => {
    const cache = createVerifiedCache({ maxTokens: 100 });
    for (let n = 0; n < 1000; n += 1) {
      cache.put(token(n), facts(1000), 0);
      expect(cache.size).toBeLessThanOrEqual(100);
    }
    expect(cache.get(token(999))).toBeDefined();
    expect(cache.get(token(0))).toBeUndefined();

    const small = createVerifiedCache({ maxCharacters: 3 * token(0).length });
    for (let n = 0; n < 10; n += 1) {
      small.put(token(n), facts(1000), 0);
    }
    expect(small.size).toBe(3);
    expect(small.characters).toBe(3 * token(0).length);
    expect([6, 7, 8, 9].map((n) => small.get(token(n)) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });

  test('tokens that all fall into one place push each other out and nothing else', () => {
    const cache = createVerifiedCache();
    cache.put(token(1), facts(1000), 0);
    for (let n = 0; n < 100; n += 1) {
      cache.put(`${n}.same.ending`, facts(1000 + n), 0);
    }
    expect(cache.size).toBeLessThanOrEqual(17);
    expect(cache.get('99.same.ending')).toBeDefined();
    expect(cache.get(token(1))).toBeDefined();
  });

  test('as many as it may hold all find a place', () => {
    const cache = createVerifiedCache();
    const random = Array.from({ length: 20_000 }, (_, n) =>
      createHash('sha512').update(`${n}`).digest('base64url'),
    );
    for (const signature of random) cache.put(`h.p.${signature}`, facts(1000), 0);
    expect(random.filter((signature) => cache.get(`h.p.${signature}`) === undefined)).toEqual([]);
    expect(cache.status()).toEqual({
      ...{ size: 20_000, maxTokens: 20_000, added: 20_000, displaced: 0 },
    });
  });

  test('B11 tells how many it had to put out before their end, and no others', () => {
    const cache = createVerifiedCache({ maxTokens: 2 });
    cache.put(token(1), facts(10), 0);
    cache.put(token(2), facts(100), 0);
    cache.put(token(3), facts(100), 10_000);
    expect(cache.status()).toEqual({ size: 2, maxTokens: 2, added: 3, displaced: 0 });
    cache.put(token(4), facts(100), 10_000);
    cache.put(token(4), facts(100), 10_000);
    expect(cache.status()).toEqual({ size: 2, maxTokens: 2, added: 4, displaced: 1 });
  });

  test('expired tokens make room', () => {
    const cache = createVerifiedCache();
    cache.put(token(1), facts(10), 0);
    cache.put(token(2), facts(100), 0);
    cache.put(token(3), facts(100), 10_000);
    expect([1, 2, 3].map((n) => cache.get(token(n)) !== undefined)).toEqual([false, true, true]);
  });

  test('tokens of a key that is no longer accepted are dropped, also those whose verification ends late', () => {
    const cache = createVerifiedCache();
    cache.put(token(1), facts(1000, 'k1'), 0);
    cache.put(token(2), facts(1000, 'k2'), 0);
    cache.acceptKeys(new Set(['k2', 'k3']));
    expect(cache.get(token(1))).toBeUndefined();
    expect(cache.get(token(2))).toBeDefined();
    expect(cache.put(token(3), facts(1000, 'k1'), 0)).toBeUndefined();
    expect(cache.put(token(4), facts(1000, 'k3'), 0)).toBeDefined();
    expect(cache.size).toBe(2);
  });

  test('does not keep the header alive that a token was cut from', () => {
    const cache = createVerifiedCache();
    const cut = `Bearer ${token(5)}`.slice(7);
    expect(cache.put(cut, facts(1000), 0)?.token).toBe(cut);
    expect(cache.get(token(5))?.token).toBe(cut);
  });

  test('agrees with a plain map that is never larger, under any operations', () => {
    const operation = fc.oneof(
      fc.record({
        kind: fc.constant('put' as const),
        n: fc.nat(60),
        life: fc.nat(50),
        kid: fc.constantFrom('a', 'b'),
      }),
      fc.record({
        kind: fc.constant('accept' as const),
        kids: fc.uniqueArray(fc.constantFrom('a', 'b')),
      }),
      fc.record({ kind: fc.constant('wait' as const), seconds: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const cache = createVerifiedCache({ maxTokens: 20 });
        const verified = new Map<string, AccessFacts>();
        let accepted: readonly string[] = ['a', 'b'];
        let now = 0;
        for (const one of operations) {
          if (one.kind === 'wait') {
            now += one.seconds;
          } else if (one.kind === 'accept') {
            accepted = one.kids;
            cache.acceptKeys(new Set(accepted));
          } else if (!verified.has(token(one.n)) || verified.get(token(one.n))?.kid === one.kid) {
            const fresh = verified.get(token(one.n)) ?? facts(now + one.life, one.kid);
            verified.set(token(one.n), fresh);
            const taken = cache.put(token(one.n), fresh, now * 1000);
            expect(taken?.facts).toBe(accepted.includes(fresh.kid) ? fresh : undefined);
          }
          let found = 0;
          let characters = 0;
          for (let n = 0; n <= 60; n += 1) {
            const entry = cache.get(token(n));
            if (entry !== undefined) {
              found += 1;
              characters += entry.token.length;
              expect(entry.facts).toBe(verified.get(token(n)));
              expect(accepted).toContain(entry.facts.kid);
            }
          }
          expect(cache).toMatchObject({ size: found, characters });
          expect(found).toBeLessThanOrEqual(20);
        }
      }),
    );
  });
});
