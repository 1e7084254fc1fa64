import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normaliseEmail, parseEmail } from '../../src/tenant/email.ts';
import { normaliseName, parseName } from '../../src/tenant/name.ts';
import { isRole, MAX_ROLES, parseRoles } from '../../src/tenant/role.ts';
import { isSlug, parseSlug } from '../../src/tenant/slug.ts';

const failed = (pointer: string) =>
  expect.objectContaining({
    code: 'validation_failed',
    errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
  });

describe('slugs', () => {
  test.each(['a', '0', 'acme', 'acme-2', 'a--b', 'a'.repeat(63)])('%s is one', (slug) => {
    expect(isSlug(slug)).toBe(true);
    expect(parseSlug(slug)).toBe(slug);
  });

  test.each(['', '-a', 'a-', 'A', 'ä', 'a_b', 'a.b', 'a b', 'a\n', 'a'.repeat(64), null, 7, ['a']])(
    '%j is none',
    (value) => {
      expect(isSlug(value)).toBe(false);
      expect(() => parseSlug(value as string, '/tenant')).toThrow(failed('/tenant'));
    },
  );
});

describe('e-mail addresses', () => {
  test.each([
    ['Kei@Example.ORG', 'kei@example.org'],
    ['admin@localhost', 'admin@localhost'],
    ['a@b', 'a@b'],
    ["o'hara+tag@example.org", "o'hara+tag@example.org"],
    ['cafe\u0301@example.org', 'caf\u00e9@example.org'],
    ['ÄÖÜ@EXAMPLE.ORG', 'äöü@example.org'],
    [`${'a'.repeat(242)}@example.org`, `${'a'.repeat(242)}@example.org`],
  ])('%s is compared as %s', (given, normal) => {
    expect(normaliseEmail(given)).toBe(normal);
    expect(parseEmail(given)).toBe(normal);
  });

  test.each([
    '',
    '@',
    'a@',
    '@b',
    'ab',
    'a@b@c',
    'a b@c',
    ' a@b',
    'a@b ',
    'a@b\n',
    'a\u0000@b',
    'a\u00a0@b',
    'a\u200b@b',
    'a\u202e@b',
    'a\ud800@b',
    'a\u3000@b',
    `${'a'.repeat(243)}@example.org`,
    `${'a'.repeat(1_000_000)}@b`,
  ])('%j is none', (value) => {
    expect(normaliseEmail(value)).toBeNull();
    expect(() => parseEmail(value)).toThrow(failed('/email'));
  });

  test('the normal form of a normal form is itself', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', minLength: 1 }),
        fc.string({ unit: 'grapheme' }),
        (a, b) => {
          const once = normaliseEmail(`${a}@${b}`);
          expect(once === null ? null : normaliseEmail(once)).toBe(once);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('roles', () => {
  test('are sorted, freed of duplicates, and frozen', () => {
    const roles = parseRoles(['member', 'admin', 'member', 'orders:read.all_x-1']);
    expect(roles).toEqual(['admin', 'member', 'orders:read.all_x-1']);
    expect(Object.isFrozen(roles)).toBe(true);
  });

  test.each(['', 'Admin', 'a b', 'a,b', 'ä', 'a\n', '"', 'a'.repeat(65)])('%j is none', (role) => {
    expect(isRole(role)).toBe(false);
    expect(() => parseRoles(['member', role])).toThrow(failed('/roles/1'));
  });

  test('there is at least one and there are at most 32', () => {
    const many = Array.from({ length: MAX_ROLES + 1 }, (_, n) => `r${n}`);
    expect(() => parseRoles([])).toThrow(failed('/roles'));
    expect(() => parseRoles(many)).toThrow(failed('/roles'));
    expect(parseRoles(many.slice(1))).toHaveLength(32);
    expect(parseRoles(Array.from({ length: 100 }, () => 'member'))).toEqual(['member']);
  });
});

describe('display names', () => {
  test.each([
    ['Kei Tanaka', 'Kei Tanaka'],
    ['', ''],
    ['関所 👩‍👩‍👧', '関所 👩‍👩‍👧'],
    ['Zoe\u0308', 'Zo\u00eb'],
    ['x'.repeat(200), 'x'.repeat(200)],
  ])('%j stays', (given, normal) => {
    expect(normaliseName(given)).toBe(normal);
    expect(parseName(given)).toBe(normal);
  });

  test.each([
    'a\nb',
    'a\tb',
    '\u0007',
    'a\u2028b',
    '\ud800',
    '\u009b',
    'x'.repeat(201),
    'x'.repeat(1e6),
  ])('ASVS 16.4.1: %j is refused', (value) => {
    expect(normaliseName(value)).toBeNull();
    expect(() => parseName(value, '/device/name')).toThrow(failed('/device/name'));
  });
});
