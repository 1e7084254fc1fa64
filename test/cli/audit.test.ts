import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Log } from '../../src/observe/log.ts';
import type { TrailStore } from '../../src/record/trail-contract.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { type Operated, runCommand, startOperated } from '../support/cli.ts';
import { PASSWORD, SECRET, type TestTenant } from '../support/engine.ts';
import { openTestRecord, type TestRecord } from '../support/record.ts';
import { auditEvent } from '../support/seed.ts';
import { begunAgo, keepingLog, rewriteChain, sealerOf, tamper } from '../support/trail.ts';

let made: TestRecord;
let at: Operated;
let acme: TestTenant;
let directory: string;
/** No sealer gets a row of acme's. */
let isHeld = false;
/** What the server logs. */
let log: Log;
let lines: readonly string[];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-audit-'));
  made = await openTestRecord();
  const { record } = made;
  const take: TrailStore['take'] = (holder, claimMs, limit, unsignedMs, except) => {
    const held = isHeld ? [acme.tenant.tid] : [];
    return record.trail.take(holder, claimMs, limit, unsignedMs, [...except, ...held]);
  };
  ({ log, lines } = keepingLog());
  at = await startOperated(undefined, {
    ...{ record: { ...record, trail: { ...record.trail, take } }, log },
  });
  acme = await at.engine.makeTenant('acme');
  await at.engine.makeUser(acme.caller, 'noor@acme.example');
  await at.engine.login('acme', 'noor@acme.example');
  const wrong = at.engine.login('acme', 'noor@acme.example', { password: `${PASSWORD}x` });
  await expect(wrong).rejects.toThrow();
});
afterAll(async () => {
  await at?.close();
  rmSync(directory, { recursive: true, force: true });
});

const file = (name: string) => join(directory, name);

