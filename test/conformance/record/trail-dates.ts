import { expect, test } from 'vitest';
import type { SqlCall } from '../../../src/record/database.ts';
import { type RecordFixture, seedTenant } from '../../support/seed.ts';
import { begunAgo, kinds, sealAll, tamper, verifyAll, write } from '../../support/trail.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A row that is not of the time that it says is named. */
export function datesTests(opened: () => RecordFixture): void {
  /** A tenant whose rows were recorded and sealed so many hours ago, one after the other. */
  async function hoursAgo(fixture: RecordFixture, ...hours: readonly number[]) {
    const { tid } = await seedTenant(fixture);
    await tamper(fixture, begunAgo('3 days'));
    const ids: string[] = [];
    for (const ago of hours) {
      const [row] = await write(fixture, tid, 1, () => ({ atMs: Date.now() - ago * HOUR_MS }));
      ids.push(row?.id ?? '');
      await sealAll(fixture);
      await tamper(fixture, sealedHoursAgo(tid, ids.length, ago));
    }
    return { tid, ids };
  }

  const sealedHoursAgo = (tid: string, seq: number, ago: number): SqlCall => ({
    text: `update sekisho.audit_seal set sealed_at = now() - $3::integer * interval '1 hour' where tid = $1 and seq = $2`,
    values: [tid, seq, ago],
  });

  /** When rows of before the trail was sealed were all found; null: they are still looked for. */
  const oldDone = (when: string): SqlCall => ({
    text: `update sekisho.audit_sealer set old_done = ${when} is not null, old_done_at = ${when}`,
  });

  const add = async (fixture: RecordFixture, tid: string, atMs: number) => {
    const [row] = await write(fixture, tid, 1, () => ({ atMs }));
    await sealAll(fixture);
    return row?.id;
  };

  test('B14 ASVS 16.4.2 a row that is put in with a time of long ago is named; what waited as long as everything is not', async () => {
    const fixture = opened();
    const { tid } = await hoursAgo(fixture, 50, 49, 5);
    await tamper(fixture, oldDone(`now() - interval '3 days'`));
    // Nothing was sealed meanwhile: it may have waited.
    await add(fixture, tid, Date.now() - 5 * HOUR_MS);
    expect((await verifyAll(fixture, tid)).wrong).toBe(0);
    const early = await add(fixture, tid, Date.now() - 30 * DAY_MS);
    await add(fixture, tid, Date.now());
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['misdated', 5, early]]);
    // Its seal is dated back, too: those before it are not.
    await tamper(fixture, sealedHoursAgo(tid, 5, 30 * 24));
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['misdated', 5, early]]);
  });

  test('B14 ASVS 16.4.2 a row of times to come is named as soon as another one follows it; so is a seal', async () => {
    const fixture = opened();
    const { tid, ids } = await hoursAgo(fixture, 5, 4);
    const late = await add(fixture, tid, Date.now() + DAY_MS);
    const later = await add(fixture, tid, Date.now() + 2 * DAY_MS);
    await add(fixture, tid, Date.now());
    expect(kinds(await verifyAll(fixture, tid))).toEqual([
      ['misdated', 3, late],
      ['misdated', 4, later],
    ]);
    const other = await hoursAgo(fixture, 5, 4);
    await tamper(fixture, sealedHoursAgo(other.tid, 2, -1));
    expect(kinds(await verifyAll(fixture, other.tid))).toEqual([['misdated', 2, other.ids[1]]]);
    expect(ids).toHaveLength(2);
  });

  test('B14 rows of before the trail was sealed are of their time, and nobody else’s are', async () => {
    const fixture = opened();
    const { tid } = await hoursAgo(fixture, 5, 4);
    const old = await add(fixture, tid, Date.now() - 30 * DAY_MS);
    // As if they were still looked for.
    await tamper(fixture, oldDone('null'));
    expect((await verifyAll(fixture, tid)).wrong).toBe(0);
    await tamper(fixture, oldDone(`now() - interval '3 hours'`));
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['misdated', 3, old]]);
  });

  test('B14 ASVS 16.4.2 a time since which trails are sealed that is later than their first seal is named', async () => {
    const fixture = opened();
    const { tid, ids } = await hoursAgo(fixture, 5, 4);
    await tamper(fixture, oldDone(`now() - interval '3 days'`));
    const early = await add(fixture, tid, Date.now() - 30 * DAY_MS);
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['misdated', 3, early]]);
    // Then all rows are of before, and nothing is said of them.
    await tamper(fixture, begunAgo('0 seconds'), oldDone('null'));
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['misdated', 1, ids[0]]]);
    await tamper(fixture, begunAgo('3 days'), oldDone(`now() - interval '3 days'`));
  });

  test('B14 ASVS 16.4.2 a node says whose turn it is, not since when trails are sealed, nor where one begins', async () => {
    const { database } = opened();
    const asNode = (text: string) =>
      database.transaction([
        { text: `select set_config('role', 'sekisho_system', true)` },
        { text },
      ]);
    for (const text of [
      'update sekisho.audit_sealer set begun_at = now()',
      'update sekisho.audit_sealer set old_done = false, old_done_at = null',
      `update sekisho.audit_sealer set old_tid = '', old_id = ''`,
      'insert into sekisho.audit_sealer (only_one, begun_at) values (true, now())',
      'delete from sekisho.audit_sealer',
      'update sekisho.audit_chain set base_seq = seq, base_hash = hash',
      'update sekisho.audit_chain set base_token = signed_token',
      `insert into sekisho.audit_chain (tid, seq, hash, base_seq) values ('x', 0, '', 1)`,
    ]) {
      await expect(asNode(text), text).rejects.toMatchObject({ sqlState: '42501' });
    }
    const read = async () =>
      await database.query({
        text: 'select old_tid, old_id, old_done_at from sekisho.audit_sealer',
      });
    const before = await read();
    await asNode(`select sekisho.note_old_audit('', '', false)`);
    expect(await read()).toEqual(before);
    // Its owner does not change it unawares, either.
    const owner = database.query({ text: 'update sekisho.audit_sealer set begun_at = now()' });
    await expect(owner).rejects.toMatchObject({ sqlState: '42501' });
  });
}
