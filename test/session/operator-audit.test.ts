import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKeeper } from '../../src/audit/keeping.ts';
import { verifyTrail } from '../../src/audit/verifier.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type { TrailStore } from '../../src/record/trail-contract.ts';
import type { Progress } from '../../src/session/operator/progress.ts';
import { readCheckpoint, signCheckpoint } from '../../src/token/checkpoint.ts';
import { makeSigningKey, openSigner, publicJwkOf } from '../../src/token/signing-key.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord, type TestRecord } from '../support/record.ts';
import { auditEvent } from '../support/seed.ts';
import { restless, tamper, trailKeys } from '../support/trail.ts';

const DAY_MS = 86_400_000;
const PAGE = { limit: 200, cursor: null };

let made: TestRecord;
let record: RecordStore;
let test_: TestEngine;
/** Verbs of the trail, and writing to it, that a test makes fail. */
let faults: { trail: Partial<TrailStore>; append: RecordStore['audit']['append'] | null };

beforeAll(async () => {
  made = await openTestRecord();
  record = made.record;
  faults = { trail: {}, append: null };
  test_ = await startTestEngine({
    record: {
      ...record,
      audit: {
        ...record.audit,
        append: (events) => (faults.append ?? record.audit.append)(events),
      },
      trail: {
        ...record.trail,
        take: (...args) => (faults.trail.take ?? record.trail.take)(...args),
        prune: (...args) => (faults.trail.prune ?? record.trail.prune)(...args),
        eraseOf: (...args) => (faults.trail.eraseOf ?? record.trail.eraseOf)(...args),
      },
    },
  });
});
afterAll(() => test_?.close());

async function withFaults(trail: Partial<TrailStore>, run: () => Promise<void>): Promise<void> {
  faults = { ...faults, trail };
  try {
    await run();
  } finally {
    faults = { ...faults, trail: {} };
  }
}

/** The rows of these actions, oldest first. `tid` null: the operators'. */
async function rowsOf(tid: string | null, ...actions: readonly string[]) {
  const rows = await record.audit.list(tid ?? '', {}, PAGE);
  return rows.filter(({ action }) => actions.includes(action)).toReversed();
}

/**
 * A moment after all that has happened, which has passed by this machine's clock and by the node's: that one is slewed towards
 * the record's, and may be some way off after a start on a busy machine.
 */
async function passed(): Promise<number> {
  const { follower } = test_.services;
  const clocks = (): readonly number[] => [Date.now(), follower.wallNowMs()];
  const atMs = Math.ceil(Math.max(...clocks())) + 1;
  await expect.poll(() => Math.min(...clocks()), { interval: 5 }).toBeGreaterThan(atMs);
  return atMs;
}

/** Everything is sealed and signed, and a moment has gone by since. @returns that moment. */
async function sealedBy(): Promise<number> {
  await test_.services.trail.sealer.now();
  return await passed();
}

const verified = async (tid: string) =>
  verifyTrail(tid, {
    store: record.trail,
    keys: await trailKeys(record.trail, test_.services.ring),
  });

/** Retention as it is in some days. */
async function keepAfter(days: number): Promise<void> {
  const { signing } = test_.services.trail;
  const keeper = createKeeper({
    ...{ store: record.trail, signing, issuer: () => test_.engine.issuer, log: silentLog },
    ...{ isTurn: () => true, pause: { ask: async () => false }, clock: restless },
    wallNowMs: () => Date.now() + days * DAY_MS,
  });
  await keeper.run();
  await keeper.close();
  expect(keeper.status().failures).toBe(0);
}

