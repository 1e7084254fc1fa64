import { expect, test } from 'vitest';
import { genesisOf, sealOf } from '../../../src/audit/chain.ts';
import { createKeeper, eraseBefore, prune } from '../../../src/audit/keeping.ts';
import { verifyTrail } from '../../../src/audit/verifier.ts';
import { newId } from '../../../src/id.ts';
import type { SqlCall } from '../../../src/record/database.ts';
import type { TrailStore } from '../../../src/record/trail-contract.ts';
import { signCheckpoint } from '../../../src/token/checkpoint.ts';
import { type RecordFixture, START_MS, seedTenant } from '../../support/seed.ts';
import {
  begunAgo,
  ISSUER,
  keeperParts,
  keepingLog,
  kinds,
  restless,
  sealAll,
  sealedTenant,
  sealerOf,
  tamper,
  trailKeys,
  verifyAll,
  write,
} from '../../support/trail.ts';

const DAY_MS = 86_400_000;
const ALL = { limit: 200, cursor: null };

/** What a node's login may do: whoever has it, or gets statements of their own into one of its queries. */
async function asNode({ database }: RecordFixture, ...calls: readonly SqlCall[]): Promise<void> {
  await database.transaction([
    { text: `select set_config('role', 'sekisho_system', true)` },
    ...calls,
    { text: 'select 1' },
  ]);
}

/** A row as nobody here writes one. */
const row = (tid: string, id: string, at: string, detail = '{}'): SqlCall => ({
  text: `insert into sekisho.audit (tid, id, at, action, outcome, actor_kind, detail)
    values ($1, $2, $3::text::timestamptz, 'authn_logout', 'success', 'system', $4::text::jsonb)`,
  values: [tid, id, at, detail],
});

const sealOfRow = (tid: string, seq: string, id: string, at = 'now'): SqlCall => ({
  text: `insert into sekisho.audit_seal (tid, seq, id, hash, sealed_at)
    values ($1, $2::text::bigint, $3, decode(repeat('ab', 32), 'hex'), $4::text::timestamptz)`,
  values: [tid, seq, id, at],
});

const notWaiting = (tid: string): SqlCall => ({
  text: 'delete from sekisho.audit_unsealed where tid = $1',
  values: [tid],
});

/** A tenant with three rows of now, signed after the first and the last. */
async function ofToday(fixture: RecordFixture): Promise<string> {
  const { tid } = await seedTenant(fixture);
  await tamper(fixture, begunAgo('3 days'));
  for (const count of [1, 2]) {
    await write(fixture, tid, count, () => ({ atMs: Date.now() }));
    await sealAll(fixture);
  }
  return tid;
}

