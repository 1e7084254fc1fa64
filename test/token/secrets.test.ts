import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isSekishoError } from '../../src/errors.ts';
import { mac, macMatches } from '../../src/token/mac.ts';
import { createKeyRing, makeSecret, type Purpose } from '../../src/token/secrets.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);

const PURPOSES: readonly Purpose[] = [
  'refresh-token',
  'key-sealing',
  'device-token',
  'socket-ticket',
  'page-cursor',
  'hub-message',
];

describe('the key ring', () => {
  test('keeps the order, newest first, whatever blanks stand between', () => {
    const ring = createKeyRing(` ${A} ,\n${B}`);
    expect(ring.newest.keyId).toBe(createKeyRing(A).newest.keyId);
    expect(ring.members.map(({ keyId }) => keyId)).toEqual([
      createKeyRing(A).newest.keyId,
      createKeyRing(B).newest.keyId,
    ]);
    expect(ring.find(createKeyRing(B).newest.keyId)).toBe(ring.members[1]);
    expect(ring.find('nobody')).toBeNull();
  });

  test('one key a purpose, of 256 bit, the same on every node (separate keys per purpose)', () => {
    const keys = PURPOSES.map((purpose) =>
      createKeyRing(A).newest.key(purpose).export().toString('hex'),
    );
    const again = PURPOSES.map((purpose) =>
      createKeyRing(A).newest.key(purpose).export().toString('hex'),
    );
    expect(new Set(keys).size).toBe(PURPOSES.length);
    expect(keys.every((key) => key.length === 64)).toBe(true);
    expect(again).toEqual(keys);
  });

  test('a key id is short, stable and tells nothing of the secret; printing a ring shows none', () => {
    const ring = createKeyRing(A);
    expect(ring.newest.keyId).toMatch(/^[\w-]{11}$/);
    expect(ring.newest.keyId).toBe(createKeyRing(A).newest.keyId);
    expect(inspect(ring, { depth: 10, showHidden: true }) + JSON.stringify(ring)).not.toContain(
      'aaaa',
    );
  });

  test.each([
    ['nothing', ''],
    ['31 bytes', 'a'.repeat(31)],
    ['a short second member', `${A},short`],
    ['an empty member', `${A},`],
    ['the same twice', `${A},${A}`],
    ['nine members', Array.from('123456789', (name) => name.repeat(32)).join(',')],
  ])('refuses %s in a sentence that names the variable and not the value', (_, secret) => {
    let error: unknown;
    try {
      createKeyRing(secret);
    } catch (caught) {
      error = caught;
    }
    expect(isSekishoError(error) && error.code).toBe('invalid_configuration');
    expect((error as Error).message).toMatch(/^SEKISHO_SECRET must /);
    expect((error as Error).message).not.toContain('aaaa');
  });

  test('bytes count, not characters', () => {
    expect(createKeyRing('関'.repeat(11)).members).toHaveLength(1);
  });

  test('ASVS 7.2.3: a made secret has 256 random bits and is a ring by itself', () => {
    expect(makeSecret()).toMatch(/^[\w-]{43}$/);
    expect(makeSecret()).not.toBe(makeSecret());
    expect(createKeyRing(makeSecret()).members).toHaveLength(1);
  });
});

describe('MACs', () => {
  test('any member of the ring vouches, for this text and purpose only', () => {
    const ring = createKeyRing(`${B},${A}`);
    const tag = mac(createKeyRing(A).newest, 'socket-ticket', 'text');
    expect(macMatches(ring, 'socket-ticket', 'text', tag)).toBe(true);
    expect(macMatches(ring, 'socket-ticket', 'texts', tag)).toBe(false);
    expect(macMatches(ring, 'device-token', 'text', tag)).toBe(false);
    expect(macMatches(createKeyRing(B), 'socket-ticket', 'text', tag)).toBe(false);
    expect(macMatches(ring, 'socket-ticket', 'text', tag.subarray(0, 31))).toBe(false);
    expect(macMatches(ring, 'socket-ticket', 'text', new Uint8Array())).toBe(false);
  });
});
