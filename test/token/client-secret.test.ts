import { describe, expect, test } from 'vitest';
import { cleanText } from '../../src/audit/event.ts';
import { newId } from '../../src/id.ts';
import { redacted } from '../../src/observe/redact.ts';
import {
  hashClientSecret,
  isSameHash,
  makeClientSecret,
  parseClientSecret,
} from '../../src/token/client-secret.ts';
import { kindOfToken } from '../../src/token/kind.ts';
import { makeRefreshToken } from '../../src/token/refresh-token.ts';
import { makeResetToken } from '../../src/token/reset-token.ts';

describe('client secrets', () => {
  const tid = newId();

  test('ASVS 7.2.3 one names its tenant and has 256 random bits', () => {
    const secret = makeClientSecret(tid);
    expect(parseClientSecret(secret)).toEqual({ tid });
    expect(Buffer.from(secret.split('.')[1] ?? '', 'base64url')).toHaveLength(32);
    expect(new Set(Array.from({ length: 100 }, () => makeClientSecret(tid))).size).toBe(100);
    expect(makeClientSecret(tid, (bytes) => Buffer.alloc(bytes, 7))).toBe(
      `scs_${tid}.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc`,
    );
  });

  test('it has one exact spelling', () => {
    const secret = makeClientSecret(tid, (bytes) => Buffer.alloc(bytes, 7));
    for (const odd of [
      ...['', 'scs_', secret.slice(4), secret.slice(1), `${secret}A`, secret.slice(0, -1)],
      ...[`${secret}.x`, secret.replace('.', ''), secret.replace('scs_', 'SCS_'), ` ${secret}`],
      // The same bytes with an unused bit set.
      `${secret.slice(0, -1)}d`,
      secret.replace(tid, 'x'),
      makeResetToken(tid),
      makeRefreshToken(tid, newId()),
      7,
      null,
    ]) {
      expect([odd, parseClientSecret(odd)]).toEqual([odd, null]);
    }
  });

  test('hashes are compared as a whole', () => {
    const [one, other] = [makeClientSecret(tid), makeClientSecret(tid)].map(hashClientSecret);
    if (one === undefined || other === undefined) throw new Error('two were made');
    expect(one).toHaveLength(32);
    expect(isSameHash(one, Buffer.from(one))).toBe(true);
    expect(isSameHash(one, other)).toBe(false);
    expect(isSameHash(one, one.subarray(0, 31))).toBe(false);
    expect(isSameHash(one, new Uint8Array(0))).toBe(false);
  });

  test('ASVS 16.2.5 neither an audit row nor a log line can hold one', () => {
    const secret = makeClientSecret(tid);
    expect(cleanText(`at ${secret}, in words`)).toBe('at [removed], in words');
    const line = redacted({ note: secret, client_secret: 'x', form: { client_secret: secret } });
    expect(JSON.stringify(line)).not.toContain(secret.slice(-20));
    expect(line.client_secret).toBe('[removed]');
  });

  test('RFC 7009 a token is known by its shape, whatever it is worth', () => {
    expect(kindOfToken(makeRefreshToken(tid, newId()))).toBe('refresh');
    for (const other of [
      makeClientSecret(tid),
      makeResetToken(tid),
      `${tid}.17.${'A'.repeat(43)}`,
    ]) {
      expect(kindOfToken(other)).toBe('other');
    }
    for (const access of ['eyJhbGciOiJFUzI1NiJ9.e30.c2ln', 'x', '', '.'.repeat(5000)]) {
      expect(kindOfToken(access)).toBe('access');
    }
  });
});
