import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createRedisAttempts, type RedisAttempts } from '../../src/hub/redis/attempts.ts';
import type { RedisLink } from '../../src/hub/redis/link.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { AttemptBucket } from '../../src/record/contract.ts';
import { startRedisCluster } from '../../tools/services/redis-cluster.mjs';
import { attemptSuite } from '../conformance/record/attempts.ts';
import { patient } from '../support/patient.ts';
import { openPostgresTestRecord } from '../support/postgres-record.ts';
import type { TestRecord } from '../support/record.ts';
import { openTestLink } from '../support/redis-link.ts';
import { START_MS, seedTenant } from '../support/seed.ts';

const nameKey = createSecretKey(randomBytes(32));

describe('with a Redis Cluster', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(async () => {
    await cluster?.stop();
  });

  async function open(fixture: TestRecord, deployment?: string) {
    const link = await openTestLink(cluster.url, deployment);
    const attempts = createRedisAttempts({
      ...{ link, nameKey, clock: systemClock, log: silentLog },
      record: fixture.record.attempts,
    });
    return { link, attempts };
  }

  attemptSuite('a Redis Cluster over PostgreSQL', async () => {
    const fixture = patient(await openPostgresTestRecord(inject('postgresUrl')));
    const { link, attempts } = await open(fixture);
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

  test('A4 B2: of 200 parallel guesses over three nodes exactly the limit passes, in each of twelve tenants', async () => {
    const fixture = patient(await openPostgresTestRecord(inject('postgresUrl')));
    const deployment = newId();
    const nodes: { link: RedisLink; attempts: RedisAttempts }[] = [];
    for (let n = 0; n < 3; n += 1) nodes.push(await open(fixture, deployment));
    const bucket: AttemptBucket = {
      ...{ kind: 'account', key: 'ann', attempts: 7, windowMs: 60_000, maxWaitMs: 8000 },
    };
    try {
      const tenants = [];
      for (let n = 0; n < 12; n += 1) tenants.push((await seedTenant(fixture)).tid);
      for (const tid of tenants) {
        const outcomes = await Promise.all(
          Array.from({ length: 200 }, async (_, n) =>
            nodes[n % 3]?.attempts.reserve(tid, [bucket], newId(), START_MS),
          ),
        );
        expect(outcomes.filter((outcome) => outcome?.kind === 'reserved')).toHaveLength(7);
      }
      const keys = await Promise.all(
        (nodes[0]?.link.masters() ?? []).map((master) => master.keys(`*${deployment}*`)),
      );
      expect(keys.flat()).toHaveLength(12);
      // Tenants are spread over the masters.
      expect(keys.filter((held) => held.length > 0).length).toBeGreaterThan(1);
    } finally {
      for (const { link, attempts } of nodes) {
        attempts.close();
        await link.close();
      }
      await fixture.close();
    }
  });
});