describe('what is removed or erased says so before it begins', () => {
  test('B14 ASVS 16.4.2 pruning that ends half-way has left a row; run again it goes on, and says what came of it', async () => {
    const { operator } = test_.engine;
    const { tenant } = await test_.makeTenant('pruned');
    const { tid } = tenant;
    const beforeMs = await sealedBy();
    const sealed = (await record.trail.state(tid)).head?.seq ?? 0;
    expect(sealed).toBeGreaterThan(2);
    let batches = 0;
    const prune: TrailStore['prune'] = async (of, to, token) => {
      batches += 1;
      if (batches > 1) throw new Error('the process was killed');
      return await record.trail.prune(of, to, token, 1);
    };
    await withFaults({ prune }, async () => {
      await expect(operator.pruneAudit({ tenant: 'pruned', beforeMs })).rejects.toThrow('killed');
    });
    const before = new Date(beforeMs).toISOString();
    const begun = { action: 'audit_prune_begun', detail: { to: sealed, before, by: 'command' } };
    const about = ['audit_prune_begun', 'audit_pruned'];
    expect(await rowsOf(tid, ...about)).toMatchObject([begun]);

    const again = await operator.pruneAudit({ tenant: 'pruned', beforeMs });
    expect(again).toEqual({ removed: sealed - 1, to: sealed, unsealed: 0 });
    expect(await rowsOf(tid, ...about)).toMatchObject([
      ...[begun, begun],
      { action: 'audit_pruned', detail: { removed: sealed - 1, to: sealed, unsealed: 0 } },
    ]);
    // Where there is nothing to remove, nothing is begun.
    await operator.pruneAudit({ tenant: 'pruned', beforeMs });
    expect(await rowsOf(tid, ...about)).toHaveLength(3);
    expect((await verified(tid)).wrong).toBe(0);
  });

  test('B14 erasure that ends half-way has left a row; run again it goes on, and says what came of it', async () => {
    const { operator } = test_.engine;
    const { tenant, admin, caller } = await test_.makeTenant('erased');
    await test_.makeUser(caller, 'noor@erased.example');
    const whose = { tenant: 'erased', user: admin.email };
    const eraseOf: TrailStore['eraseOf'] = async (of, user) => {
      await record.trail.eraseOf(of, user, null, 2);
      throw new Error('the process was killed');
    };
    await withFaults({ eraseOf }, async () => {
      await expect(operator.eraseAudit(whose)).rejects.toThrow('killed');
    });
    const about = ['audit_erase_begun', 'audit_erased'];
    const subject = { kind: 'user', id: admin.uid };
    const begun = { action: 'audit_erase_begun', subject };
    expect(await rowsOf(tenant.tid, ...about)).toMatchObject([begun]);
    const { erased } = await operator.eraseAudit(whose);
    expect(erased).toBeGreaterThan(0);
    expect(await rowsOf(tenant.tid, ...about)).toMatchObject([
      ...[begun, begun],
      { action: 'audit_erased', subject, detail: { erased, unsealed: 0 } },
    ]);
  });

  test('B14 rows that cannot be sealed yet are passed over and counted, and go the next time', async () => {
    const { operator } = test_.engine;
    const { tenant, admin, caller } = await test_.makeTenant('late');
    await sealedBy();
    // No row of theirs is given to any sealer.
    const take: TrailStore['take'] = (holder, claimMs, limit, unsignedMs, except) =>
      record.trail.take(holder, claimMs, limit, unsignedMs, [...except, tenant.tid]);
    const whose = { tenant: 'late', user: admin.email };
    let unsealed = 0;
    await withFaults({ take }, async () => {
      await test_.makeUser(caller, 'first@late.example');
      await test_.makeUser(caller, 'second@late.example');
      const erased = await operator.eraseAudit(whose);
      unsealed = erased.unsealed;
      expect(unsealed).toBe(2);
      const [row] = (await rowsOf(tenant.tid, 'audit_erased')).slice(-1);
      expect(row?.detail).toMatchObject({ unsealed: 2 });
      const pruned = await operator.pruneAudit({ tenant: 'late', beforeMs: await passed() });
      expect(pruned.unsealed).toBeGreaterThanOrEqual(2);
    });
    expect(await operator.eraseAudit(whose)).toMatchObject({ erased: unsealed, unsealed: 0 });
  });
});