/** What whoever has a node's login, or the tables, may try so that verification fails, lies or never ends. */
export function attackTests(opened: () => RecordFixture): void {
  test('B14 ASVS 16.4.2 a row that nobody could read keeps none from being sealed, listed, exported and verified', async () => {
    const fixture = opened();
    const other = await sealedTenant(fixture, 1);
    const { trail } = fixture.record;
    const deep = `{"deep": ${'['.repeat(500)}${']'.repeat(500)}}`;
    const late = new Date().toISOString();
    for (const [at, detail] of [
      ...[['infinity'], ['-infinity'], ['294000-01-01'], ['4000-01-01 BC'], [late, deep]],
      ...['null', '{"n": 1e400}'].map((json) => [late, json]),
    ]) {
      const { tid } = await sealedTenant(fixture, 2);
      await asNode(fixture, row(tid, newId(), at ?? '', detail));
      await write(fixture, other.tid, 1);
      await sealAll(fixture);
      const report = await verifyAll(fixture, tid);
      expect([at, detail, report.rows, report.unsealed]).toEqual([at, detail, 3, 0]);
      const listed = await fixture.record.audit.list(tid, {}, ALL);
      expect(JSON.stringify(listed).length).toBeLessThan(2_000);
      const page = await trail.exportPage(tid, {}, { limit: 10, cursor: null });
      expect([at, page.next]).toEqual([at, null]);
      expect(new Date((page.rows.at(-1)?.row.atUs ?? 0) / 1000).toISOString()).toMatch(/^\d{4}-/);
    }
    expect(await verifyAll(fixture, other.tid)).toMatchObject({ unsealed: 0, wrong: 0 });
  });

  test('B14 ASVS 16.4.2 details that are other ones are others, whatever they look like', async () => {
    const fixture = opened();
    for (const detail of ['[]', '""', '7', 'null', '{"a": []}']) {
      const { tid } = await seedTenant(fixture);
      const [one] = await write(fixture, tid, 1, () => ({ detail: {} }));
      await sealAll(fixture);
      await tamper(fixture, {
        text: 'update sekisho.audit set detail = $2::text::jsonb where tid = $1',
        values: [tid, detail],
      });
      const found = kinds(await verifyAll(fixture, tid));
      expect([detail, found]).toEqual([detail, [['changed', 1, one?.id]]]);
      // Personal data go all the same: it holds up no retention.
      expect(await eraseBefore(keeperParts(fixture), tid, START_MS + DAY_MS)).toBe(1);
      const [left] = await fixture.record.audit.list(tid, {}, ALL);
      expect([left?.ip, left?.userAgent]).toEqual([null, null]);
    }
  });

  test('B14 ASVS 16.4.2 seals and checkpoints with numbers or times that are none are named, and looking ends', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 2);
    // Beyond 2^53 two numbers are the same one here.
    await asNode(fixture, sealOfRow(tid, '9007199254740993', 'far'));
    await asNode(fixture, sealOfRow(tid, '9223372036854775807', 'farther'));
    const found = kinds(await verifyAll(fixture, tid));
    expect(found.map(([kind]) => kind)).toEqual(['inserted']);
    const timed = await sealedTenant(fixture, 2);
    for (const at of ['infinity', '-infinity', '294000-01-01']) {
      await tamper(fixture, {
        text: 'update sekisho.audit_seal set sealed_at = $2::text::timestamptz where tid = $1 and seq = 2',
        values: [timed.tid, at],
      });
      const { problems } = await verifyAll(fixture, timed.tid);
      expect([at, problems[0]?.kind, problems[0]?.seq]).toEqual([at, 'misdated', 2]);
    }
    const signed = await sealedTenant(fixture, 2);
    for (const seq of ['9007199254740993', '9223372036854775807']) {
      await asNode(fixture, {
        text: `insert into sekisho.audit_checkpoint values ($1, $2::text::bigint, 'x', 'infinity')`,
        values: [signed.tid, seq],
      });
    }
    const [first] = kinds(await verifyAll(fixture, signed.tid));
    expect(first?.[0]).toBe('unsigned');
    expect(ids).toHaveLength(2);
  });

  test('B14 ASVS 16.4.2 a chain with a number that none reaches holds up its own tenant alone', async () => {
    const fixture = opened();
    const [broken, whole] = [await sealedTenant(fixture, 1), await sealedTenant(fixture, 1)];
    await asNode(fixture, {
      text: 'update sekisho.audit_chain set seq = 9223372036854775807 where tid = $1',
      values: [broken.tid],
    });
    for (const { tid } of [broken, whole]) await write(fixture, tid, 1);
    const { sealer } = sealerOf(fixture);
    expect(await sealer.now()).toEqual({ left: [broken.tid] });
    await sealer.close();
    expect(await verifyAll(fixture, whole.tid)).toMatchObject({ rows: 2, unsealed: 0, wrong: 0 });
    const report = await verifyAll(fixture, broken.tid);
    expect(report.problems[0]?.kind).toBe('removed');
    await tamper(fixture, notWaiting(broken.tid));
  });

  test('B14 ASVS 16.4.2 a row without an id, and one that is sealed and waits, are named; the tenant is sealed on', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 2);
    await asNode(fixture, row(tid, '', 'now'), notWaiting(tid));
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['inserted', null, '']]);
    await asNode(fixture, {
      text: 'insert into sekisho.audit_unsealed values ($1, $2, now())',
      values: [tid, ids[1]],
    });
    await write(fixture, tid, 1);
    await sealAll(fixture);
    const report = await verifyAll(fixture, tid);
    expect(report).toMatchObject({ rows: 3, unsealed: 0 });
    expect(kinds(report)).toEqual([
      ['inserted', null, ''],
      ['inserted', null, ids[1]],
    ]);
    await tamper(fixture, notWaiting(tid));
  });

  test('B14 ASVS 16.4.2 rows put in before the place from which verification begins are named, and nobody is shown them', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 4);
    await write(fixture, tid, 1);
    await prune(keeperParts(fixture), tid, Date.now() + DAY_MS);
    await sealAll(fixture);
    expect(await verifyAll(fixture, tid)).toMatchObject({ from: 5, rows: 1, wrong: 0 });
    const forged = newId();
    await asNode(fixture, row(tid, forged, 'now'), sealOfRow(tid, '2', forged), notWaiting(tid));
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['inserted', 2, forged]]);
    const listed = await fixture.record.audit.list(tid, {}, ALL);
    expect(listed.map(({ id }) => id)).not.toContain(forged);
    // At the place itself it bears another hash; that one would not follow.
    const last = newId();
    await asNode(fixture, row(tid, last, 'now'), sealOfRow(tid, '4', last), notWaiting(tid));
    expect(kinds(await verifyAll(fixture, tid))).toEqual([
      ['inserted', 2, forged],
      ['inserted', 4, last],
    ]);
  });

  test('B14 what pruning has left so far is looked at: a changed row of it is named', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 6);
    const { trail } = fixture.record;
    const store: TrailStore = {
      ...trail,
      prune: (of, to, token) => trail.prune(of, to, token, 2),
    };
    const once = { ...keeperParts(fixture), store, mayGoOn: async () => false };
    await prune(once, tid, Date.now() + DAY_MS);
    expect(await verifyAll(fixture, tid)).toMatchObject({ wrong: 0, rows: 0 });
    await tamper(fixture, {
      text: `update sekisho.audit set action = 'x' where tid = $1 and id = $2`,
      values: [tid, ids[4]],
    });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['changed', 5, ids[4]]]);
  });

  test('B14 ASVS 16.4.2 rows put in with good hashes are named, and the row behind them is not', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 4);
    const rows = await fixture.record.trail.sealed(tid, 0, 10);
    const put = [newId(), newId()];
    const second = rows[1];
    if (second === undefined || second.row === null) throw new Error('no row');
    const seals = [];
    let before = second.hash;
    for (const [index, id] of put.entries()) {
      const copy = { ...second.row, id, ip: null, userAgent: null, detail: {} };
      const seal = sealOf(before, 3 + index, copy, () => new Uint8Array(16));
      seals.push(seal);
      before = seal.hash;
    }
    await tamper(
      fixture,
      {
        text: 'update sekisho.audit_seal set seq = seq + 1000 where tid = $1 and seq > 2',
        values: [tid],
      },
      {
        text: 'update sekisho.audit_seal set seq = seq - 998 where tid = $1 and seq > 1000',
        values: [tid],
      },
      ...seals.flatMap(({ id, seq, hash }) => [
        {
          text: `insert into sekisho.audit select tid, $3, at, action, outcome, actor_kind, actor_uid, actor_sid,
            subject_kind, subject_id, null, null, request_id, '{}' from sekisho.audit where tid = $1 and id = $2`,
          values: [tid, ids[1], id],
        },
        {
          text: 'insert into sekisho.audit_seal values ($1, $2, $3, $4, null, null, now())',
          values: [tid, seq, id, Buffer.from(hash)],
        },
      ]),
      { text: 'update sekisho.audit_chain set seq = seq + 2 where tid = $1', values: [tid] },
      notWaiting(tid),
    );
    const found = kinds(await verifyAll(fixture, tid));
    expect(found.filter(([kind]) => kind !== 'rewritten' && kind !== 'unsigned')).toEqual([
      ['inserted', 3, put[0]],
      ['inserted', 4, put[1]],
    ]);
  });

  test('B14 ASVS 16.4.2 a checkpoint that is said to be old has nothing pruned, and is named', async () => {
    const fixture = opened();
    const tid = await ofToday(fixture);
    const { trail } = fixture.record;
    await asNode(fixture, {
      text: `insert into sekisho.audit_checkpoint
        select tid, signed_seq, signed_token, '2001-01-01' from sekisho.audit_chain where tid = $1`,
      values: [tid],
    });
    const aDayAgo = Date.now() - DAY_MS;
    expect(await prune(keeperParts(fixture), tid, aDayAgo)).toEqual({ removed: 0, to: null });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['misdated', 3, null]]);
    // One below it that is old holds.
    const [second] = await trail.sealed(tid, 1, 1);
    const { signing } = sealerOf(fixture);
    const token = await signCheckpoint(await signing.signer(), {
      ...{ kind: 'checkpoint', issuer: ISSUER, tid, seq: 2, atMs: aDayAgo - DAY_MS },
      hash: second?.hash ?? new Uint8Array(),
    });
    const junk = (seq: number, text: string) => ({
      text: 'insert into sekisho.audit_checkpoint values ($1, $2, $3, $4)',
      values: [tid, seq, text, new Date(aDayAgo - DAY_MS)],
    });
    await tamper(fixture, {
      text: 'delete from sekisho.audit_checkpoint where tid = $1 and seq < 3',
      values: [tid],
    });
    await asNode(fixture, junk(2, token));
    expect(await prune(keeperParts(fixture), tid, aDayAgo)).toEqual({ removed: 2, to: 2 });
  });

  test('B14 ASVS 16.4.2 a last seal that is said to be old does not have a trail of today pruned', async () => {
    const fixture = opened();
    const tid = await ofToday(fixture);
    await tamper(fixture, {
      text: `update sekisho.audit_seal set sealed_at = '2001-01-01' where tid = $1 and seq = 3`,
      values: [tid],
    });
    const pruned = await prune(keeperParts(fixture), tid, Date.now() - DAY_MS);
    expect(pruned).toEqual({ removed: 0, to: null });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['misdated', 3, expect.any(String)]]);
  });

  test('B14 ASVS 16.4.2 what nobody has signed of pruning is not signed by the next pruning', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 3);
    const { trail } = fixture.record;
    const { head } = await trail.state(tid);
    if (head === null) throw new Error('it was to be sealed');
    const hash = Buffer.from(head.hash).toString('base64url');
    const said = JSON.stringify({ kind: 'pruned', tid, seq: head.seq, hash });
    const forged = `e30.${Buffer.from(said).toString('base64url')}.AAAA`;
    expect(await trail.prune(tid, head, forged, 100)).toBe(3);
    await write(fixture, tid, 2);
    await sealAll(fixture);
    const unsigned = [['unsigned', 3, null]];
    expect(kinds(await verifyAll(fixture, tid))).toEqual(unsigned);
    const later = prune(keeperParts(fixture), tid, Date.now() + DAY_MS);
    await expect(later).rejects.toMatchObject({ code: 'conflict' });
    // Nor does retention, which says so.
    await trail.keepRetention(tid, { auditDays: 1, personalDays: null }, []);
    const { log, lines } = keepingLog();
    const keeper = createKeeper({
      ...{ ...keeperParts(fixture), log, isTurn: () => true, clock: restless },
      wallNowMs: () => Date.now() + 900 * DAY_MS,
      pause: { ask: async () => false },
    });
    await keeper.run();
    await keeper.close();
    expect(keeper.status().failures).toBe(1);
    expect(lines.join('')).toContain('bears no signature of ours');
    await trail.keepRetention(tid, null, []);
    expect(kinds(await verifyAll(fixture, tid))).toEqual(unsigned);
  });

  test('B14 a chain that is sealed on whenever verification has come to its end is no fault', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 2);
    const { trail } = fixture.record;
    let races = 6;
    const store: TrailStore = {
      ...trail,
      async state(of) {
        if (races > 0) {
          races -= 1;
          await write(fixture, tid, 1);
          await sealAll(fixture);
        }
        return trail.state(of);
      },
    };
    const report = await verifyTrail(tid, { store, keys: await trailKeys(trail) });
    expect(report).toMatchObject({ wrong: 0, rows: 8, to: 8 });
    expect(races).toBe(0);
  });

  test('B14 ASVS 16.4.2 the row that says since when trails are sealed is missed, and verification goes on without it', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 2);
    const saved = await fixture.database.query({
      text: 'select to_jsonb(z) as saved from sekisho.audit_sealer z',
    });
    await tamper(
      fixture,
      { text: 'delete from sekisho.audit_sealer' },
      {
        text: `update sekisho.audit set action = 'x' where tid = $1 and id = $2`,
        values: [tid, ids[1]],
      },
    );
    try {
      expect(kinds(await verifyAll(fixture, tid))).toEqual([
        ['changed', 2, ids[1]],
        ['removed', null, null],
      ]);
    } finally {
      await tamper(fixture, {
        text: 'insert into sekisho.audit_sealer select * from jsonb_populate_record(null::sekisho.audit_sealer, $1::text::jsonb)',
        values: [JSON.stringify(saved[0]?.saved)],
      });
    }
  });

  test('B14 ASVS 16.4.2 rows, seals, chains and checkpoints of one tenant are none of another', async () => {
    const fixture = opened();
    const [one, other] = [await sealedTenant(fixture, 2), await sealedTenant(fixture, 2)];
    const swap = (table: string, columns: string) => ({
      text: `update sekisho.${table} x set ${columns
        .split(' ')
        .map((column) => `${column} = y.${column}`)
        .join(
          ', ',
        )} from sekisho.${table} y where x.tid = $1 and y.tid = $2 and ${table === 'audit_seal' ? 'x.seq = y.seq' : 'true'}`,
      values: [one.tid, other.tid],
    });
    await tamper(fixture, swap('audit_chain', 'hash signed_token'));
    const chain = kinds(await verifyAll(fixture, one.tid)).map(([kind]) => kind);
    expect(chain).toEqual(expect.arrayContaining(['unsigned', 'changed']));
    await tamper(fixture, swap('audit_seal', 'hash personal salt'));
    const seals = kinds(await verifyAll(fixture, one.tid)).map(([kind]) => kind);
    expect(seals).toEqual(expect.arrayContaining(['changed', 'unsigned', 'rewritten']));
    // A tenant that is made again begins another chain.
    expect(Buffer.from(genesisOf(one.tid))).not.toEqual(Buffer.from(genesisOf(other.tid)));
    expect((await verifyAll(fixture, other.tid)).wrong).toBe(0);
  });
}
