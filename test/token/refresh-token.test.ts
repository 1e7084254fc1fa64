import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import {
  candidates,
  follow,
  hashRefreshToken,
  issueSlots,
  makeRefreshToken,
  parseRefreshToken,
} from '../../src/token/refresh-token.ts';
import { testRing } from '../support/tokens.ts';

const tid = newId();
const sid = newId();
const token = makeRefreshToken(tid, sid);

describe('refresh tokens', () => {
  test('ASVS 7.2.3: 256 random bits, never the same', () => {
    expect(token).toMatch(/^[\w-]{22}\.[\w-]{22}\.[\w-]{43}$/);
    expect(new Set(Array.from({ length: 100 }, () => makeRefreshToken(tid, sid))).size).toBe(100);
    const asked: number[] = [];
    makeRefreshToken(tid, sid, (bytes) => {
      asked.push(bytes);
      return Buffer.alloc(bytes);
    });
    expect(asked).toEqual([32]);
  });

  test('what is made is read', () => {
    expect(parseRefreshToken(token)).toEqual({ tid, sid });
    const [keyId = ''] = candidates(testRing(), token).map((candidate) => candidate.keyId);
    expect(parseRefreshToken(follow(testRing(), token, [keyId]))).toEqual({ tid, sid });
  });

  test.each<[string, unknown]>([
    ['nothing', ''],
    ['no string', 7],
    ['absent', undefined],
    ['an object', { toString: () => token }],
    ['a blank before', ` ${token}`],
    ['a line break after', `${token}\n`],
    ['padding', `${token}=`],
    ['a part more', `${token}.x`],
    ['a part less', token.slice(0, 45)],
    ['an empty secret', `${tid}.${sid}.`],
    ['a shorter secret', token.slice(0, -1)],
    ['standard base64', `${tid}.${sid}.${'+'.repeat(42)}A`],
    ['another spelling of the same bytes', `${tid}.${sid}.${'A'.repeat(42)}B`],
    ['bad ids', `${'*'.repeat(22)}.${sid}.${'A'.repeat(43)}`],
    ['one part too long, one too short', `${tid}x.${sid.slice(1)}.${'A'.repeat(43)}`],
    ['a long text', 'a'.repeat(1_000_000)],
  ])('refuses %s', (_, value) => {
    expect(parseRefreshToken(value)).toBeNull();
  });

  test('nothing throws, and whatever is read is spelled exactly so', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[\w-]{22}\.[\w-]{22}\.[\w-]{43}$/)),
        (text) => {
          const parsed = parseRefreshToken(text);
          if (parsed !== null) {
            const bytes = Buffer.from(text.slice(46), 'base64url');
            expect(`${parsed.tid}.${parsed.sid}.${bytes.toString('base64url')}`).toBe(text);
          }
        },
      ),
    );
  });

  test('B6: only SHA-256 hashes are for storing', () => {
    const slots = issueSlots(testRing(), token);
    expect(Buffer.from(slots.currentHash)).toEqual(createHash('sha256').update(token).digest());
    expect(hashRefreshToken(token)).toHaveLength(32);
    expect(JSON.stringify(slots)).not.toContain(token.slice(46));
  });

  test('slots, candidates and followed tokens speak of the same successor', () => {
    const ring = testRing('new', 'old');
    const slots = issueSlots(ring, token);
    const offered = candidates(ring, token);
    expect(offered.map(({ keyId }) => keyId)).toEqual(ring.members.map(({ keyId }) => keyId));
    expect(offered[0]).toMatchObject({
      keyId: slots.successorKeyId,
      successorHash: slots.successorHash,
    });
    for (const { keyId, successorHash, afterHash } of offered) {
      const successor = follow(ring, token, [keyId]) ?? '';
      expect(hashRefreshToken(successor)).toEqual(successorHash);
      expect(issueSlots(ring, successor).successorHash).toEqual(afterHash);
    }
  });

  test('a successor follows from token and key alone: every node derives the same one', () => {
    const { keyId } = testRing('x').newest;
    expect(follow(testRing('x'), token, [keyId])).toBe(follow(testRing('y', 'x'), token, [keyId]));
    expect(follow(testRing('y'), token, [testRing('y').newest.keyId])).not.toBe(
      follow(testRing('x'), token, [keyId]),
    );
    expect(follow(testRing('x'), token, [])).toBe(token);
  });

  test('the same secret in another session or tenant has another successor', () => {
    const ring = testRing();
    const secret = token.slice(46);
    const successors = [token, `${tid}.${newId()}.${secret}`, `${newId()}.${sid}.${secret}`].map(
      (one) => follow(ring, one, [ring.newest.keyId])?.slice(46),
    );
    expect(new Set(successors).size).toBe(3);
  });
});
