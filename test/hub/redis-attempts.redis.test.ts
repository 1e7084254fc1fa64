import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRedisAttempts, type RedisAttempts } from '../../src/hub/redis/attempts.ts';
import type { RedisLink } from '../../src/hub/redis/link.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { AttemptBucket, AttemptStore } from '../../src/record/contract.ts';
import { eventually, type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { attemptSuite } from '../conformance/record/attempts.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import type { TestRecord } from '../support/record.ts';
import { openTestLink } from '../support/redis-link.ts';
import { START_MS, seedTenant } from '../support/seed.ts';

const nameKey = createSecretKey(randomBytes(32));
const RULE = { attempts: 7, windowMs: 60_000, maxWaitMs: 8000 };
const account = (key: string): AttemptBucket => ({ kind: 'account', key, ...RULE });
const device = (key: string): AttemptBucket => ({ kind: 'device', key, ...RULE });
const address: AttemptBucket = { ...RULE, kind: 'address', key: '192.0.2.1', attempts: 1000 };

function over(link: RedisLink, record: AttemptStore): RedisAttempts {
  return createRedisAttempts({ link, record, nameKey, clock: systemClock, log: silentLog });
}

attemptSuite('Redis over PostgreSQL', async () => {
  const fixture = patient(await openPostgresTestRecord(inject('postgresUrl')));
  const link = await openTestLink(inject('redisUrl'));
  const attempts = over(link, fixture.record.attempts);
  return {
    ...fixture,
    record: { ...fixture.record, attempts },
    async close() {
      attempts.close();
      await link.close();
      await fixture.close();
    },
  };
});

describe('login attempts with Redis in front', () => {
  let fixture: TestRecord;
  let redis: RedisServer;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    fixture = patient(await openPostgresTestRecord(inject('postgresUrl')));
    redis = await startRedis();
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    redis.continue();
  });
  afterAll(async () => {
    await redis?.stop();
    await fixture?.close();
  });

  /** As many nodes, each with a link of its own. */
  async function nodes(
    count: number,
    { deployment = newId(), record = fixture.record.attempts, timeoutMs = 5_000 } = {},
  ): Promise<{ link: RedisLink; attempts: RedisAttempts }[]> {
    return await Promise.all(
      Array.from({ length: count }, async () => {
        const link = await openTestLink(redis.url, deployment, timeoutMs);
        const attempts = over(link, record);
        closers.push(
          () => link.close(),
          () => attempts.close(),
        );
        return { link, attempts };
      }),
    );
  }

  /** `count` guesses, spread over the nodes, whose clocks are a little apart. */
  async function guess(
    over: readonly { attempts: AttemptStore }[],
    tid: string,
    count: number,
    buckets: readonly AttemptBucket[],
  ): Promise<number> {
    const outcomes = await Promise.all(
      Array.from({ length: count }, (_, index) => {
        const node = over[index % over.length];
        if (node === undefined) throw new Error('no node');
        const order = index % 2 === 0 ? buckets : buckets.toReversed();
        return node.attempts.reserve(tid, order, newId(), START_MS + (index % 3));
      }),
    );
    return outcomes.filter((outcome) => outcome.kind === 'reserved').length;
  }

  test('A4 B2 ASVS 6.3.1: of 200 parallel guesses over three nodes exactly the limit passes', async () => {
    const three = await nodes(3);
    const { tid } = await seedTenant(fixture);
    expect(await guess(three, tid, 200, [account('ann@example.test'), address])).toBe(7);
  });

  test('A4: Redis alone counts exactly, too, so that refused guesses cost the record nothing', async () => {
    const three = await nodes(3);
    const { tid } = await seedTenant(fixture);
    const buckets = [account('ann@example.test'), address];
    expect(await guess(three, tid, 7, buckets)).toBe(7);
    const before = fixture.record.statementCount();
    expect(await guess(three, tid, 200, buckets)).toBe(0);
    expect(fixture.record.statementCount()).toBe(before);
  });

  test.each([
    ['a far future', String(START_MS + 86_400_000_000)],
    ['just beyond what clocks allow', String(START_MS + 60_010)],
    ['no end', '+inf'],
  ])('A4: attempts of %s in Redis refuse nobody: the record judges', async (_, score) => {
    const [node] = await nodes(1);
    const { tid } = await seedTenant(fixture);
    const buckets = [account('ann@example.test'), address];
    expect(await guess([node as never], tid, 1, buckets)).toBe(1);
    const keys = (await redis.run('keys', `${node?.link.prefix}*`)) as string[];
    const name = keys.find((key) => key.includes(':account:')) ?? '';
    for (let n = 0; n < 9; n += 1) await redis.run('zadd', name, score, `planted ${n}`);
    await redis.run('persist', name);
    expect(await guess([node as never], tid, 20, buckets)).toBe(6);
    // Refused as by the record alone, which answers when to come again.
    const refused = await node?.attempts.reserve(tid, buckets, newId(), START_MS + 3);
    expect(refused).toMatchObject({ kind: 'limited', bucket: 'account' });
    if (refused?.kind === 'limited') expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test('A4: attempts of nodes that are a little ahead are counted', async () => {
    const [node] = await nodes(1);
    const { tid } = await seedTenant(fixture);
    for (let n = 0; n < 7; n += 1) {
      await node?.attempts.reserve(tid, [account('ann')], newId(), START_MS + 60_000);
    }
    const before = fixture.record.statementCount();
    expect(await guess([node as never], tid, 5, [account('ann')])).toBe(0);
    expect(fixture.record.statementCount()).toBe(before);
  });

  test('A4: a node that starts anew finds the counts', async () => {
    const deployment = newId();
    const [first] = await nodes(1, { deployment });
    const { tid } = await seedTenant(fixture);
    expect(await guess([first as never], tid, 5, [account('ann')])).toBe(5);
    first?.attempts.close();
    const [second] = await nodes(1, { deployment });
    expect(await guess([second as never], tid, 5, [account('ann')])).toBe(2);
  });

  test('A4: flushed in the middle, Redis lets nothing more through', async () => {
    const three = await nodes(3);
    const { tid } = await seedTenant(fixture);
    let passed = 0;
    for (let round = 0; round < 5; round += 1) {
      const guesses = guess(three, tid, 40, [account('ann'), address]);
      await redis.run('flushall');
      passed += await guesses;
    }
    expect(passed).toBe(7);
  });

  test('A4 G3: killed in the middle, and back without its data: exact all the time, and never open', async () => {
    const three = await nodes(3, { timeoutMs: 250 });
    const { tid } = await seedTenant(fixture);
    const buckets = [account('ann'), address];
    let passed = await guess(three, tid, 3, buckets);
    const during = guess(three, tid, 100, buckets);
    await redis.halt();
    passed += await during;
    passed += await guess(three, tid, 60, buckets);
    await redis.resume({ data: false });
    await eventually('the nodes are connected again', async () =>
      three.every(({ link }) => link.connected()),
    );
    passed += await guess(three, tid, 60, buckets);
    expect(passed).toBe(7);
  });

  test('A4 G3: a Redis that stands still delays one login, not each of them', async () => {
    const [node] = await nodes(1, { timeoutMs: 250 });
    const { tid } = await seedTenant(fixture);
    redis.pause();
    let asked = 0;
    const evalsha = node?.link.commands.evalsha.bind(node.link.commands);
    Object.assign(node?.link.commands as object, {
      evalsha: (...args: Parameters<NonNullable<typeof evalsha>>) => {
        asked += 1;
        return evalsha?.(...args);
      },
    });
    for (let n = 0; n < 7; n += 1) {
      const outcome = await node?.attempts.reserve(tid, [account(`a${n}`)], newId(), START_MS);
      expect(outcome?.kind).toBe('reserved');
    }
    expect(asked).toBeLessThan(7);
  });

  test('A4: what the record refuses is given back in Redis', async () => {
    const [node, other] = await nodes(2);
    const { tid } = await seedTenant(fixture);
    // Counted in the record alone, as while Redis was away.
    for (let n = 0; n < 7; n += 1) {
      await fixture.record.attempts.reserve(tid, [account('ann')], newId(), START_MS);
    }
    expect(await guess([node as never, other as never], tid, 20, [account('ann'), address])).toBe(
      0,
    );
    const keys = await redis.run('keys', `${node?.link.prefix}*`);
    expect(keys).toEqual([]);
  });

  test('A4: an attempt is taken back in Redis when the record cannot be reached', async () => {
    const record: AttemptStore = {
      ...fixture.record.attempts,
      reserve: async () => {
        throw new Error('the record is away');
      },
    };
    const [node] = await nodes(1, { record });
    const { tid } = await seedTenant(fixture);
    await expect(guess([node as never], tid, 1, [account('ann')])).rejects.toThrow('away');
    expect(await redis.run('keys', `${node?.link.prefix}*`)).toEqual([]);
  });

  test('ASVS 6.3.1: lifting a limit frees account and devices in both', async () => {
    const [node, other] = await nodes(2);
    const both = [node as never, other as never];
    const { tid } = await seedTenant(fixture);
    expect(await guess(both, tid, 9, [account('ann')])).toBe(7);
    expect(await guess(both, tid, 9, [device('ann phone')])).toBe(7);
    expect(await guess(both, tid, 9, [device('anna phone')])).toBe(7);
    expect(await node?.attempts.lift(tid, 'ann', [])).toBe(true);
    expect(await guess(both, tid, 9, [account('ann')])).toBe(7);
    expect(await guess(both, tid, 9, [device('ann phone')])).toBe(7);
    expect(await guess(both, tid, 9, [device('anna phone')])).toBe(0);
  });

  test('G3: a limit lifted, and a login that succeeded, while Redis stood still free the account when it is back', async () => {
    const [node] = await nodes(1, { timeoutMs: 250 });
    const one = [node as never];
    const { tid } = await seedTenant(fixture);
    expect(await guess(one, tid, 9, [account('ann')])).toBe(7);
    expect(await guess(one, tid, 6, [account('bob')])).toBe(6);
    const id = newId();
    await node?.attempts.reserve(tid, [account('bob')], id, START_MS);
    // An answer that came late has left something to mend by itself.
    await eventually('nothing is waiting', async () => node?.attempts.repairsWaiting() === 0);
    redis.pause();
    expect(await node?.attempts.lift(tid, 'ann', [])).toBe(true);
    await node?.attempts.giveBack(tid, [account('bob')], id, true);
    expect(node?.attempts.repairsWaiting()).toBe(2);
    redis.continue();
    await eventually('both were carried out', async () => node?.attempts.repairsWaiting() === 0);
    expect(await redis.run('keys', `${node?.link.prefix}*`)).toEqual([]);
    expect(await guess(one, tid, 9, [account('ann')])).toBe(7);
    expect(await guess(one, tid, 9, [account('bob')])).toBe(7);
  });

  test('B14 ASVS 14.2.1: no key names an e-mail or IP address, all have a time to live, and one slot a tenant', async () => {
    const [node] = await nodes(1);
    const { tid } = await seedTenant(fixture);
    const buckets = [account('ann@example.test'), device('ann@example.test phone'), address];
    expect(await guess([node as never], tid, 1, buckets)).toBe(1);
    const keys = (await redis.run('keys', `${node?.link.prefix}*`)) as string[];
    expect(keys).toHaveLength(4);
    for (const key of keys) {
      expect(key).toMatch(
        /login-attempt:\{[\w-]{22}\}:(account|device|devices|address):[\w-]{22}$/,
      );
      const life = Number(await redis.run('pttl', key));
      expect(life).toBeGreaterThan(RULE.windowMs);
      expect(life).toBeLessThanOrEqual(RULE.windowMs + 60_000);
    }
  });
});
