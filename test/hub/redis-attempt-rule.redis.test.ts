import { createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRedisAttempts } from '../../src/hub/redis/attempts.ts';
import type { RedisLink } from '../../src/hub/redis/link.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { AttemptBucket, AttemptStore } from '../../src/record/contract.ts';
import { judgeAttempts } from '../support/attempt-rule.ts';
import { openTestLink } from '../support/redis-link.ts';
import { START_MS } from '../support/seed.ts';

const PASSED = { kind: 'reserved', remaining: 0, resetMs: 0 } as const;
/** A record that lets everything through, so that Redis judges alone. */
const open: AttemptStore = {
  reserve: async () => PASSED,
  giveBack: async () => {},
  listLimited: async () => [],
  lift: async () => true,
};

let link: RedisLink;
beforeAll(async () => {
  link = await openTestLink(inject('redisUrl'));
});
afterAll(async () => {
  await link?.close();
});

test('ASVS 6.3.1 property: Redis judges as the rule does, of several buckets by the longest wait', async () => {
  const nameKey = createSecretKey(randomBytes(32));
  const attempts = createRedisAttempts({
    ...{ link, nameKey, record: open, clock: systemClock, log: silentLog },
  });
  const rule = fc.record({
    attempts: fc.integer({ min: 1, max: 6 }),
    windowMs: fc.constantFrom(10_000, 20_000, 70_000),
    maxWaitMs: fc.constantFrom(1000, 3000, 8000, 60_000),
  });
  const step = fc.record({
    // Clocks of several nodes differ a little, so time may go back.
    waitMs: fc.oneof(
      fc.integer({ min: -50, max: 3000 }),
      fc.constantFrom(0, 1000, 2000, 4000, 8000, 10_000, 20_000),
    ),
    giveBack: fc.boolean(),
  });
  const rules = fc.tuple(rule, rule);
  const steps = fc.array(step, { minLength: 5, maxLength: 40 });
  const seen = { passed: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(rules, steps, async ([first, second], taken) => {
      const tid = newId();
      const buckets: AttemptBucket[] = [
        { kind: 'account', key: 'ann', ...first },
        { kind: 'address', key: '192.0.2.1', ...second },
      ];
      const counted: number[][] = [[], []];
      let nowMs = START_MS;
      for (const { waitMs, giveBack } of taken) {
        nowMs += waitMs;
        const verdicts = buckets.map((bucket, n) => judgeAttempts(counted[n] ?? [], bucket, nowMs));
        const waits = verdicts.map((one) => (one.kind === 'wait' ? one.retryAfterMs : 0));
        const longest = Math.max(...waits);
        const id = newId();
        const outcome = await attempts.reserve(tid, buckets, id, nowMs);
        if (longest > 0) {
          seen.refused += 1;
          const resetMs = verdicts.filter((_, n) => waits[n] === longest).map((v) => v.resetMs);
          expect(outcome).toMatchObject({ kind: 'limited', retryAfterMs: longest });
          expect(outcome).toMatchObject({ resetMs: Math.max(...resetMs) });
          continue;
        }
        seen.passed += 1;
        expect(outcome).toEqual(PASSED);
        for (const [n, bucket] of buckets.entries()) {
          // What left the window at this attempt's time never counts again.
          counted[n] = (counted[n] ?? []).filter((time) => time > nowMs - bucket.windowMs);
        }
        if (giveBack) await attempts.giveBack(tid, buckets, id, false);
        else for (const times of counted) times.push(nowMs);
      }
    }),
    { numRuns: 150 },
  );
  expect(Math.min(seen.passed, seen.refused)).toBeGreaterThan(100);
  attempts.close();
});

test('ASVS 6.3.1: a bucket of a hundred thousand attempts is judged by a few of them', async () => {
  const nameKey = createSecretKey(randomBytes(32));
  const attempts = createRedisAttempts({
    ...{ link, nameKey, record: open, clock: systemClock, log: silentLog },
  });
  const tid = newId();
  const bucket: AttemptBucket = {
    ...{ kind: 'address', key: '192.0.2.1', attempts: 100_000 },
    ...{ windowMs: 86_400_000, maxWaitMs: 1000 },
  };
  await attempts.reserve(tid, [bucket], newId(), START_MS);
  const [key = ''] = await link.commands.keys(`${link.prefix}login-attempt:{${tid}}:*`);
  const times = [START_MS];
  for (let n = 1; n < 120_000; n += 1) times.push(START_MS + n);
  for (let from = 1; from < times.length; from += 5000) {
    const part = times.slice(from, from + 5000);
    await link.commands.zadd(key, ...part.flatMap((time) => [time, `a${time}`]));
  }
  for (const nowMs of [START_MS + 119_999, START_MS + 120_500]) {
    const verdict = judgeAttempts(times, bucket, nowMs);
    const outcome = await attempts.reserve(tid, [bucket], newId(), nowMs);
    expect(verdict.kind).toBe('wait');
    expect(outcome).toMatchObject({
      kind: 'limited',
      retryAfterMs: verdict.kind === 'wait' ? verdict.retryAfterMs : 0,
    });
  }
  attempts.close();
});