describe('the trail of a tenant that was deleted', () => {
  async function deleted(slug: string): Promise<string> {
    const { tenant, caller } = await test_.makeTenant(slug);
    await sealedBy();
    // In the hour of the first checkpoint, and not covered by it.
    await test_.makeUser(caller, `noor@${slug}.example`);
    await test_.engine.operator.deleteTenant({ tenant: slug, reason: null, waitMs: null });
    await sealedBy();
    return tenant.tid;
  }

  test('B14 it is kept as long as was in force for the tenant, or for all, and then goes to its last row', async () => {
    const { operator } = test_.engine;
    const { tenant } = await test_.makeTenant('forever');
    const retention = (auditDays: number | null) => ({ auditDays, personalDays: auditDays });
    await operator.setAuditRetention({ tenant: null, retention: retention(10) });
    await test_.makeTenant('own');
    await operator.setAuditRetention({ tenant: 'own', retention: retention(100) });
    await operator.setAuditRetention({ tenant: 'forever', retention: retention(null) });
    const own = await (async () => {
      const { tid } = (await operator.getTenant({ tenant: 'own' })).tenant;
      await operator.deleteTenant({ tenant: 'own', reason: null, waitMs: null });
      return tid;
    })();
    const usual = await deleted('usual');
    await operator.deleteTenant({ tenant: 'forever', reason: null, waitMs: null });
    await sealedBy();
    const rows = async (tid: string) => (await verified(tid)).rows;
    const whole = { own: await rows(own), usual: await rows(usual), kept: await rows(tenant.tid) };
    expect(Math.min(...Object.values(whole))).toBeGreaterThan(2);

    await keepAfter(9);
    expect(await rows(usual)).toBe(whole.usual);
    await keepAfter(11);
    expect(await verified(usual)).toMatchObject({ rows: 0, unsealed: 0, wrong: 0 });
    expect(await rows(own)).toBe(whole.own);
    await keepAfter(101);
    expect(await verified(own)).toMatchObject({ rows: 0, unsealed: 0, wrong: 0 });
    expect(await rows(tenant.tid)).toBe(whole.kept);
    // It can still be said otherwise, by the id.
    await operator.setAuditRetention({ tenant: tenant.tid, retention: retention(200) });
    await keepAfter(201);
    expect(await verified(tenant.tid)).toMatchObject({ rows: 0, unsealed: 0, wrong: 0 });
    await operator.setAuditRetention({ tenant: null, retention: null });
  });

  test('B14 an operator removes it at once, and what is said of that stands in the operators’ own trail', async () => {
    const tid = await deleted('gone');
    const { operator } = test_.engine;
    const pruned = await operator.pruneAudit({ tenant: tid, beforeMs: await passed() });
    expect(pruned).toMatchObject({ unsealed: 0 });
    expect(pruned.removed).toBeGreaterThan(2);
    await sealedBy();
    expect(await record.audit.list(tid, {}, PAGE)).toEqual([]);
    expect(await verified(tid)).toMatchObject({ rows: 0, unsealed: 0, wrong: 0 });
    const subject = { kind: 'tenant', id: tid };
    const said = await rowsOf(null, 'audit_prune_begun', 'audit_pruned');
    expect(said.filter((row) => row.subject?.id === tid)).toMatchObject([
      { action: 'audit_prune_begun', subject, detail: { tenant_id: tid } },
      { action: 'audit_pruned', subject, detail: { removed: pruned.removed } },
    ]);
  });
});

