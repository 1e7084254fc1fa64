import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import {
  type AttemptRule,
  judgeAttempts,
  mostAttemptsInWindow,
  waitMs,
} from '../support/attempt-rule.ts';

const { account_attempts, account_window, max_wait } = DEFAULT_POLICY.login_limit;
const RULE: AttemptRule = {
  attempts: account_attempts,
  windowMs: account_window * 1000,
  maxWaitMs: max_wait * 1000,
};

/** Small numbers, so that windows, waits and allowances meet in every way. */
const rules = fc.record({
  attempts: fc.integer({ min: 1, max: 6 }),
  windowMs: fc.integer({ min: 1000, max: 60_000 }),
  maxWaitMs: fc.integer({ min: 1000, max: 40_000 }),
});
const times = fc.array(fc.nat(60_000), { maxLength: 12 });
const NOW = 60_000;

/** The rule as it is said in words, without any cleverness. */
function passes(counted: readonly number[], rule: AttemptRule, now: number): boolean {
  const within = counted.filter((time) => time > now - rule.windowMs);
  return within.length < rule.attempts || now >= Math.max(...within) + waitMs(within.length, rule);
}

describe('ASVS 6.3.1 ASVS 6.1.1: the rule for login attempts', () => {
  test('ten pass, the eleventh is refused, and waits double from one second', () => {
    const counted: number[] = [];
    let now = 1_000_000;
    for (let n = 0; n < 10; n += 1) {
      expect(judgeAttempts(counted, RULE, now)).toMatchObject({ kind: 'pass', remaining: 9 - n });
      counted.push(now);
    }
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128]) {
      expect(judgeAttempts(counted, RULE, now)).toMatchObject({
        kind: 'wait',
        retryAfterMs: seconds * 1000,
      });
      expect(judgeAttempts(counted, RULE, now + 1)).toMatchObject({
        retryAfterMs: seconds * 1000 - 1,
      });
      now += seconds * 1000;
      expect(judgeAttempts(counted, RULE, now)).toMatchObject({ kind: 'pass', remaining: 0 });
      counted.push(now);
    }
  });

  test('the wait ends sooner when an old attempt leaves the window before', () => {
    const rule = { attempts: 2, windowMs: 10_000, maxWaitMs: 60_000 };
    // Three count at 9.5 s: 2 s since the last. At 10 s the first leaves, two are left: 1 s since the last is enough.
    expect(judgeAttempts([0, 9_000, 9_500], rule, 9_600)).toMatchObject({
      kind: 'wait',
      retryAfterMs: 900,
    });
    // Here fewer than two are left before any wait is over.
    expect(judgeAttempts([0, 100, 9_500], rule, 9_600)).toMatchObject({
      kind: 'wait',
      retryAfterMs: 500,
    });
  });

  test('resetMs tells when the window is empty', () => {
    expect(judgeAttempts([], RULE, 5)).toEqual({ kind: 'pass', remaining: 9, resetMs: 0 });
    expect(judgeAttempts([1000, 2000], RULE, 3000).resetMs).toBe(899_000);
  });

  test('an attempt that another node timed a little later counts: parallel guesses are exact', () => {
    const rule = { attempts: 1, windowMs: 10_000, maxWaitMs: 10_000 };
    expect(judgeAttempts([5_001], rule, 5_000)).toMatchObject({ kind: 'wait', retryAfterMs: 1001 });
  });

  test('it is the rule in words', () => {
    fc.assert(
      fc.property(rules, times, (rule, counted) => {
        expect(judgeAttempts(counted, rule, NOW).kind === 'pass').toBe(passes(counted, rule, NOW));
      }),
    );
  });

  test('retryAfterMs is exact: refused a millisecond before, passed then', () => {
    fc.assert(
      fc.property(rules, times, (rule, counted) => {
        const verdict = judgeAttempts(counted, rule, NOW);
        if (verdict.kind === 'wait') {
          expect(verdict.retryAfterMs).toBeGreaterThan(0);
          for (
            let at = NOW;
            at < NOW + verdict.retryAfterMs;
            at += Math.max(1, verdict.retryAfterMs >> 4)
          ) {
            expect(passes(counted, rule, at)).toBe(false);
          }
          expect(passes(counted, rule, NOW + verdict.retryAfterMs - 1)).toBe(false);
          expect(passes(counted, rule, NOW + verdict.retryAfterMs)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a victim never waits longer than max_wait nor the window, whatever a guesser does', () => {
    fc.assert(
      fc.property(rules, times, (rule, counted) => {
        const verdict = judgeAttempts(counted, rule, NOW);
        const wait = verdict.kind === 'wait' ? verdict.retryAfterMs : 0;
        expect(wait).toBeLessThanOrEqual(Math.min(rule.maxWaitMs, rule.windowMs));
      }),
    );
  });

  test('monotone: what passes now passes later, and with fewer counted attempts', () => {
    fc.assert(
      fc.property(rules, times, fc.nat(60_000), fc.nat(11), (rule, counted, later, without) => {
        if (judgeAttempts(counted, rule, NOW).kind === 'pass') {
          expect(judgeAttempts(counted, rule, NOW + later).kind).toBe('pass');
          expect(judgeAttempts(counted.toSpliced(without, 1), rule, NOW).kind).toBe('pass');
        }
      }),
    );
  });

  test('the order of the counted attempts does not matter', () => {
    fc.assert(
      fc.property(rules, times, (rule, counted) => {
        expect(judgeAttempts(counted.toReversed(), rule, NOW)).toEqual(
          judgeAttempts(counted, rule, NOW),
        );
      }),
    );
  });
});

describe('how many guesses pass', () => {
  /** Attempts of the most eager guesser there can be, from 0 to `untilMs`. */
  function guess(rule: AttemptRule, untilMs: number): readonly number[] {
    const counted: number[] = [];
    for (let now = 0; now < untilMs; ) {
      const verdict = judgeAttempts(counted, rule, now);
      if (verdict.kind === 'pass') {
        counted.push(now);
      } else {
        now += verdict.retryAfterMs;
      }
    }
    return counted;
  }

  const mostInSpan = (counted: readonly number[], span: number) =>
    Math.max(
      ...counted.map((from) => counted.filter((at) => at >= from && at < from + span).length),
    );

  test('NIST SP 800-63B-4 3.2.2: with the defaults 19 in any 900 s, where 100 are allowed', () => {
    expect(mostAttemptsInWindow(RULE)).toBe(19);
    expect(mostInSpan(guess(RULE, 20 * RULE.windowMs), RULE.windowMs)).toBe(19);
  });

  test('the bound holds for the most eager guesser, and is reached by him', () => {
    fc.assert(
      fc.property(rules, (rule) => {
        const counted = guess(rule, 5 * rule.windowMs);
        expect(mostInSpan(counted, rule.windowMs)).toBe(mostAttemptsInWindow(rule));
      }),
      { numRuns: 60 },
    );
  });

  test('and for anybody who comes at any times', () => {
    fc.assert(
      fc.property(rules, fc.array(fc.nat(3000), { maxLength: 200 }), (rule, gaps) => {
        const counted: number[] = [];
        let now = 0;
        for (const gap of gaps) {
          now += gap;
          if (judgeAttempts(counted, rule, now).kind === 'pass') {
            counted.push(now);
          }
        }
        expect(Math.max(0, mostInSpan(counted, rule.windowMs))).toBeLessThanOrEqual(
          mostAttemptsInWindow(rule),
        );
      }),
    );
  });
});
