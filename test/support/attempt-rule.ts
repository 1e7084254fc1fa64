import type { AttemptBucket } from '../../src/record/contract.ts';

/** The wait after the first attempt above the allowance; each further one doubles it. */
const FIRST_WAIT_MS = 1000;

/** The part of a bucket that the rule needs. */
export type AttemptRule = Pick<AttemptBucket, 'attempts' | 'windowMs' | 'maxWaitMs'>;

export type AttemptVerdict =
  /** `remaining`: how many more would pass at once after this one. */
  | { readonly kind: 'pass'; readonly remaining: number; readonly resetMs: number }
  /** `retryAfterMs`: exactly when an attempt passes, if none is counted before. */
  | { readonly kind: 'wait'; readonly retryAfterMs: number; readonly resetMs: number };

/**
 * The rule for login attempts, as `AttemptStore` in src/record/attempt-contract.ts states it, without a store: the model
 * that the conformance suite compares every implementation with.
 *
 * @param timesMs times of the counted attempts of one bucket, in any order.
 * @returns `resetMs`: how long until the window is empty, 0 when it is.
 */
export function judgeAttempts(
  timesMs: readonly number[],
  rule: AttemptRule,
  nowMs: number,
): AttemptVerdict {
  const counted = timesMs.filter((time) => time > nowMs - rule.windowMs).sort((a, b) => a - b);
  const last = counted.at(-1);
  const resetMs = last === undefined ? 0 : last + rule.windowMs - nowMs;
  const passesAtMs = last === undefined ? nowMs : earliestPass(counted, last, rule);
  if (passesAtMs <= nowMs) {
    return { kind: 'pass', remaining: Math.max(0, rule.attempts - counted.length - 1), resetMs };
  }
  return { kind: 'wait', retryAfterMs: passesAtMs - nowMs, resetMs };
}

/** How long to wait after the last counted attempt when `count` of them count. */
export function waitMs(count: number, rule: AttemptRule): number {
  return count < rule.attempts
    ? 0
    : Math.min(rule.maxWaitMs, FIRST_WAIT_MS * 2 ** (count - rule.attempts));
}

/**
 * The most attempts that can pass in any span of `windowMs`.
 *
 * Let `t1 … tm` pass within such a span. Those before `tj` all still count at `tj`, so for `j > attempts` the gap before
 * `tj` is at least the wait for `j − 1` counted ones. These gaps fit into the span, which bounds `m`: `attempts`, and one
 * more for each of the waits 1 s, 2 s, 4 s … (each at most `maxWaitMs`) whose sum stays below `windowMs`. With the
 * defaults, 10 attempts and 900 s, that is 19, where NIST allows 100.
 */
export function mostAttemptsInWindow(rule: AttemptRule): number {
  let most = rule.attempts;
  let spent = waitMs(most, rule);
  while (spent < rule.windowMs) {
    most += 1;
    const wait = waitMs(most, rule);
    if (wait === rule.maxWaitMs) {
      return most + Math.ceil((rule.windowMs - spent) / wait) - 1;
    }
    spent += wait;
  }
  return most;
}

/**
 * The earliest moment at which an attempt passes if no other is counted: for each number of the oldest that may have left
 * the window by then, the later of their leaving and the end of the wait for those that are left.
 */
function earliestPass(counted: readonly number[], last: number, rule: AttemptRule): number {
  let earliest =
    counted.length < rule.attempts ? Number.NEGATIVE_INFINITY : last + waitMs(counted.length, rule);
  for (const [index, time] of counted.entries()) {
    const leavesAtMs = time + rule.windowMs;
    if (leavesAtMs >= earliest) {
      break;
    }
    const left = counted.length - index - 1;
    const waitedAtMs = left < rule.attempts ? leavesAtMs : last + waitMs(left, rule);
    earliest = Math.min(earliest, Math.max(leavesAtMs, waitedAtMs));
  }
  return earliest;
}