describe('verification of all trails', () => {
  const all = { tenant: null, all: true };

  test('B14 ASVS 16.4.2 a whole trail that is gone is missing where a kept checkpoint speaks of it; a kept one that proves nothing is named', async () => {
    const { operator } = test_.engine;
    const { tenant } = await test_.makeTenant('lost');
    const { tid } = tenant;
    const kept = await operator.checkpointAudit(all);
    expect(await operator.verifyAudit({ ...all, kept })).toMatchObject({
      missing: [],
      problems: [],
    });
    const [one] = kept.checkpoints.filter(({ tenant_id }) => tenant_id === tid);
    if (one === undefined) throw new Error('nothing was kept');
    const removed = ['audit', 'audit_seal', 'audit_chain', 'audit_checkpoint', 'audit_unsealed'];
    await tamper(
      made,
      ...removed.map((table) => ({
        text: `delete from sekisho.${table} where tid = $1`,
        values: [tid],
      })),
    );
    const left = (await operator.verifyAudit({ ...all, kept })).trails.find(
      (one) => one.tid === tid,
    );
    expect(left?.problems).toMatchObject([{ kind: 'removed' }, ...Array(one.sequence).fill({})]);
    await tamper(made, { text: 'delete from sekisho.tenant where tid = $1', values: [tid] });
    const gone = await operator.verifyAudit({ ...all, kept });
    expect(gone).toMatchObject({ missing: [tid], problems: [] });
    expect(gone.trails.map((trail) => trail.tid)).not.toContain(tid);
    // A token that nobody has signed.
    const forged = { ...kept, checkpoints: [{ ...one, token: `${one.token.slice(0, -4)}AAAA` }] };
    const judged = await operator.verifyAudit({ ...all, kept: forged });
    expect(judged.problems).toMatchObject([{ kind: 'unsigned', tid, seq: one.sequence }]);
    const ofOthers = await operator.verifyAudit({ tenant: null, all: false, kept: forged });
    expect(ofOthers.problems).toEqual([]);
    // Verified by the key that was kept with it, which the record does not have: it tells of another chain.
    const { ring } = test_.services;
    const seq = (await record.trail.state('')).head?.seq ?? 0;
    const { purpose: _, ...key } = await makeSigningKey(ring, 1, 'ES256', 'audit-key-sealing');
    const other = await signCheckpoint(openSigner(ring, key, 'audit-key-sealing'), {
      ...{ kind: 'checkpoint', issuer: test_.engine.issuer, tid: '', seq, atMs: Date.now() },
      hash: new Uint8Array(32),
    });
    const elsewhere = {
      checkpoints: [{ ...one, tenant_id: '', sequence: seq, token: other }],
      keys: [publicJwkOf(key)],
    };
    const compared = await operator.verifyAudit({ ...all, all: false, kept: elsewhere });
    expect(compared.problems).toEqual([]);
    expect(compared.trails[0]?.problems).toMatchObject([{ kind: 'rewritten', tid: '', seq }]);
    const noKeys = operator.verifyAudit({ ...all, kept: { ...kept, keys: [{ kid: 'x' }] } });
    await expect(noKeys).rejects.toMatchObject({ code: 'validation_failed' });
  });

  test('B14 of how many rows it tells is how many there are, sealed or not', async () => {
    const { operator } = test_.engine;
    await test_.makeTenant('counted');
    await sealedBy();
    const told: Progress[] = [];
    const { trails } = await operator.verifyAudit({ ...all, kept: null }, (one) => told.push(one));
    const rows = trails.reduce((sum, trail) => sum + trail.rows + trail.unsealed, 0);
    expect(rows).toBeGreaterThan(5);
    expect(told.at(-1)).toEqual({ done: rows, total: rows });
    expect(told.filter(({ total }) => total !== null && total !== rows)).toEqual([]);
    const done = told.map((one) => one.done);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.some((one) => one > 0 && one < rows)).toBe(true);
  });

  test('B14 a trail in which nothing happens is signed by the newest key when checkpoints are made', async () => {
    const { operator } = test_.engine;
    const { ring, trail } = test_.services;
    const { tenant } = await test_.makeTenant('quiet');
    const { tid } = tenant;
    await sealedBy();
    const { head } = await record.trail.state(tid);
    if (head === null) throw new Error('nothing was sealed');
    // A key of before, as after a rotation.
    const { purpose: _, ...old } = await makeSigningKey(ring, 1, 'ES256', 'audit-key-sealing');
    expect(await record.trail.addKey(old, Number.MAX_SAFE_INTEGER / 1000)).toBe(true);
    const token = await signCheckpoint(openSigner(ring, old, 'audit-key-sealing'), {
      ...{ kind: 'checkpoint', issuer: test_.engine.issuer, tid, ...head, atMs: Date.now() },
    });
    expect(await record.trail.seal([{ tid, was: head, seals: [], token }])).toBe(true);
    const { kid } = await trail.signing.signer();
    expect(kid).not.toBe(old.kid);
    const { checkpoints } = await operator.checkpointAudit({ tenant: 'quiet', all: false });
    const { signedToken } = await record.trail.state(tid);
    expect(checkpoints).toMatchObject([{ sequence: head.seq, token: signedToken }]);
    const read = await readCheckpoint(signedToken ?? '', await trail.signing.verifiers());
    expect(read).toMatchObject({ kind: 'good', kid, claims: { tid, seq: head.seq } });
    expect((await verified(tid)).wrong).toBe(0);
    // It says nothing that the older key has not said.
    await tamper(made, {
      text: `update sekisho.audit_chain set hash = decode(repeat('ab', 32), 'hex'), signed_token = $2 where tid = $1`,
      values: [tid, token],
    });
    await operator.checkpointAudit({ tenant: 'quiet', all: false });
    expect((await record.trail.state(tid)).signedToken).toBe(token);
  });
});