describe('sekisho audit', () => {
  test('B14 list: newest first, by action, actor and time; of operators without a tenant', async () => {
    const { json } = await at.run('audit', 'list', '--tenant', 'acme', '--json');
    expect(json.events[0].action).toBe('authn_login_fail');
    expect(json.events.at(-1).actor.kind).toBe('operator');
    const failed = await at.run(
      'audit',
      'list',
      '--tenant',
      'acme',
      '--action',
      'authn_login_fail',
    );
    expect(failed.stdout).toMatch(/^AT +ACTION .*\n\S+Z {2}authn_login_fail +failure/);
    expect(failed.stdout).toContain('email=noor@acme.example');
    const late = await at.run('audit', 'list', '--tenant', 'acme', '--from', '2999-01-01');
    expect(late.stdout).toBe('no rows\n');
    expect((await at.run('audit', 'list')).code).toBe(0);
    expect(await at.run('audit', 'list', '--from', 'yesterday')).toMatchObject({ code: 2 });
    expect(await at.run('audit', 'list', '--tenant', 'nowhere')).toMatchObject({ code: 1 });
  });

  test('B14 ASVS 16.4.2 export, checkpoint and verify, here and by the file alone', async () => {
    const kept = await at.run('audit', 'checkpoint', '--json');
    expect(kept.json.checkpoints.map((one: { tenant_id: string }) => one.tenant_id)).toContain(
      acme.tenant.tid,
    );
    writeFileSync(file('kept.json'), kept.stdout);
    const exported = await at.run(
      ...['audit', 'export', '--tenant', 'acme', '--output', file('acme.jsonl'), '--json'],
    );
    expect(exported.json).toMatchObject({ format: 'jsonl', rows: expect.any(Number) });
    expect(statSync(file('acme.jsonl')).mode & 0o777).toBe(0o600);
    const again = await at.run(
      ...['audit', 'export', '--tenant', 'acme', '--output', file('acme.jsonl')],
    );
    expect(again.code).not.toBe(0);
    const csv = await at.run('audit', 'export', '--tenant', 'acme', '--format', 'csv');
    expect(csv.stdout).toMatch(/^id,tenant_id,at,/);
    expect(csv.stdout).toContain('noor@acme.example');

    const whole = await at.run('audit', 'verify', '--checkpoints', file('kept.json'));
    expect(whole).toMatchObject({ code: 0 });
    expect(whole.stdout).toContain('nothing was changed, removed or inserted');
    // As many checkpoints as hundreds of tenants have, through the socket of the running server.
    const { checkpoints } = kept.json;
    const many = Array.from({ length: 600 }, (_, n) => checkpoints[n % checkpoints.length]);
    writeFileSync(file('many.json'), JSON.stringify({ ...kept.json, checkpoints: many }));
    const all = ['audit', 'verify', '--checkpoints', file('many.json'), '--json'];
    expect(await at.run(...all)).toMatchObject({ code: 0, json: { ok: true } });
    const offline = [
      'audit',
      'verify',
      '--file',
      file('acme.jsonl'),
      '--checkpoints',
      file('kept.json'),
    ];
    expect(await runCommand([...offline, '--json'])).toMatchObject({
      code: 0,
      json: { wrong: 0, checkpoints: 1 },
    });
    const text = readFileSync(file('acme.jsonl'), 'utf8');
    writeFileSync(file('acme.jsonl'), text.replace('"authn_login_fail"', '"authn_login_success"'));
    expect(await runCommand(offline)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/changed: .* number \d+, row [\w-]+: its hash does not follow/),
    });
    writeFileSync(file('acme.jsonl'), 'no rows at all');
    expect((await runCommand(offline)).code).toBe(2);
    writeFileSync(file('acme.jsonl'), `${text.split('\n')[0]}\n\n{"id": "x"}\n`);
    expect(await runCommand(offline)).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('line 3 is no row of an exported') },
    });
  });

  test('B14 erase: one user’s addresses go, from what operators alone see, too; the chain stays whole', async () => {
    // Under a tenant that does not exist, which stands in the operators' trail.
    await expect(at.engine.login('acmee', 'noor@acme.example')).rejects.toThrow();
    const before = await at.run('audit', 'list', '--tenant', 'acme', '--json');
    const personal = (json: { events: { ip: string | null; actor: { user_id: string } }[] }) =>
      json.events.filter(({ ip }) => ip !== null).length;
    const erase = ['audit', 'erase', '--tenant', 'acme', '--user', 'noor@acme.example'];
    expect(await at.run(...erase)).toMatchObject({ code: 2, stdout: '' });
    const done = await at.run(...erase, '--yes', '--json');
    expect(done.json.erased).toBeGreaterThanOrEqual(3);
    const after = await at.run('audit', 'list', '--tenant', 'acme', '--json');
    expect(personal(after.json)).toBeLessThan(personal(before.json));
    expect(after.stdout).not.toContain('noor@acme.example');
    const { erased, unsealed, operators } = done.json;
    expect(after.json.events[0]).toMatchObject({
      ...{ action: 'audit_erased', detail: { erased, unsealed } },
    });
    expect(operators).toEqual({ erased: 1, unsealed: 0 });
    expect((await at.run('audit', 'list', '--json')).stdout).not.toContain('noor@acme.example');
    const { json } = await at.run('audit', 'verify', '--tenant', 'acme', '--json');
    expect(json.trails[0]).toMatchObject({ slug: 'acme', wrong: 0, erased: done.json.erased });
  });

  test('B14 erase: what was typed into a login under a tenant that does not exist goes from the operators’ trail', async () => {
    const typed = 'noor@acme.example';
    await expect(at.engine.login('acmee', typed)).rejects.toThrow();
    await expect(at.engine.login('acmee', 'ben@acme.example')).rejects.toThrow();
    const listed = ['audit', 'list', '--action', 'authn_login_fail', '--json'];
    const withIp = (json: { events: { ip: string | null }[] }) =>
      json.events.filter(({ ip }) => ip !== null).length;
    const before = await at.run(...listed);
    expect(before.stdout).toContain(typed);
    // Another one was erased before.
    expect(withIp(before.json)).toBe(2);
    const erase = ['audit', 'erase', '--user', typed];
    expect(await at.run(...erase)).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('the audit trail of the operators?') },
    });
    const done = await at.run(...erase, '--yes', '--json');
    expect(done).toMatchObject({ code: 0, json: { erased: 1, unsealed: 0 } });
    const after = await at.run(...listed);
    expect(after.stdout).not.toContain(typed);
    expect(after.stdout).toContain('ben@acme.example');
    expect(withIp(after.json)).toBe(1);
    // What was done stands there, and does not say the address again.
    const said = await at.run('audit', 'list', '--json');
    expect(said.json.events[0]).toMatchObject({
      ...{ action: 'audit_erased', subject: null, detail: { erased: 1, unsealed: 0 } },
    });
    expect(said.stdout).not.toContain(typed);
    expect(await at.run('audit', 'verify', '--operators')).toMatchObject({ code: 0 });
  });

  test('B14 erase: of whom nothing is found, that is said, and it is no success', async () => {
    const nobody = 'nobody@acme.example';
    for (const [whose, of] of [
      [[], "the operators' audit trail"],
      [['--tenant', 'acme'], 'the audit trail of acme'],
    ] as const) {
      const erase = ['audit', 'erase', ...whose, '--user', nobody, '--yes'];
      expect(await at.run(...erase)).toMatchObject({
        ...{ code: 1, stdout: '' },
        stderr: expect.stringContaining(`Nothing was found of ${nobody} in ${of}.`),
      });
      expect(await at.run(...erase, '--json')).toMatchObject({
        ...{ code: 1, json: { error: { code: 'not_found' } } },
      });
    }
    expect(await at.run('audit', 'erase', '--user', 'no name', '--yes')).toMatchObject({ code: 1 });
    // A user of whom no row holds anything any more is found, and there is nothing to do.
    const again = await at.run(
      ...['audit', 'erase', '--tenant', 'acme', '--user', 'noor@acme.example', '--yes'],
    );
    expect(again).toMatchObject({
      ...{ code: 0, stdout: 'no sealed row held personal data of theirs: nothing was erased\n' },
    });
  });

  test('B14 retention: of all, of one tenant, and back; each stands in the trail', async () => {
    const forever = { audit_days: null, personal_days: null };
    expect((await at.run('audit', 'retention', '--json')).json).toEqual({ ...forever, own: false });
    const set = ['audit', 'retention', '--days', '730', '--personal-days', '90'];
    const asked =
      'Remove from the audit trail of every tenant that has nothing of its own, for good,';
    const which = 'rows after 730 days and personal data after 90 days?';
    expect(await at.run(...set)).toMatchObject({
      ...{ code: 2, stdout: '', stderr: expect.stringContaining(`${asked} ${which} Say so`) },
    });
    expect((await at.run('audit', 'retention', '--json')).json).toEqual({ ...forever, own: false });
    await at.run(...set, '--yes');
    const own = await at.run(
      ...['audit', 'retention', '--tenant', 'acme', '--personal-days', '30', '--yes', '--json'],
    );
    expect(own.json).toEqual({ audit_days: 730, personal_days: 30, own: true });
    const inherit = ['audit', 'retention', '--tenant', 'acme', '--inherit'];
    expect(await at.run(...inherit)).toMatchObject({ code: 2 });
    const back = await at.run(...inherit, '--yes');
    expect(back.stdout).toContain('rows are kept 730 days, personal data in them 90 days');
    await at.run('audit', 'retention', '--days', 'forever', '--personal-days', 'forever');
    expect((await at.run('audit', 'retention', '--json')).json).toMatchObject(forever);
    for (const wrong of [['--days', '0'], ['--days', 'soon'], ['--inherit']]) {
      expect(await at.run('audit', 'retention', ...wrong)).toMatchObject({ code: 2 });
    }
    const { json } = await at.run(
      ...['audit', 'list', '--tenant', 'acme', '--action', 'audit_retention_changed', '--json'],
    );
    expect(json.events).toHaveLength(2);
  });

  test('B14 prune: up to a checkpoint, and only of the past', async () => {
    const prune = ['audit', 'prune', '--tenant', 'acme', '--before'];
    expect(await at.run(...prune, '2020-01-01', '--yes')).toMatchObject({
      code: 0,
      stdout: 'no checkpoint was signed before that time: nothing was removed\n',
    });
    expect(await at.run(...prune, '2999-01-01', '--yes')).toMatchObject({ code: 1 });
    await at.run('audit', 'checkpoint');
    const now = new Date().toISOString();
    const { json } = await at.run(...prune, now, '--yes', '--json');
    expect(json.removed).toBeGreaterThan(3);
    const verified = await at.run('audit', 'verify', '--tenant', 'acme', '--json');
    expect(verified).toMatchObject({ code: 0, json: { ok: true } });
    expect(verified.json.trails[0].from).toBe(json.to + 1);
  });

  test('B14 erase and prune say how many rows they passed over, and that running them again is enough', async () => {
    isHeld = true;
    try {
      await at.engine.makeUser(acme.caller, 'late@acme.example');
      const whose = ['--tenant', 'acme', '--user', acme.admin.email, '--yes'];
      const erased = await at.run('audit', 'erase', ...whose);
      expect(erased.stdout).toContain(
        '\n1 rows that are not sealed yet were passed over: running it again erases these\n',
      );
      const json = await at.run('audit', 'erase', ...whose, '--json');
      expect(json.json).toMatchObject({ erased: 0, unsealed: 1 });
      const before = ['--before', new Date().toISOString(), '--yes'];
      const pruned = await at.run('audit', 'prune', '--tenant', 'acme', ...before, '--json');
      expect(pruned.json.unsealed).toBeGreaterThan(1);
      isHeld = false;
      expect((await at.run('audit', 'erase', ...whose, '--json')).json).toMatchObject({
        ...{ erased: 1, unsealed: 0 },
      });
    } finally {
      isHeld = false;
    }
  });

  test('B14 ASVS 16.4.2 rotate-key: another key signs at once, and says again where trails stand', async () => {
    const rotate = ['audit', 'rotate-key'];
    expect(await at.run(...rotate)).toMatchObject({ code: 2, stdout: '' });
    const done = await at.run(...rotate, '--yes', '--by', 'noor', '--json');
    expect(done).toMatchObject({ code: 0, json: { left: [] } });
    expect(done.json.retired).toHaveLength(1);
    const kept = await at.run('audit', 'checkpoint', '--json');
    const kids = kept.json.checkpoints.map(
      ({ token }: { token: string }) =>
        JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid,
    );
    expect(new Set(kids)).toEqual(new Set([done.json.key]));
    expect((await at.run('audit', 'verify')).code).toBe(0);
    const listed = await at.run('audit', 'list', '--action', 'audit_key_rotated', '--json');
    expect(listed.json.events).toMatchObject([
      { subject: { kind: 'audit_key', id: done.json.key } },
    ]);
    expect(JSON.stringify(listed.json.events)).toContain('noor');
  });

  test('B14 ASVS 16.4.2 accept: a trail whose newest seals were lost is gone on with, when an operator says so', async () => {
    expect(await at.run('audit', 'accept', '--yes')).toMatchObject({ code: 2 });
    const { tid } = (await at.engine.makeTenant('failed-over')).tenant;
    const { sealer } = at.engine.services.trail;
    await sealer.now();
    const before = await made.record.trail.state(tid);
    if (before.head === null) throw new Error('it was to be sealed');
    await made.record.audit.append([auditEvent(tid, 'authn_logout')]);
    await sealer.now();
    // As a failover leaves it: the last row, its seal and what was signed of it never came.
    await tamper(
      made,
      {
        text: 'delete from sekisho.audit a using sekisho.audit_seal s where s.tid = $1 and s.seq > $2 and a.tid = s.tid and a.id = s.id',
        values: [tid, before.head.seq],
      },
      ...['audit_seal', 'audit_checkpoint'].map((table) => ({
        text: `delete from sekisho.${table} where tid = $1 and seq > $2`,
        values: [tid, before.head?.seq],
      })),
      {
        text: 'update sekisho.audit_chain set seq = $2, hash = $3, signed_seq = $2, signed_token = $4 where tid = $1',
        values: [tid, before.head.seq, Buffer.from(before.head.hash), before.signedToken],
      },
    );
    await made.record.audit.append([auditEvent(tid, 'authn_logout')]);
    expect(await sealer.now()).toEqual({ left: [tid] });
    // It is none that gets a checkpoint, either.
    const kept = await at.run('audit', 'checkpoint', '--tenant', 'failed-over', '--json');
    expect(kept).toMatchObject({ code: 1, json: { left: [tid] } });
    const accept = ['audit', 'accept', '--tenant', 'failed-over'];
    expect(await at.run(...accept)).toMatchObject({ code: 2, stdout: '' });
    expect(await at.run(...accept, '--yes', '--by', 'noor', '--json')).toMatchObject({
      ...{ code: 0, json: { tenant_id: tid, sequence: before.head.seq, wrong: 0 } },
    });
    expect(await sealer.now()).toEqual({ left: [] });
    const verified = await at.run('audit', 'verify', '--tenant', 'failed-over', '--json');
    expect(verified).toMatchObject({ code: 0, json: { trails: [{ unsealed: 0, wrong: 0 }] } });
    const accepted = ['--action', 'audit_accepted', '--json'];
    const listed = await at.run('audit', 'list', '--tenant', 'failed-over', ...accepted);
    expect(listed.json.events[0]).toMatchObject({ action: 'audit_accepted' });
    expect(JSON.stringify(listed.json.events[0])).toContain('noor');
  });

  test('B14 ASVS 16.4.2 verify names what was changed, and exits with 1', async () => {
    const [row] = (await at.run('audit', 'list', '--tenant', 'acme', '--json')).json.events;
    await at.run('audit', 'checkpoint');
    await tamper(made, {
      text: "update sekisho.audit set outcome = 'failure' where tid = $1 and id = $2",
      values: [acme.tenant.tid, row.id],
    });
    const found = await at.run('audit', 'verify');
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(
      new RegExp(`changed: tenant acme, number \\d+, row ${row.id}: its hash does not follow`),
    );
    const { code, json } = await at.run('audit', 'verify', '--tenant', 'acme', '--json');
    expect([code, json.ok]).toEqual([1, false]);
    expect(json.trails[0].problems).toMatchObject([
      { kind: 'changed', tenant_id: acme.tenant.tid, id: row.id },
    ]);
    // Of the other trail nothing is wrong.
    expect(await at.run('audit', 'verify', '--operators')).toMatchObject({ code: 0 });
  });

  test('B14 ASVS 16.4.2 verify tells of a trail that was never signed, or is gone, and of kept checkpoints that prove nothing', async () => {
    const other = await at.engine.makeTenant('unsigned');
    const { tid } = other.tenant;
    const kept = (await at.run('audit', 'checkpoint', '--tenant', 'unsigned', '--json')).json;
    const verify = ['audit', 'verify', '--checkpoints', file('own.json')];
    writeFileSync(file('own.json'), JSON.stringify(kept));
    const own = [...verify, '--tenant', 'unsigned'];
    const good = (await at.run(...own, '--json')).json;
    expect(good).toMatchObject({ ok: true, missing: [], problems: [] });
    // In the words of all other commands.
    expect(Object.keys(good.trails[0]).sort()).toEqual([
      ...['checkpoints', 'erased', 'from', 'problems', 'rows', 'signed_to', 'slug'],
      ...['tenant_id', 'to', 'unsealed', 'unverifiable', 'wrong'],
    ]);
    expect(good.trails[0]).toMatchObject({ tenant_id: tid, signed_to: good.trails[0].to });

    await tamper(
      made,
      begunAgo('3 days'),
      { text: 'delete from sekisho.audit_checkpoint where tid = $1', values: [tid] },
      {
        text: 'update sekisho.audit_chain set signed_token = null, signed_seq = 0 where tid = $1',
        values: [tid],
      },
      {
        text: `update sekisho.audit_seal set sealed_at = sealed_at - interval '1 hour' where tid = $1`,
        values: [tid],
      },
    );
    const unsigned = await at.run('audit', 'verify', '--tenant', 'unsigned');
    expect(unsigned.code).toBe(1);
    expect(unsigned.stdout).toMatch(
      /unsigned: tenant unsigned, number 1, row [\w-]+: it was sealed/,
    );
    expect(unsigned.stdout).not.toContain('nothing was changed');
    // Without its chain it is found by its id, too.
    await tamper(made, { text: 'delete from sekisho.audit_chain where tid = $1', values: [tid] });
    const { code, json } = await at.run('audit', 'verify', '--tenant', tid, '--json');
    expect([code, json.ok]).toEqual([1, false]);
    expect(json.trails[0].problems).toContainEqual({
      ...{ kind: 'unchained', tenant_id: tid, sequence: null, id: null },
      detail: expect.stringContaining('is gone'),
    });
    const tables = ['audit', 'audit_seal', 'audit_unsealed'];
    await tamper(
      made,
      ...tables.map((table) => ({
        text: `delete from sekisho.${table} where tid = $1`,
        values: [tid],
      })),
    );
    const bare = await at.run('audit', 'verify', '--tenant', 'unsigned');
    expect(bare.code).toBe(1);
    expect(bare.stdout).toContain('nothing is left of the trail of this tenant');
    await tamper(made, { text: 'delete from sekisho.tenant where tid = $1', values: [tid] });
    const gone = await at.run(...verify);
    expect(gone.code).toBe(1);
    expect(gone.stdout).toContain(`the trail of ${tid} is gone: a kept checkpoint speaks of it`);
    expect((await at.run(...verify, '--json')).json).toMatchObject({ ok: false, missing: [tid] });

    const [one] = kept.checkpoints;
    const forged = { ...one, tenant_id: '', token: `${one.token.slice(0, -4)}AAAA` };
    writeFileSync(file('own.json'), JSON.stringify({ ...kept, checkpoints: [forged] }));
    const told = await at.run(...verify, '--operators');
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(/unsigned: tenant \(operators\), number \d+, row -: a kept/);
    for (const bad of [{}, { ...kept, keys: [{}] }, { ...kept, checkpoints: [{ token: 'x' }] }]) {
      writeFileSync(file('own.json'), JSON.stringify(bad));
      expect(await at.run(...verify)).toMatchObject({ code: 2, stdout: '' });
    }
  });

  test('B14 ASVS 16.4.2 verify --witness: a log that was kept elsewhere tells of a trail that was rewritten and signed anew', async () => {
    const other = await at.engine.makeTenant('witnessed');
    const { tid } = other.tenant;
    await at.engine.makeUser(other.caller, 'noor@witnessed.example');
    await at.run('audit', 'checkpoint');
    const witness = ['--witness', file('server.log')];
    writeFileSync(file('server.log'), `no JSON\n${lines.join('')}{"level":"info"}\n`);
    const verify = ['audit', 'verify', '--tenant', 'witnessed'];
    const whole = await at.run(...verify, ...witness, '--json');
    expect(whole).toMatchObject({ code: 0, json: { ok: true } });
    expect(whole.json.witness).toMatchObject({ contradicted: 0, pruned: 0, problems: [] });
    expect(whole.json.witness.agreeing).toBeGreaterThan(0);
    const signedTo = whole.json.trails[0].signed_to;
    const newest = { tenant_id: tid, slug: 'witnessed', sequence: signedTo, signed_to: signedTo };
    expect(whole.json.witness.newest).toEqual([{ ...newest, behind: false }]);
    // As if the log had been silenced an hour before the newest signature.
    await at.engine.makeUser(other.caller, 'ben@witnessed.example');
    const ago = new Date(Date.now() - 3_600_000).toISOString();
    const old = lines.map((line) => line.replace(/"time":"[^"]+"/, `"time":"${ago}"`));
    await at.run('audit', 'checkpoint');
    writeFileSync(file('old.log'), old.join(''));
    const silenced = await at.run(...verify, '--witness', file('old.log'));
    expect(silenced).toMatchObject({ code: 0 });
    expect(silenced.stdout).toMatch(
      /\nwitnessed: the log tells of it up to number \d+, signed up to \d+\nwarning: it was signed well/,
    );
    // One that tells of other trails is no witness of this one.
    writeFileSync(file('other.log'), old.filter((line) => !line.includes(tid)).join(''));
    expect(await at.run(...verify, '--witness', file('other.log'))).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('tells of other trails only') },
    });
    writeFileSync(file('server.log'), lines.join(''));
    const exported = ['audit', 'export', '--tenant', 'witnessed', '--output'];
    await at.run(...exported, file('witnessed.jsonl'));
    const offline = ['audit', 'verify', '--file', file('witnessed.jsonl'), ...witness];
    expect(await runCommand(offline)).toMatchObject({
      ...{
        code: 0,
        stdout: expect.stringMatching(/places that the log tells of and that agree: [1-9]/),
      },
    });

    // Nothing is left that the node's own sealer could seal meanwhile.
    await at.run('audit', 'checkpoint');
    await rewriteChain(made, tid, {
      text: `delete from sekisho.audit where tid = $1 and action = 'user_created'`,
      values: [tid],
    });
    // A process that knows nothing of it signs, and nothing in the record tells.
    const { sealer } = sealerOf(made, { ring: createKeyRing(SECRET) });
    await sealer.now();
    await sealer.close();
    expect(await at.run(...verify)).toMatchObject({ code: 0 });
    const told = await at.run(...verify, ...witness);
    expect(told.code).toBe(1);
    expect(told.stdout).toMatch(
      /the log tells of \d+ places: \d+ agree, 0 were pruned since, \d+ are/,
    );
    expect(told.stdout).toMatch(
      /(rewritten|removed): tenant witnessed, number \d+, row -: the log/,
    );
    writeFileSync(file('server.log'), '{"level":"info","msg":"request"}\n');
    expect(await at.run(...verify, ...witness)).toMatchObject({ code: 2 });
    expect(await at.run(...verify, '--witness', file('nowhere.log'))).toMatchObject({ code: 2 });
  });
});
