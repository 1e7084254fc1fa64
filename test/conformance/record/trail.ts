import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auditEvent, type RecordFixture, seedTenant } from '../../support/seed.ts';
import { sealAll, sealedTenant, sealerOf, verifyAll, write } from '../../support/trail.ts';
import { attackTests } from './trail-attacks.ts';
import { datesTests } from './trail-dates.ts';
import { keepingTests } from './trail-keeping.ts';
import { listsTests } from './trail-lists.ts';
import { memoryTests } from './trail-memory.ts';
import { racesTests } from './trail-races.ts';
import { tamperingTests } from './trail-tampering.ts';
import { tenantsTests } from './trail-tenants.ts';
import { unsignedTests } from './trail-unsigned.ts';

/** The sealed audit trail: sealing, verification, what a node remembers, pruning, erasure. */
export function trailSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`the sealed audit trail on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    const sealed = (count: number) => sealedTenant(fixture, count);

    test('B14 ASVS 16.4.2 rows are chained per tenant, in the order in which they were found, and verify', async () => {
      const [here, there] = [await sealed(7), await sealed(3)];
      for (const { tid, ids } of [here, there]) {
        const rows = await fixture.record.trail.sealed(tid, 0, 100);
        expect(rows.map(({ seq }) => seq)).toEqual(ids.map((_, n) => n + 1));
        expect(rows.map(({ id }) => id)).toEqual(ids);
        expect(await verifyAll(fixture, tid)).toMatchObject({
          ...{ from: 1, to: ids.length, rows: ids.length, erased: 0, unsealed: 0 },
          ...{ wrong: 0, problems: [], checkpoints: 1, signedTo: ids.length },
        });
      }
    });

    test('B14 what is not sealed yet is known to be so, and is no fault', async () => {
      const { tid } = await sealed(2);
      await write(fixture, tid, 3);
      expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 2, unsealed: 3, wrong: 0 });
      await sealAll(fixture);
      expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 5, unsealed: 0, wrong: 0 });
    });

    test("B14 the operators' own trail is sealed like a tenant's", async () => {
      await fixture.record.audit.append([auditEvent(null, 'record_restored')]);
      await sealAll(fixture);
      const report = await verifyAll(fixture, '');
      expect(report).toMatchObject({ wrong: 0, unsealed: 0 });
      expect(report.rows).toBeGreaterThan(0);
    });

    test('B14 two sealers at once seal every row once', async () => {
      const tenants = await Promise.all([seedTenant(fixture), seedTenant(fixture)]);
      for (const { tid } of tenants) await write(fixture, tid, 40);
      await Promise.all([sealAll(fixture), sealAll(fixture), sealAll(fixture)]);
      for (const { tid } of tenants) {
        expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 40, unsealed: 0, wrong: 0 });
      }
    });

    test('B14 a sealer that ends in the middle leaves nothing half done, and the next one goes on', async () => {
      const { tid } = await sealed(2);
      await write(fixture, tid, 3);
      const { trail } = fixture.record;
      const seal = () => Promise.reject(new Error('it was killed between reading and writing'));
      const dying = sealerOf(fixture, { store: { ...trail, seal } });
      await expect(dying.sealer.now()).rejects.toThrow('killed');
      expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 2, unsealed: 3, wrong: 0 });
      // The answer is lost, the write is not.
      const deaf = sealerOf(fixture, {
        store: {
          ...trail,
          async seal(moves) {
            await trail.seal(moves);
            throw new Error('its answer was lost');
          },
        },
      });
      await expect(deaf.sealer.now()).rejects.toThrow('lost');
      await sealAll(fixture);
      expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 5, unsealed: 0, wrong: 0 });
    });

    test('B14 one node seals at a time; another one takes over when it stops', async () => {
      const { tid } = await sealed(1);
      const [one, other] = [sealerOf(fixture), sealerOf(fixture)];
      await one.sealer.run();
      await other.sealer.run();
      expect([one.sealer.status().state, other.sealer.status().state]).toEqual([
        'sealing',
        'standby',
      ]);
      await write(fixture, tid, 2);
      await other.sealer.run();
      expect(other.sealer.status()).toMatchObject({ unsealed: 2, sealed: 0 });
      expect(other.sealer.status().oldestUnsealedMs).toBe(0);
      await one.sealer.close();
      await other.sealer.run();
      expect(other.sealer.status()).toMatchObject({ state: 'sealing', sealed: 2, unsealed: 0 });
      await other.sealer.close();
    });

    tamperingTests(() => fixture);
    attackTests(() => fixture);
    unsignedTests(() => fixture);
    tenantsTests(() => fixture);
    datesTests(() => fixture);
    memoryTests(() => fixture);
    racesTests(() => fixture);
    listsTests(() => fixture);
    keepingTests(() => fixture);
  });
}