describe('while clean-up is paused', () => {
  test('A3 B14 rows are sealed and signed as ever, and retention waits', async () => {
    const { operator } = test_.engine;
    const { sealer, keeper } = test_.services.trail;
    const { tenant, caller } = await test_.makeTenant('busy');
    const { tid } = tenant;
    const old = auditEvent(tid, 'authn_logout', { atMs: Date.now() - 3 * DAY_MS });
    await record.audit.append([old]);
    const retention = { auditDays: null, personalDays: 1 };
    await operator.setAuditRetention({ tenant: 'busy', retention });
    await operator.pauseCleanup({ by: 'noor' });
    await test_.makeUser(caller, 'noor@busy.example');
    await sealer.run();
    // A round may have been under way when the row came.
    await sealer.run();
    expect(await record.trail.state(tid)).toMatchObject({ waiting: 0 });
    expect(sealer.status().state).toBe('sealing');
    const ipOf = async () => (await rowsOf(tid, 'authn_logout'))[0]?.ip;
    await keeper.run();
    expect(await ipOf()).toBe(old.ip);
    await operator.resumeCleanup({ by: 'noor' });
    await keeper.run();
    expect(await ipOf()).toBeNull();
  });
});

describe('the rows of signing keys', () => {
  test('B14 ASVS 16.2.1 they come with the key, whatever becomes of other writing', async () => {
    const { operator } = test_.engine;
    faults = { ...faults, append: () => Promise.reject(new Error('nothing is appended')) };
    try {
      const made = await operator.rotateKeys({ aheadMs: null, alg: null });
      const [signing] = (await operator.listKeys()).filter(({ state }) => state === 'signing');
      const retired = await operator.retireKey({ kid: signing?.kid ?? '', withdraw: false });
      const about = await rowsOf(null, 'signing_key_made', 'signing_key_retired');
      expect(about.map(({ action, subject }) => [action, subject?.id])).toEqual(
        expect.arrayContaining([
          ['signing_key_made', made.kid],
          ['signing_key_made', retired.made?.kid],
          ['signing_key_retired', signing?.kid],
        ]),
      );
      const keys = (await operator.listKeys()).length;
      await expect(operator.rotateKeys({ aheadMs: 150_000, alg: null })).rejects.toThrow('later');
      expect(await operator.listKeys()).toHaveLength(keys);
      expect(await rowsOf(null, 'signing_key_made', 'signing_key_retired')).toEqual(about);
    } finally {
      faults = { ...faults, append: null };
    }
  });
});
