import { expect, test } from 'vitest';
import { genesisOf } from '../../../src/audit/chain.ts';
import { newId } from '../../../src/id.ts';
import { type RecordFixture, seedTenant } from '../../support/seed.ts';
import {
  kinds,
  sealAll,
  sealedTenant,
  sealerOf,
  tamper,
  verifyAll,
  write,
} from '../../support/trail.ts';

/** What is done to the sealed trail by other means is found, and named. */
export function tamperingTests(opened: () => RecordFixture): void {
  test('B14 ASVS 16.4.2 a changed row is found and named, whichever column of the table it is', async () => {
    const fixture = opened();
    // The table's own list: a column that comes is tried like the others.
    const columns = await fixture.database.query({
      text: `select column_name as name, data_type as type from information_schema.columns
        where table_schema = 'sekisho' and table_name = 'audit' order by ordinal_position`,
    });
    const others: Readonly<Record<string, string>> = {
      outcome: `case outcome when 'success' then 'failure' else 'success' end`,
      'timestamp with time zone': `$$ + interval '1 microsecond'`,
      jsonb: `$$ || '{"more": 1}'`,
      text: `coalesce($$, '') || 'x'`,
    };
    const changes = columns.map(({ name, type }) => {
      const other = others[`${name}`] ?? others[`${type}`];
      if (other === undefined) throw new Error(`what is another value of ${name}, a ${type}?`);
      return { name: `${name}`, change: `${name} = ${other.replaceAll('$$', () => `${name}`)}` };
    });
    const names = changes.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['tid', 'id', 'at', 'outcome', 'detail']));
    const email = `detail = detail || '{"email": "other@example.test"}'`;
    for (const { name, change } of [...changes, { name: 'detail', change: email }]) {
      const { tid, ids } = await sealedTenant(fixture, 5);
      await tamper(fixture, {
        text: `update sekisho.audit set ${change} where tid = $1 and id = $2`,
        values: [tid, ids[2]],
      });
      const found = kinds(await verifyAll(fixture, tid));
      // A row under another name is one that is gone, and another one that was never sealed.
      const expected = {
        tid: [['removed', 3, ids[2]]],
        id: [
          ['removed', 3, ids[2]],
          ['inserted', null, `${ids[2]}x`],
        ],
      };
      const usual = [['changed', 3, ids[2]]];
      expect([change, found]).toEqual([
        change,
        name === 'tid' || name === 'id' ? expected[name] : usual,
      ]);
    }
  });

  test('B14 ASVS 16.4.2 a removed row is found and named, with its seal or without', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 6);
    await tamper(fixture, {
      text: 'delete from sekisho.audit where tid = $1 and id = $2',
      values: [tid, ids[1]],
    });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['removed', 2, ids[1]]]);
    await tamper(
      fixture,
      {
        text: 'delete from sekisho.audit where tid = $1 and id = any ($2)',
        values: [tid, [ids[3], ids[5]]],
      },
      {
        text: 'delete from sekisho.audit_seal where tid = $1 and id = any ($2)',
        values: [tid, [ids[3], ids[5]]],
      },
    );
    expect(kinds(await verifyAll(fixture, tid))).toEqual([
      ['removed', 2, ids[1]],
      ['removed', 4, null],
      ['removed', 6, null],
    ]);
  });

  test('B14 ASVS 16.4.2 an inserted row is found and named, without a seal or with one', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 4);
    const stray = newId();
    const copy = `insert into sekisho.audit select tid, $3, at, action, outcome, actor_kind, actor_uid, actor_sid,
      subject_kind, subject_id, null, null, request_id, '{}' from sekisho.audit where tid = $1 and id = $2`;
    await tamper(fixture, { text: copy, values: [tid, ids[1], stray] });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['inserted', null, stray]]);

    // Put between two sealed rows, all later ones moved on by one.
    await tamper(
      fixture,
      {
        text: 'update sekisho.audit_seal set seq = seq + 1000 where tid = $1 and seq > 2',
        values: [tid],
      },
      {
        text: 'update sekisho.audit_seal set seq = seq - 999 where tid = $1 and seq > 1000',
        values: [tid],
      },
      {
        text: `insert into sekisho.audit_seal (tid, seq, id, hash, sealed_at)
          values ($1, 3, $2, decode(repeat('ab', 32), 'hex'), now())`,
        values: [tid, stray],
      },
      { text: 'update sekisho.audit_chain set seq = seq + 1 where tid = $1', values: [tid] },
    );
    const found = kinds(await verifyAll(fixture, tid));
    expect(found).toContainEqual(['inserted', 3, stray]);
    expect(found.filter(([what]) => what === 'changed')).toEqual([]);
  });

  test('B14 ASVS 16.4.2 a chain that was rewritten to its end is told by what was signed', async () => {
    const fixture = opened();
    const { tid, ids } = await sealedTenant(fixture, 4);
    const kept = (await fixture.record.trail.state(tid)).signedToken ?? '';
    await tamper(
      fixture,
      { text: 'delete from sekisho.audit where tid = $1 and id = $2', values: [tid, ids[3]] },
      { text: 'delete from sekisho.audit_seal where tid = $1', values: [tid] },
      { text: 'delete from sekisho.audit_chain where tid = $1', values: [tid] },
      {
        text: 'insert into sekisho.audit_unsealed select tid, id, at from sekisho.audit where tid = $1',
        values: [tid],
      },
    );
    // Sealed anew by a sealer that knows of nothing; the kept checkpoint of the hour still stands there.
    const { sealer } = sealerOf(fixture);
    await sealer.run();
    await sealer.close();
    const report = await verifyAll(fixture, tid);
    expect(kinds(report)).toEqual([['removed', 4, null]]);
    await write(fixture, tid, 1);
    await sealAll(fixture);
    const rewritten = kinds(await verifyAll(fixture, tid)).map(([what, seq]) => [what, seq]);
    expect(rewritten).toContainEqual(['rewritten', 4]);
    // Without any checkpoint of ours in the record, only one that was kept elsewhere tells.
    await tamper(fixture, {
      text: 'delete from sekisho.audit_checkpoint where tid = $1',
      values: [tid],
    });
    expect((await verifyAll(fixture, tid)).wrong).toBe(0);
    const told = kinds(await verifyAll(fixture, tid, [kept])).map(([what, seq]) => [what, seq]);
    expect(told).toContainEqual(['rewritten', 4]);
  });

  test('B14 ASVS 16.4.2 a seal, a checkpoint or the end of the chain that was changed is found', async () => {
    const fixture = opened();
    const hash = `decode(repeat('ab', 32), 'hex')`;
    for (const [text, found] of [
      [`update sekisho.audit_seal set hash = ${hash} where tid = $1 and seq = 2`, 'changed'],
      [`update sekisho.audit_seal set personal = ${hash} where tid = $1 and seq = 2`, 'changed'],
      [`update sekisho.audit_chain set hash = ${hash} where tid = $1`, 'changed'],
      ['update sekisho.audit_chain set seq = seq + 1 where tid = $1', 'removed'],
      ['update sekisho.audit_chain set seq = seq - 1 where tid = $1', 'inserted'],
      [`update sekisho.audit_checkpoint set token = token || 'A' where tid = $1`, 'unsigned'],
      [
        `update sekisho.audit_chain set base_seq = 2, base_hash = ${hash} where tid = $1`,
        'unsigned',
      ],
      // A checkpoint is no leave to remove what it covers.
      [
        'update sekisho.audit_chain set base_seq = seq, base_hash = hash, base_token = signed_token where tid = $1',
        'unsigned',
      ],
    ] as const) {
      const { tid } = await sealedTenant(fixture, 4);
      await tamper(fixture, { text, values: [tid] });
      const report = await verifyAll(fixture, tid);
      expect([text, kinds(report).map(([what]) => what)]).toEqual([
        text,
        expect.arrayContaining([found]),
      ]);
    }
  });

  test('B14 a row that was removed while it waited is named; the others are sealed', async () => {
    const fixture = opened();
    const { tid } = await seedTenant(fixture);
    const [gone] = await write(fixture, tid, 2);
    await tamper(fixture, {
      text: 'delete from sekisho.audit where tid = $1 and id = $2',
      values: [tid, gone?.id],
    });
    await sealAll(fixture);
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 1 });
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['removed', null, gone?.id]]);
  });

  test('B14 a trail that was changed by other means holds up no other tenant', async () => {
    const fixture = opened();
    const [broken, whole] = [await sealedTenant(fixture, 2), await sealedTenant(fixture, 2)];
    // The seal of a third row stands there already.
    await tamper(fixture, {
      text: `insert into sekisho.audit_seal (tid, seq, id, hash, sealed_at)
        values ($1, 3, 'x', decode(repeat('ab', 32), 'hex'), now())`,
      values: [broken.tid],
    });
    await write(fixture, broken.tid, 1);
    await write(fixture, whole.tid, 1);
    const { sealer } = sealerOf(fixture);
    await sealer.now();
    expect(await verifyAll(fixture, whole.tid)).toMatchObject({ rows: 3, wrong: 0 });
    await sealer.close();
    expect(await verifyAll(fixture, broken.tid)).toMatchObject({ unsealed: 1 });
    await tamper(fixture, {
      text: 'delete from sekisho.audit_unsealed where tid = $1',
      values: [broken.tid],
    });
  });

  test('B14 ASVS 16.4.2 no role, and no owner, changes, removes or empties what is in the trail', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 2);
    const tables = ['audit', 'audit_seal', 'audit_checkpoint'];
    for (const role of ['sekisho_tenant', 'sekisho_system', 'none']) {
      const enter = {
        text: "select set_config('role', $1, true), set_config('sekisho.tid', $2, true), set_config('sekisho.audit_verb', $3, true)",
      };
      for (const verb of ['', 'prune', 'erase']) {
        for (const text of tables.flatMap((table) => [
          `update sekisho.${table} set tid = 'x'`,
          `delete from sekisho.${table}`,
          `truncate sekisho.${table}`,
        ])) {
          const tried = fixture.database.transaction([
            { ...enter, values: [role, tid, verb] },
            { text },
          ]);
          const outcome = await tried.then(
            () => 'nothing was there',
            (error: { sqlState?: string }) => error.sqlState,
          );
          // An owner who may not see a row cannot change it either.
          expect([role, verb, text, outcome]).toEqual([
            ...[role, verb, text],
            expect.stringMatching(role === 'none' ? /42501|nothing/ : /42501/),
          ]);
        }
      }
    }
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 2, wrong: 0 });
    // The verbs themselves do nothing for the roles: they leave them behind, which a tenant's statement cannot.
    const pruned = await fixture.record.trail.prune(
      tid,
      { seq: 1, hash: genesisOf(tid) },
      'no token',
      100,
    );
    expect(pruned).toBe(0);
  });

  test('B14 ASVS 16.4.2 nothing is pruned without a token that names this place of this trail', async () => {
    const fixture = opened();
    const { tid } = await sealedTenant(fixture, 3);
    const { trail } = fixture.record;
    const head = (await trail.state(tid)).head;
    if (head === null) throw new Error('it was to be sealed');
    const said = (more: object) => {
      const hash = Buffer.from(head.hash).toString('base64url');
      const payload = { kind: 'pruned', tid, seq: head.seq, hash, ...more };
      return `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.AAAA`;
    };
    for (const token of [
      ...['', 'no token', 'e30.e30.AAAA', 'e30.****.AAAA', 'e30._w.AAAA', 'e30.e.AAAA'],
      ...[{ kind: 'checkpoint' }, { tid: '' }, { seq: head.seq - 1 }, { hash: '' }].map(said),
    ]) {
      await expect(trail.prune(tid, head, token, 100), token).rejects.toThrow();
    }
    expect(await verifyAll(fixture, tid)).toMatchObject({ from: 1, rows: 3, wrong: 0 });
    // Whether a key of ours has signed it, verification alone can tell.
    expect(await trail.prune(tid, head, said({}), 100)).toBe(3);
    expect(kinds(await verifyAll(fixture, tid))).toEqual([['unsigned', 3, null]]);
  });
}
