import type { KeyObject } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Log } from '../../observe/log.ts';
import type { AttemptBucket, AttemptStore, ReserveOutcome } from '../../record/contract.ts';
import { accountOf, createAttemptKeys } from './attempt-keys.ts';
import type { RedisLink } from './link.ts';
import { createRepairs } from './repairs.ts';
import { loadScript, runScript } from './scripts.ts';

const RESERVE = loadScript('reserve_attempt');
const GIVE_BACK = loadScript('give_back_attempt');
const LIFT = loadScript('lift_limit');

/** After a failure: how long Redis is not asked, so that logins do not wait for its deadline one after the other. */
const REST_MS = 1_000;
/** By how much the clocks of two nodes may differ, each at most MAX_SKEW off (WALL TIME). */
const CLOCKS_APART_MS = 60_000;

export interface RedisAttemptsOptions {
  readonly link: RedisLink;
  /** Counts exactly what was let through; Redis only refuses sooner. */
  readonly record: AttemptStore;
  /** Names of accounts and addresses are HMACs under it; a key of its own purpose. */
  readonly nameKey: KeyObject;
  readonly clock: Clock;
  readonly log: Log;
}

type Refusal = Extract<ReserveOutcome, { kind: 'limited' }>;

/** Login attempts counted in Redis and in the record. */
export interface RedisAttempts extends AttemptStore {
  /** Attempts to take back and limits to lift that wait for Redis to be back. */
  repairsWaiting(): number;
  close(): void;
}

/**
 * Login attempts with Redis in front (docs/decisions/0010): it refuses first, so that a flood of guesses counts, locks and
 * writes nothing in the database, and the record counts whatever Redis let through. Limits hold exactly whatever happens to
 * Redis: stopped, flushed, restarted empty or failed over with lost writes, it lets nothing more through, since the record
 * judges each attempt again. What Redis counts too much (an attempt that was not taken back, a
 * limit that was not lifted) is mended when it answers again, and ends with its keys' time to live.
 */
export function createRedisAttempts(options: RedisAttemptsOptions): RedisAttempts {
  const { link, record, clock, log } = options;
  const keys = createAttemptKeys(link.prefix, options.nameKey);
  const repairs = createRepairs(link, clock);
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let away = false;
  const removeListener = link.onConnected(() => {
    restUntilMs = Number.NEGATIVE_INFINITY;
  });

  /** What Redis answers; `unknown` when it does not, `unasked` while it is known not to. */
  async function ask<Answer>(work: () => Promise<Answer>): Promise<Answer | 'unknown' | 'unasked'> {
    if (!link.connected() || clock.monotonicMs() < restUntilMs) return 'unasked';
    try {
      const answer = await work();
      if (away) log.info({}, 'login attempts are counted in Redis again');
      away = false;
      return answer;
    } catch (error) {
      restUntilMs = clock.monotonicMs() + REST_MS;
      if (!away) log.warn({ err: error }, 'Redis does not count login attempts: the record does');
      away = true;
      return 'unknown';
    }
  }

  /** Asks, and remembers what had no answer until Redis is back. */
  async function askOrLater(name: string, work: () => Promise<void>): Promise<void> {
    const answer = await ask(() => work().then(() => 'done' as const));
    if (answer !== 'done') repairs.later(name, work);
  }

  function reserveInRedis(
    tenantKey: string,
    buckets: readonly AttemptBucket[],
    attemptId: string,
    nowMs: number,
  ): Promise<Refusal | null> {
    const names = buckets.map((bucket) => keys.bucket(tenantKey, bucket));
    const args: (string | number)[] = [attemptId, Math.floor(nowMs)];
    for (const bucket of buckets) {
      const { attempts, windowMs, maxWaitMs } = bucket;
      let list = 0;
      if (bucket.kind === 'device') {
        list = names.push(keys.devices(tenantKey, accountOf(bucket.key)));
      }
      args.push(attempts, windowMs, maxWaitMs, list, keys.deviceName(bucket));
    }
    return runScript(link, RESERVE, names, args).then((answer) => refusalOf(answer, buckets));
  }

  function giveBackInRedis(
    tenantKey: string,
    buckets: readonly AttemptBucket[],
    attemptId: string,
    clear: boolean,
  ): Promise<void> {
    const names = buckets.map((bucket) => keys.bucket(tenantKey, bucket));
    const emptied = buckets.map(({ kind }) => (clear && kind !== 'address' ? 1 : 0));
    const work = async (): Promise<void> => {
      await runScript(link, GIVE_BACK, names, [attemptId, ...emptied]);
    };
    return askOrLater(attemptId, work);
  }

  function liftInRedis(tid: string, account: string): Promise<void> {
    const bucket = keys.bucket(tid, { kind: 'account', key: account });
    const devices = keys.devices(tid, account);
    const work = async (): Promise<void> => {
      const names = (await runScript(link, LIFT, [bucket, devices], [])) as readonly string[];
      const found = names.flatMap((name) => keys.device(tid, name) ?? []);
      if (found.length > 0) await link.commands.unlink(...found);
    };
    return askOrLater(bucket, work);
  }

  return {
    async reserve(tenantKey, buckets, attemptId, nowMs) {
      const first = await ask(() => reserveInRedis(tenantKey, buckets, attemptId, nowMs));
      if (first !== null && typeof first !== 'string') return first;
      // An attempt whose answer did not come may be counted all the same.
      const takeBack = async (): Promise<void> => {
        if (first !== 'unasked') await giveBackInRedis(tenantKey, buckets, attemptId, false);
      };
      try {
        // Closed, never open: what Redis let through, or did not judge, the record judges.
        const outcome = await record.reserve(tenantKey, buckets, attemptId, nowMs);
        if (outcome.kind === 'limited') await takeBack();
        return outcome;
      } catch (error) {
        await takeBack();
        throw error;
      }
    },

    async giveBack(tenantKey, buckets, attemptId, clear) {
      const inRedis = giveBackInRedis(tenantKey, buckets, attemptId, clear);
      try {
        await record.giveBack(tenantKey, buckets, attemptId, clear);
      } finally {
        await inRedis;
      }
    },

    listLimited: (...args) => record.listLimited(...args),

    async lift(tid, account, audit) {
      const lifted = await record.lift(tid, account, audit);
      await liftInRedis(tid, account);
      return lifted;
    },

    repairsWaiting: () => repairs.waiting(),

    close() {
      removeListener();
      repairs.close();
    },
  };
}

/**
 * What the script refused; null when it counted the attempt, and when attempts that no node has made refused it: then the
 * record is asked. What lies in the future would have an account wait until then, and nobody could tell why.
 *
 * @throws RangeError for anything that the script cannot have answered.
 */
function refusalOf(answer: unknown, buckets: readonly AttemptBucket[]): Refusal | null {
  const [refusedBy, retryAfterMs, resetMs] = answer as readonly unknown[];
  if (refusedBy === 0) return null;
  const bucket = buckets[Number(refusedBy) - 1];
  if (bucket === undefined || typeof retryAfterMs !== 'number' || typeof resetMs !== 'number') {
    throw new RangeError('Redis answered something else than the script does');
  }
  const { windowMs, maxWaitMs } = bucket;
  const isOurs =
    retryAfterMs > 0 &&
    retryAfterMs <= Math.max(windowMs, maxWaitMs) + CLOCKS_APART_MS &&
    resetMs <= windowMs + CLOCKS_APART_MS;
  return isOurs ? { kind: 'limited', bucket: bucket.kind, retryAfterMs, resetMs } : null;
}
