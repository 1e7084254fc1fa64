import { expect, test } from 'vitest';
import { createKeeper, eraseBefore, eraseOf, prune } from '../../../src/audit/keeping.ts';
import { silentLog } from '../../../src/observe/log.ts';
import { signCheckpoint } from '../../../src/token/checkpoint.ts';
import { type RecordFixture, START_MS, seedTenant } from '../../support/seed.ts';
import {
  ISSUER,
  keeperParts,
  keepingLog,
  kinds,
  restless,
  sealAll,
  sealedTenant,
  sealerOf,
  tamper,
  verifyAll,
  write,
} from '../../support/trail.ts';

const ALL = { limit: 200, cursor: null };
const DAY_MS = 86_400_000;

/** What is kept of the sealed trail, and for how long: pruning, erasure, retention, export. */
export function keepingTests(opened: () => RecordFixture): void {
  test('B14 pruning ends at a signed checkpoint, from which verification begins', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 5);
    await write(fixture, tid, 4);
    const shown = await prune(keeperParts(fixture), tid, Date.now() + DAY_MS);
    expect(shown).toEqual({ removed: 5, to: 5 });
    const between = Date.now();
    await sealAll(fixture);
    expect(await verifyAll(fixture, tid)).toMatchObject({ from: 6, to: 9, rows: 4, wrong: 0 });
    const left = await fixture.record.audit.list(tid, {}, ALL);
    expect(left.map(({ id }) => id)).not.toEqual(expect.arrayContaining([ids[0]]));
    expect(left).toHaveLength(4);
    // An export says what its first row follows, so that it can be verified by itself.
    const { rows } = await fixture.record.trail.exportPage(tid, {}, { limit: 1, cursor: null });
    const [first] = rows;
    const { base } = await fixture.record.trail.state(tid);
    expect(first?.seal?.seq).toBe(6);
    expect(Buffer.from(first?.seal?.previous ?? [])).toEqual(Buffer.from(base?.hash ?? [0]));
    // Again there is nothing to do, and nothing before the first checkpoint.
    expect(await prune(keeperParts(fixture), tid, between)).toEqual({ removed: 0, to: 5 });
    const fresh = await sealedTenant(fixture, 2);
    expect(await prune(keeperParts(fixture), fresh.tid, Date.now() - DAY_MS)).toEqual({
      removed: 0,
      to: null,
    });
    // What goes missing behind the checkpoint is missing.
    await tamper(fixture, {
      text: 'delete from sekisho.audit where tid = $1 and id = $2',
      values: [tid, left[3]?.id],
    });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['removed', 6, left[3]?.id]]);
  });

  test('B14 pruned twice, the older checkpoint goes with its rows', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 3);
    // The next checkpoint is one of another hour.
    const { head } = await fixture.record.trail.state(tid);
    if (head === null) throw new Error('it was to be sealed');
    const anHourAgo = Date.now() - DAY_MS / 24;
    const { signing } = sealerOf(fixture);
    const token = await signCheckpoint(await signing.signer(), {
      ...{ kind: 'checkpoint', issuer: ISSUER, tid, ...head, atMs: anHourAgo },
    });
    await tamper(fixture, {
      text: 'update sekisho.audit_checkpoint set signed_at = $2, token = $3 where tid = $1',
      values: [tid, new Date(anHourAgo), token],
    });
    expect(await prune(keeperParts(fixture), tid, Date.now() - DAY_MS / 48)).toEqual({
      removed: 3,
      to: 3,
    });
    await write(fixture, tid, 2);
    await sealAll(fixture);
    const { trail } = fixture.record;
    expect((await trail.checkpoints(tid, 0, 10)).map(({ seq }) => seq)).toEqual([3, 5]);
    expect(await prune(keeperParts(fixture), tid, Date.now() + DAY_MS)).toEqual({
      removed: 2,
      to: 5,
    });
    expect((await trail.checkpoints(tid, 0, 10)).map(({ seq }) => seq)).toEqual([5]);
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 0, wrong: 0 });
  });

  test('B14 pruning that was broken off is no fault, and goes on', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 6);
    const place = await fixture.record.trail.checkpointBefore(tid, Date.now() + DAY_MS, null);
    expect(place).toMatchObject({ seq: 6 });
    const once = { ...keeperParts(fixture), mayGoOn: async () => false };
    const store = {
      ...fixture.record.trail,
      prune: (...[of, to, token]: Parameters<typeof fixture.record.trail.prune>) =>
        fixture.record.trail.prune(of, to, token, 2),
    };
    expect(await prune({ ...once, store }, tid, Date.now() + DAY_MS)).toEqual({
      removed: 2,
      to: 6,
    });
    const exported = await fixture.record.trail.exportPage(tid, {}, { limit: 9, cursor: null });
    expect(exported).toEqual({ rows: [], next: null });
    expect(await verifyAll(fixture, tid)).toMatchObject({ wrong: 0, rows: 0 });
    expect(await prune(keeperParts(fixture), tid, Date.now() + DAY_MS)).toEqual({
      removed: 4,
      to: 6,
    });
    expect(await verifyAll(fixture, tid)).toMatchObject({ wrong: 0, rows: 0 });
    await write(fixture, tid, 1);
    await sealAll(fixture);
    expect(await verifyAll(fixture, tid)).toMatchObject({ from: 7, to: 7, rows: 1, wrong: 0 });
  });

  test('B14 personal data are erased after their time, and the chain still verifies', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 6);
    expect(await eraseBefore(keeperParts(fixture), tid, START_MS + 3)).toBe(3);
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 6, erased: 3, wrong: 0 });
    const rows = (await fixture.record.audit.list(tid, {}, ALL)).toReversed();
    expect(rows.map(({ ip, userAgent, detail }) => [ip, userAgent, detail.email ?? null])).toEqual([
      ...[0, 1, 2].map(() => [null, null, null]),
      [null, null, null],
      ['192.0.2.1', 'test', 'user4@example.test'],
      ['192.0.2.1', 'test', null],
    ]);
    expect(rows[2]?.detail).toEqual({ n: 2 });
    // Nothing is left that tells the address: its number was salted, and the salt is gone.
    const seals = await fixture.record.trail.sealed(tid, 0, 10);
    expect(seals.slice(0, 3).map(({ salt }) => salt)).toEqual([null, null, null]);
    // Put back, or put in, it is noticed.
    await tamper(fixture, {
      text: `update sekisho.audit set ip = '192.0.2.1' where tid = $1 and id = $2`,
      values: [tid, rows[1]?.id],
    });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['changed', 2, rows[1]?.id]]);
  });

  test("B14 one user's personal data are erased, and nobody else's", async () => {
    const fixture = opened();
    const { tid } = await seedTenant(fixture);
    const actor = (uid: string) => ({ kind: 'user' as const, uid, sid: null });
    const anonymous = { kind: 'anonymous' as const, uid: null, sid: null };
    const events = await write(fixture, tid, 5, (n) =>
      n === 0
        ? { actor: actor('ann') }
        : n === 1
          ? { actor: anonymous, detail: { email: 'ann@example.test' } }
          : n === 2
            ? { actor: { ...anonymous, kind: 'system' }, detail: { uid: 'ann' } }
            : n === 3
              ? { actor: actor('bob'), subject: { kind: 'user', id: 'ann' } }
              : { actor: actor('bob') },
    );
    const user = { uid: 'ann', email: 'ann@example.test' };
    // What waits to be sealed may be under the sealer's hands: it is left for the next time.
    expect(await eraseOf(keeperParts(fixture), tid, user)).toEqual({
      found: 3,
      erased: 0,
      passed: 3,
    });
    await sealAll(fixture);
    expect(await eraseOf(keeperParts(fixture), tid, user)).toEqual({
      found: 3,
      erased: 3,
      passed: 0,
    });
    const rows = await fixture.record.audit.list(tid, {}, ALL);
    const withData = rows.filter(({ ip, detail }) => ip !== null || 'email' in detail);
    expect(withData.map(({ id }) => id).sort()).toEqual(
      events
        .slice(3)
        .map(({ id }) => id)
        .sort(),
    );
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 5, erased: 3, wrong: 0 });
  });

  test('B14 retention prunes and erases what a tenant, or the deployment, keeps no longer', async () => {
    const fixture = opened();
    const [short, other, usual] = [
      await sealedTenant(fixture, 3),
      await sealedTenant(fixture, 3),
      await sealedTenant(fixture, 3),
    ];
    const { trail } = fixture.record;
    await trail.keepRetention('*', { auditDays: null, personalDays: 1 }, []);
    await trail.keepRetention(short.tid, { auditDays: 1, personalDays: null }, []);
    await trail.keepRetention(other.tid, { auditDays: null, personalDays: null }, []);
    const keeper = createKeeper({
      ...{
        store: trail,
        signing: keeperParts(fixture).signing,
        issuer: () => ISSUER,
        log: silentLog,
      },
      // The seeded rows are of START_MS, their checkpoints of today.
      wallNowMs: () => Math.max(START_MS, Date.now()) + 3 * DAY_MS,
      isTurn: () => true,
      pause: { ask: async () => false },
      clock: restless,
    });
    await keeper.run();
    await keeper.close();
    expect(await verifyAll(fixture, short.tid)).toMatchObject({ rows: 0, wrong: 0 });
    expect(await verifyAll(fixture, other.tid)).toMatchObject({ rows: 3, erased: 0, wrong: 0 });
    expect(await verifyAll(fixture, usual.tid)).toMatchObject({ rows: 3, erased: 3, wrong: 0 });
    expect(keeper.status()).toMatchObject({ failures: 0 });
    expect(keeper.status().pruned).toBeGreaterThanOrEqual(3);
    await trail.keepRetention('*', null, []);
    await trail.keepRetention(short.tid, null, []);
    await trail.keepRetention(other.tid, null, []);
    expect(await trail.dueRetention(null, 10)).toEqual([]);
  });

  test("B14 what is wrong with one tenant's trail holds up retention of no other one", async () => {
    const fixture = opened();
    const tenants = [await sealedTenant(fixture, 2), await sealedTenant(fixture, 2)];
    const [first, second] = tenants.map(({ tid }) => tid).sort();
    const { trail } = fixture.record;
    const kept = { auditDays: null, personalDays: 1 };
    for (const { tid } of tenants) await trail.keepRetention(tid, kept, []);
    const { log, lines } = keepingLog();
    let isBroken = true;
    const keeper = createKeeper({
      ...{ ...keeperParts(fixture), log, isTurn: () => true, clock: restless },
      store: {
        ...trail,
        eraseBefore: (tid, ...rest) =>
          tid === first && isBroken
            ? Promise.reject(new Error('a row of theirs cannot be erased'))
            : trail.eraseBefore(tid, ...rest),
      },
      wallNowMs: () => Math.max(START_MS, Date.now()) + 3 * DAY_MS,
      pause: { ask: async () => false },
    });
    const erased = async (tid = '') => (await verifyAll(fixture, tid)).erased;
    await keeper.run();
    expect([await erased(first), await erased(second)]).toEqual([0, 2]);
    expect(keeper.status()).toMatchObject({ failures: 1, erased: 2 });
    expect(keeper.status().lastRunAtMs).not.toBeNull();
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'warn', tenant_id: first, err: { message: 'a row of theirs cannot be erased' } },
    ]);
    isBroken = false;
    await keeper.run();
    expect([await erased(first), keeper.status().failures]).toEqual([2, 1]);
    await keeper.close();
    for (const { tid } of tenants) await trail.keepRetention(tid, null, []);
  });

  test('A3 B14 retention that is paused begins nothing, ends after the batch it is at, and goes on afterwards', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 6);
    const { trail } = fixture.record;
    await trail.keepRetention(tid, { auditDays: 1, personalDays: 1 }, []);
    let isPaused = true;
    let batches = 0;
    const keeper = createKeeper({
      ...{ ...keeperParts(fixture), log: silentLog, isTurn: () => true, clock: restless },
      store: {
        ...trail,
        async prune(of, to, token) {
          batches += 1;
          isPaused = batches === 2;
          return trail.prune(of, to, token, 2);
        },
      },
      wallNowMs: () => Math.max(START_MS, Date.now()) + 3 * DAY_MS,
      pause: { ask: async () => isPaused },
    });
    // Those that are still to go are listed no longer.
    const left = async () => (await trail.sealed(tid, 0, 10)).length;
    await keeper.run();
    expect([await left(), keeper.status()]).toMatchObject([6, { pruned: 0, erased: 0 }]);
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 6, erased: 0 });
    isPaused = false;
    await keeper.run();
    expect([await left(), keeper.status()]).toMatchObject([2, { pruned: 4 }]);
    isPaused = false;
    await keeper.run();
    expect([await left(), keeper.status()]).toMatchObject([0, { pruned: 6, failures: 0 }]);
    await keeper.close();
    await trail.keepRetention(tid, null, []);
  });

  test('A6 B14 an export is read page by page, oldest first, with constant statements a page', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 9);
    const { trail } = fixture.record;
    const read: string[] = [];
    let cursor: { atUs: number; id: string } | null = null;
    for (;;) {
      const before = fixture.record.statementCount();
      const page: Awaited<ReturnType<typeof trail.exportPage>> = await trail.exportPage(
        tid,
        {},
        { limit: 4, cursor },
      );
      expect(fixture.record.statementCount() - before).toBe(1);
      read.push(...page.rows.map(({ row }) => row.id));
      cursor = page.next;
      if (cursor === null) break;
    }
    expect(read).toEqual(ids);
    const other = await seedTenant(fixture);
    expect(await trail.exportPage(other.tid, {}, { limit: 4, cursor: null })).toEqual({
      ...{ rows: [], next: null },
    });
  });
}
