import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { AttemptBucket } from '../../../src/record/contract.ts';
import { DEFAULT_POLICY } from '../../../src/tenant/policy.ts';
import { judgeAttempts } from '../../support/attempt-rule.ts';
import {
  behindLock,
  byHand,
  type RecordFixture,
  START_MS,
  seedTenant,
} from '../../support/seed.ts';

const RULE = { attempts: 3, windowMs: 60_000, maxWaitMs: 8000 };
const LIMIT = {
  ...DEFAULT_POLICY.login_limit,
  account_attempts: 3,
  account_window: 60,
  max_wait: 8,
};
const ALL = { limit: 200, cursor: null };

const account = (key: string): AttemptBucket => ({ kind: 'account', key, ...RULE });
const address = (key: string, attempts = 1000): AttemptBucket => ({
  ...RULE,
  kind: 'address',
  key,
  attempts,
});

/** Login attempts: exact under parallel guesses, and the rule of login/limits.ts. */
export function attemptSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`login attempts on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    const reserve = (tid: string, buckets: readonly AttemptBucket[], nowMs: number, id = newId()) =>
      fixture.record.attempts.reserve(tid, buckets, id, nowMs);

    async function rows(tid: string): Promise<Record<string, unknown>[]> {
      return byHand(fixture.database, {
        text: `select kind, key, cardinality(ids) as ids, cardinality(times) as times
          from sekisho.login_attempt where tid = $1 order by kind, key`,
        values: [tid],
      });
    }

    test('A4 A7 ASVS 6.3.1 parallel guesses are counted exactly', async () => {
      const { tid } = await seedTenant(fixture);
      const buckets = [account('ann@example.test'), address('192.0.2.1')];
      const guess = (index: number) =>
        // The order of the buckets, and whose clock is a little ahead, change nothing.
        reserve(tid, index % 2 === 0 ? buckets : buckets.toReversed(), START_MS + (index % 5));
      const first = await guess(0);
      const row = {
        text: "select 1 from sekisho.login_attempt where tid = $1 and kind = 'account' for update",
        values: [tid],
      };
      const more = await behindLock(fixture, row, () =>
        Promise.all(Array.from({ length: 40 }, (_, index) => guess(index))),
      );
      const outcomes = [first, ...more];
      expect(outcomes.filter((outcome) => outcome.kind === 'reserved')).toHaveLength(3);
      const refused = outcomes.find((outcome) => outcome.kind === 'limited');
      expect(refused).toMatchObject({ kind: 'limited', bucket: 'account' });
      expect(await rows(tid)).toEqual([
        { kind: 'account', key: 'ann@example.test', ids: 3, times: 3 },
        { kind: 'address', key: '192.0.2.1', ids: 3, times: 3 },
      ]);
    });

    test('A4 ASVS 6.3.1 the first guesses on an account are counted exactly when they come at once', async () => {
      for (let round = 0; round < 5; round += 1) {
        const { tid } = await seedTenant(fixture);
        const buckets = [account('ann@example.test')];
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, () => reserve(tid, buckets, START_MS)),
        );
        expect(outcomes.filter((outcome) => outcome.kind === 'reserved')).toHaveLength(3);
      }
    });

    test('ASVS 6.3.1 waits begin after the allowance, double, and are not made longer by refused tries', async () => {
      const { tid } = await seedTenant(fixture);
      const buckets = [account('ann@example.test')];
      const at = (ms: number) => reserve(tid, buckets, START_MS + ms);
      expect(await at(0)).toEqual({ kind: 'reserved', remaining: 2, resetMs: 0 });
      expect(await at(0)).toEqual({ kind: 'reserved', remaining: 1, resetMs: 60_000 });
      expect(await at(0)).toMatchObject({ remaining: 0 });
      const limited = { kind: 'limited', bucket: 'account', resetMs: 60_000 };
      expect(await at(0)).toEqual({ ...limited, retryAfterMs: 1000 });
      expect(await at(999)).toMatchObject({ kind: 'limited', retryAfterMs: 1 });
      expect((await at(1000)).kind).toBe('reserved');
      expect(await at(1000)).toMatchObject({ kind: 'limited', retryAfterMs: 2000 });
      expect((await at(3000)).kind).toBe('reserved');
      expect(await at(3000)).toMatchObject({ kind: 'limited', retryAfterMs: 4000 });
      expect((await at(7000)).kind).toBe('reserved');
      // No wait is longer than the longest one.
      expect(await at(7000)).toMatchObject({ kind: 'limited', retryAfterMs: 8000 });
      expect((await at(15_000)).kind).toBe('reserved');
      expect(await at(15_000)).toMatchObject({ kind: 'limited', retryAfterMs: 8000 });
      // When the oldest have left the window, sooner.
      expect((await at(60_000 + 15_000)).kind).toBe('reserved');
    });

    test('A7 either all buckets count an attempt or none does; a refusal leaves no row behind', async () => {
      const { tid } = await seedTenant(fixture);
      const narrow = address('192.0.2.1', 2);
      for (let index = 0; index < 2; index += 1) {
        expect((await reserve(tid, [account(`a${index}`), narrow], START_MS)).kind).toBe(
          'reserved',
        );
      }
      const before = await rows(tid);
      for (let index = 2; index < 12; index += 1) {
        const refused = await reserve(tid, [account(`a${index}`), narrow], START_MS);
        expect(refused).toMatchObject({ kind: 'limited', bucket: 'address', retryAfterMs: 1000 });
      }
      expect(await rows(tid)).toEqual(before);
      // The longer wait is the one that is told.
      for (const wait of [0, 1000, 3000]) {
        await reserve(tid, [address('192.0.2.2', 1)], START_MS + wait);
      }
      for (let index = 0; index < 3; index += 1)
        await reserve(tid, [account('ann')], START_MS + 3000);
      const both = await reserve(tid, [account('ann'), address('192.0.2.2', 1)], START_MS + 3000);
      expect(both).toMatchObject({ bucket: 'address', retryAfterMs: 4000 });
    });

    test('ASVS 6.3.1 success resets the account and its device, and gives the address its attempt back', async () => {
      const { tid } = await seedTenant(fixture);
      const device: AttemptBucket = { kind: 'device', key: 'ann phone', ...RULE };
      const buckets = [account('ann'), device, address('192.0.2.1')];
      const { attempts } = fixture.record;
      await reserve(tid, buckets, START_MS);
      const id = newId();
      await reserve(tid, buckets, START_MS, id);
      await attempts.giveBack(tid, buckets, id, false);
      const once = [
        { kind: 'account', key: 'ann', ids: 1, times: 1 },
        { kind: 'address', key: '192.0.2.1', ids: 1, times: 1 },
        { kind: 'device', key: 'ann phone', ids: 1, times: 1 },
      ];
      expect(await rows(tid)).toEqual(once);
      // Not again, and not by an id that was never counted.
      await attempts.giveBack(tid, buckets, id, false);
      await attempts.giveBack(tid, buckets, newId(), false);
      expect(await rows(tid)).toEqual(once);
      const right = newId();
      await reserve(tid, buckets, START_MS, right);
      await attempts.giveBack(tid, buckets, right, true);
      expect(await rows(tid)).toEqual([{ kind: 'address', key: '192.0.2.1', ids: 1, times: 1 }]);
    });

    test('ASVS 6.3.1 parallel right guesses and wrong ones never wait for each other in a circle', async () => {
      const { tid } = await seedTenant(fixture);
      const buckets = [address('192.0.2.1'), account('ann'), account('bob')];
      await Promise.all(
        Array.from({ length: 30 }, async (_, index) => {
          const id = newId();
          const order = index % 2 === 0 ? buckets : buckets.toReversed();
          const outcome = await reserve(tid, order, START_MS + index, id);
          if (outcome.kind === 'reserved') {
            await fixture.record.attempts.giveBack(tid, order.toReversed(), id, index % 3 === 0);
          }
        }),
      );
      expect((await rows(tid)).map((row) => row.ids)).toEqual([]);
    });

    test('B1 accounts of the same address in other tenants are other accounts', async () => {
      const [here, there] = [await seedTenant(fixture), await seedTenant(fixture)];
      for (let index = 0; index < 3; index += 1)
        await reserve(here.tid, [account('ann')], START_MS);
      expect((await reserve(here.tid, [account('ann')], START_MS)).kind).toBe('limited');
      expect((await reserve(there.tid, [account('ann')], START_MS)).kind).toBe('reserved');
      expect((await reserve('unknown', [account('ann')], START_MS)).kind).toBe('reserved');
      expect(await fixture.record.attempts.listLimited(there.tid, START_MS, ALL, LIMIT)).toEqual(
        [],
      );
    });

    test('A6 limited accounts are listed by their last attempt, in pages, and can be lifted', async () => {
      const { tid } = await seedTenant(fixture);
      const { attempts } = fixture.record;
      const names = ['a', 'b', 'c', 'd', 'e'];
      for (const [index, name] of names.entries()) {
        for (let n = 0; n < 3; n += 1) await reserve(tid, [account(name)], START_MS + index * 100);
      }
      await reserve(tid, [account('free')], START_MS);
      const device: AttemptBucket = { kind: 'device', key: 'c phone', ...RULE };
      for (let n = 0; n < 3; n += 1) await reserve(tid, [device], START_MS);
      const nowMs = START_MS + 500;
      const first = await attempts.listLimited(tid, nowMs, { limit: 2, cursor: null }, LIMIT);
      expect(first).toEqual(
        ['e', 'd'].map((email, index) => ({
          email,
          attempts: 3,
          lastAttemptAtMs: START_MS + 400 - index * 100,
          retryAtMs: START_MS + 1400 - index * 100,
        })),
      );
      const cursor = { atMs: START_MS + 300, id: 'd' };
      const rest = await attempts.listLimited(tid, nowMs, { limit: 9, cursor }, LIMIT);
      expect(rest.map((one) => one.email)).toEqual(['c', 'b', 'a']);
      expect(await attempts.lift(tid, 'c', [])).toBe(true);
      expect((await reserve(tid, [account('c'), device], START_MS)).kind).toBe('reserved');
      expect(await attempts.lift(tid, 'nobody', [])).toBe(false);
      const left = await attempts.listLimited(tid, nowMs, ALL, LIMIT);
      expect(left.map((one) => one.email)).toEqual(['e', 'd', 'b', 'a']);
      // What waited long enough is limited no more.
      expect(await attempts.listLimited(tid, START_MS + 1400, ALL, LIMIT)).toEqual([]);
      const cost = async (limit: number) => {
        const before = fixture.record.statementCount();
        await attempts.listLimited(tid, nowMs, { limit, cursor: null }, LIMIT);
        return fixture.record.statementCount() - before;
      };
      expect(await cost(4)).toBe(await cost(1));
    });

    test('attempts outside the window leave the row, so that it stays small', async () => {
      const { tid } = await seedTenant(fixture);
      for (let index = 0; index < 10; index += 1) {
        await reserve(tid, [account('ann')], START_MS + index * 30_000);
      }
      expect(await rows(tid)).toEqual([{ kind: 'account', key: 'ann', ids: 2, times: 2 }]);
    });

    test('ASVS 6.3.1 property: the record judges as the rule does', async () => {
      const step = fc.record({
        // Clocks of several nodes differ a little, so time may go back.
        waitMs: fc.oneof(
          fc.integer({ min: -50, max: 3000 }),
          fc.constantFrom(0, 1000, 2000, 4000, 10_000, 20_000),
        ),
        giveBack: fc.boolean(),
      });
      const rule = fc.record({
        attempts: fc.integer({ min: 1, max: 4 }),
        windowMs: fc.constantFrom(10_000, 20_000),
        maxWaitMs: fc.constantFrom(1000, 3000, 60_000),
      });
      await fc.assert(
        fc.asyncProperty(
          rule,
          fc.array(step, { minLength: 5, maxLength: 25 }),
          async (given, steps) => {
            const { tid } = await seedTenant(fixture);
            const bucket: AttemptBucket = { kind: 'account', key: 'ann', ...given };
            let nowMs = START_MS;
            let counted: number[] = [];
            for (const { waitMs, giveBack } of steps) {
              nowMs += waitMs;
              const verdict = judgeAttempts(counted, given, nowMs);
              const id = newId();
              const outcome = await reserve(tid, [bucket], nowMs, id);
              if (verdict.kind === 'wait') {
                const { retryAfterMs, resetMs } = verdict;
                expect(outcome).toEqual({
                  kind: 'limited',
                  bucket: 'account',
                  retryAfterMs,
                  resetMs,
                });
                continue;
              }
              const { remaining, resetMs } = verdict;
              expect(outcome).toEqual({ kind: 'reserved', remaining, resetMs });
              // What left the window at this attempt's time never counts again.
              const from = nowMs - given.windowMs;
              counted = counted.filter((time) => time > from);
              if (giveBack) {
                await fixture.record.attempts.giveBack(tid, [bucket], id, false);
              } else {
                counted.push(nowMs);
              }
            }
          },
        ),
        { numRuns: 40 },
      );
    });
  });
}
