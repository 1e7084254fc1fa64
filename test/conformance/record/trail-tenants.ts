import { expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { RecordFixture } from '../../support/seed.ts';
import { seedTenant } from '../../support/seed.ts';
import { kinds, sealAll, sealedTenant, tamper, verifyAll, write } from '../../support/trail.ts';

const TABLES = ['audit', 'audit_seal', 'audit_chain', 'audit_checkpoint'] as const;
/** The rest of a page: tests before this one have left trails. */
const ALL = 10_000;

/** A trail of which anything is left is looked at, and what is not there is named. */
export function tenantsTests(opened: () => RecordFixture): void {
  const without = (tid: string, tables: readonly string[]) =>
    tables.map((table) => ({ text: `delete from sekisho.${table} where tid = $1`, values: [tid] }));

  test('B14 ASVS 16.4.2 a trail of which anything is left is one of those that are verified', async () => {
    const fixture = opened();
    const { trail } = fixture.record;
    for (const left of TABLES) {
      const { tid } = await sealedTenant(fixture, 3);
      await tamper(
        fixture,
        ...without(
          tid,
          TABLES.filter((table) => table !== left),
        ),
      );
      expect([left, (await trail.tenants(null, ALL)).includes(tid)]).toEqual([left, true]);
      expect([left, (await trail.state(tid)).known]).toEqual([left, true]);
      const report = await verifyAll(fixture, tid);
      const found = [...new Set(kinds(report).map(([kind]) => kind))].sort();
      expect([left, found]).toEqual([
        left,
        {
          audit: ['inserted'],
          audit_seal: ['removed', 'unchained'],
          audit_chain: ['removed'],
          audit_checkpoint: ['removed', 'unchained'],
        }[left],
      ]);
    }
    const { tid } = await sealedTenant(fixture, 1);
    await tamper(fixture, ...without(tid, TABLES));
    expect(await trail.state(tid)).toMatchObject({ known: false, chained: false });
    // The tenant is there, and never was without a row.
    expect(await trail.tenants(null, ALL)).toContain(tid);
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['removed', null, null]]);
    await tamper(fixture, { text: 'delete from sekisho.tenant where tid = $1', values: [tid] });
    expect(await trail.tenants(null, ALL)).not.toContain(tid);
  });

  test('B14 ASVS 16.4.2 a chain that is gone is named, and its rows are looked at all the same', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 4);
    await tamper(fixture, ...without(tid, ['audit_chain']));
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['unchained', null, null]]);
    await tamper(fixture, {
      text: `update sekisho.audit set action = 'x' where tid = $1 and id = $2`,
      values: [tid, ids[1]],
    });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([
      ['changed', 2, ids[1]],
      ['unchained', null, null],
    ]);
  });

  test('B14 ASVS 16.4.2 a row of a tenant that never was is found; what waits, and what was only just recorded, is no fault', async () => {
    const fixture = opened();
    const { trail } = fixture.record;
    const from = await sealedTenant(fixture, 1);
    const tid = newId();
    await tamper(fixture, {
      text: `insert into sekisho.audit select $2, id, at, action, outcome, actor_kind, actor_uid, actor_sid,
        subject_kind, subject_id, ip, user_agent, request_id, detail from sekisho.audit where tid = $1`,
      values: [from.tid, tid],
    });
    expect(await trail.tenants(null, ALL)).toContain(tid);
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['inserted', null, from.ids[0]]]);
    // Its first row waits to be sealed: it has no chain yet.
    const fresh = await seedTenant(fixture);
    const [gone] = await write(fixture, fresh.tid, 2);
    expect(await trail.tenants(null, ALL)).toContain(fresh.tid);
    expect(await verifyAll(fixture, fresh.tid)).toMatchObject({ unsealed: 2, wrong: 0 });
    // Of what only waits nothing but its name is left.
    await tamper(fixture, ...without(fresh.tid, ['audit']));
    expect(await trail.tenants(null, ALL)).toContain(fresh.tid);
    expect(kinds(await verifyAll(fixture, fresh.tid))).toContainEqual(['removed', null, gone?.id]);
    await tamper(fixture, ...without(fresh.tid, ['audit_unsealed']));
  });

  test('B14 trails are listed page by page, the operators’ own first, each once', async () => {
    const fixture = opened();
    const { trail } = fixture.record;
    await write(fixture, (await seedTenant(fixture)).tid, 1);
    await sealAll(fixture);
    const all = await trail.tenants(null, ALL);
    const paged: string[] = [];
    for (let page = await trail.tenants(null, 3); page.length > 0; ) {
      paged.push(...page);
      page = await trail.tenants(page.at(-1) ?? '', 3);
    }
    expect(paged).toEqual(all);
    expect(new Set(all).size).toBe(all.length);
    expect(all.indexOf('')).toBe(0);
  });
}
