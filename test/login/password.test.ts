import { hash as argon2Hash } from '@node-rs/argon2';
import { describe, expect, test } from 'vitest';
import { ARGON2, createPasswordHasher, needsRehash } from '../../src/login/password.ts';

const hasher = createPasswordHasher();
const PASSWORD = 'a long enough one';

describe('password hashes', () => {
  test('ASVS 6.2.x: argon2id with m ≥ 19456 KiB, t = 2, p = 1, a salt of its own each time', async () => {
    const [one, two] = await Promise.all([hasher.hash(PASSWORD), hasher.hash(PASSWORD)]);
    expect(ARGON2.memoryKiB).toBeGreaterThanOrEqual(19_456);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
    expect(one).not.toBe(two);
    expect(await hasher.verify(one, PASSWORD)).toBe(true);
    expect(await hasher.verify(one, `${PASSWORD} `)).toBe(false);
    expect(await hasher.verify(one, '')).toBe(false);
  });

  test('NIST SP 800-63B-4 3.1.1.2: spellings of one text in Unicode are one password', async () => {
    const hash = await hasher.hash('pa\u00dfw\u00f6rter sind lang');
    expect(await hasher.verify(hash, 'pa\u00dfwo\u0308rter sind lang')).toBe(true);
  });

  test('every character counts, far beyond 72 bytes', async () => {
    const long = 'ü'.repeat(255);
    const hash = await hasher.hash(`${long}a`);
    expect(await hasher.verify(hash, `${long}a`)).toBe(true);
    expect(await hasher.verify(hash, `${long}b`)).toBe(false);
  });

  test('ASVS 6.3.8: an unknown user costs a computation too, and never passes', async () => {
    expect(await hasher.verifyAgainstNothing(PASSWORD)).toBe(false);
    expect(await hasher.verifyAgainstNothing('')).toBe(false);
  });

  test('ASVS 16.5.2: a row that holds no hash is an error that quotes nothing, not a wrong password', async () => {
    for (const hash of [
      '',
      'plain text',
      '$argon2id$v=19$m=19456,t=2,p=1$AAAA',
      '$2b$10$abcdefghijklmnopqrstuv',
    ]) {
      const error: unknown = await hasher.verify(hash, PASSWORD).catch((caught) => caught);
      expect(error).toMatchObject({
        code: 'internal',
        message: 'A stored password hash cannot be read.',
      });
      expect(error).not.toHaveProperty('cause');
    }
  });

  test('hashes of a lower cost or another kind are to be made anew', async () => {
    const weak = { memoryCost: 8192, timeCost: 2, parallelism: 1 };
    expect(needsRehash(await hasher.hash(PASSWORD))).toBe(false);
    expect(needsRehash(await argon2Hash(PASSWORD, weak))).toBe(true);
    expect(
      needsRehash(await argon2Hash(PASSWORD, { ...weak, memoryCost: 19_456, timeCost: 1 })),
    ).toBe(true);
    expect(
      needsRehash(await argon2Hash(PASSWORD, { ...weak, memoryCost: 32_768, timeCost: 3 })),
    ).toBe(false);
    expect(needsRehash('$argon2i$v=19$m=19456,t=2,p=1$AAAA$AAAA')).toBe(true);
    expect(needsRehash('$argon2id$v=16$m=19456,t=2,p=1$AAAA$AAAA')).toBe(true);
    expect(needsRehash('')).toBe(true);
    expect(await hasher.verify(await argon2Hash(PASSWORD, weak), PASSWORD)).toBe(true);
  });
});

describe('A7: parallel logins', () => {
  test('queue for their places; when the queue is full, further ones are told to come back', async () => {
    const narrow = createPasswordHasher({ parallel: 1, queue: 2 });
    const calls = Array.from({ length: 6 }, () => narrow.verifyAgainstNothing(PASSWORD));
    const results = await Promise.allSettled(calls);
    expect(results.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 3 }, () => 'fulfilled'),
      ...Array.from({ length: 3 }, () => 'rejected'),
    ]);
    const refused = { reason: { code: 'too_many_attempts', status: 429, retryAfterSeconds: 1 } };
    expect(results.slice(3)).toMatchObject([refused, refused, refused]);
    // Places are given back, also by a call that failed.
    await expect(narrow.verify('no hash', PASSWORD)).rejects.toMatchObject({ code: 'internal' });
    expect(await narrow.verifyAgainstNothing(PASSWORD)).toBe(false);
  });

  test('nobody overtakes', async () => {
    const narrow = createPasswordHasher({ parallel: 1, queue: 10 });
    const done: number[] = [];
    const order = [0, 1, 2, 3, 4];
    await Promise.all(
      order.map((n) => narrow.verifyAgainstNothing(PASSWORD).then(() => done.push(n))),
    );
    expect(done).toEqual(order);
  });
});
