import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Operated, runCommand, startOperated } from '../support/cli.ts';
import { PASSWORD, type TestTenant } from '../support/engine.ts';
import { openTestRecord, type TestRecord } from '../support/record.ts';
import { tamper } from '../support/trail.ts';

let made: TestRecord;
let at: Operated;
let acme: TestTenant;
let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-audit-'));
  made = await openTestRecord();
  at = await startOperated(undefined, { record: made.record });
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
  });

  test('B14 erase: one user’s addresses go, the chain stays whole', async () => {
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
    expect(after.json.events[0]).toMatchObject({ action: 'audit_erased', detail: done.json });
    const { json } = await at.run('audit', 'verify', '--tenant', 'acme', '--json');
    expect(json.trails[0]).toMatchObject({ slug: 'acme', wrong: 0, erased: done.json.erased });
  });

  test('B14 retention: of all, of one tenant, and back; each stands in the trail', async () => {
    const forever = { audit_days: null, personal_days: null };
    expect((await at.run('audit', 'retention', '--json')).json).toEqual({ ...forever, own: false });
    await at.run('audit', 'retention', '--days', '730', '--personal-days', '90');
    const own = await at.run(
      ...['audit', 'retention', '--tenant', 'acme', '--personal-days', '30', '--json'],
    );
    expect(own.json).toEqual({ audit_days: 730, personal_days: 30, own: true });
    const back = await at.run('audit', 'retention', '--tenant', 'acme', '--inherit');
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
      { kind: 'changed', tid: acme.tenant.tid, id: row.id },
    ]);
    // Of the other trail nothing is wrong.
    expect(await at.run('audit', 'verify', '--operators')).toMatchObject({ code: 0 });
  });
});
