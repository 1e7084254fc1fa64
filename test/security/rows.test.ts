import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import type { Database } from '../../src/record/database.ts';
import { ORIGIN, startTestEngine, type TestEngine, type TestTenant } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';
import { request } from '../support/requests.ts';
import { auditEvent } from '../support/seed.ts';

let engine: TestEngine;
let database: Database;
let acme: TestTenant;
let bravo: TestTenant;

beforeAll(async () => {
  const opened = await openTestRecord();
  database = opened.database;
  engine = await startTestEngine({ record: opened.record });
  acme = await engine.makeTenant('acme');
  bravo = await engine.makeTenant('bravo');
  for (const { caller } of [acme, bravo]) {
    const { tenantId: tid } = caller.session;
    const pair = await engine.open(
      tid === acme.tenant.tid ? 'acme' : 'bravo',
      caller.session.userId,
    );
    await engine.engine.logins.refresh(pair.refreshToken, ORIGIN);
    await engine.engine.administration.resetPassword(
      caller,
      (await engine.makeUser(caller, 'reset@all.example')).uid,
    );
    await engine.engine.administration.revokeAll(caller, {
      ...{ reason: null, waitMs: 0, includeSelf: false },
      idempotency: { key: 'k', bodyHash: new Uint8Array(32) },
    });
    const { ticket } = await engine.engine.sockets.issueTicket(caller);
    await engine.engine.sockets.redeemTicket(ticket);
    await engine.setPolicy(caller, { max_sessions_per_user: 9, access_ttl: 60 });
    const bucket = {
      kind: 'account',
      key: 'a@b',
      attempts: 1,
      windowMs: 1e6,
      maxWaitMs: 1e6,
    } as const;
    await engine.record.attempts.reserve(tid, [bucket], newId(), Date.now());
    const secret = { hash: new Uint8Array(32), endsAtMs: null };
    const change = { kind: 'client_create', tid, cid: newId(), name: 'c', secret } as const;
    await engine.record.log.commit([request({ change, nowMs: Date.now() })]);
    const retention = { auditDays: 700, personalDays: 70 };
    await engine.engine.operator.setAuditRetention({ tenant: tid, retention });
  }
  // Sealed and signed; and then a row that is not, and stays so.
  await engine.services.trail.sealer.now();
  await engine.services.trail.sealer.close();
  for (const { session } of [acme.caller, bravo.caller]) {
    await engine.record.audit.append([auditEvent(session.tenantId, 'authn_logout')]);
  }
});
afterAll(() => engine.close());

const PROTECTED = `select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'sekisho' and c.relkind in ('r', 'p')
   and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tid' and not a.attisdropped)
 order by 1`;

async function tablesOfTenants(): Promise<readonly string[]> {
  const rows = await database.query<{ name: string }>({ text: PROTECTED });
  return rows.map(({ name }) => name);
}

/** What may do more than whoever calls it: tells which server it is, and removes what the trail's own guard keeps. */
const AS_OWNER = ['erase_audit', 'note_old_audit', 'prune_sealed', 'server_identity'];

const AS = "select set_config('role', $1, true), set_config('sekisho.tid', $2, true)";

describe('ASVS 8.4.1: rows of a tenant', () => {
  test('B1 ASVS 8.4.1 every table that names a tenant has its rows secured, by force', async () => {
    const rows = await database.query<{ name: string; enabled: boolean; forced: boolean }>({
      text: PROTECTED,
    });
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) expect(row).toEqual({ name: row.name, enabled: true, forced: true });
  });

  test('B1 ASVS 8.4.1 no role of ours passes row security or logs in; functions that run as their owner are few, and nobody else’s', async () => {
    const roles = await database.query({
      text: `select rolname, rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname like 'sekisho%' order by 1`,
    });
    const none = { rolsuper: false, rolbypassrls: false, rolcanlogin: false };
    expect(roles).toEqual([
      { rolname: 'sekisho_system', ...none },
      { rolname: 'sekisho_tenant', ...none },
    ]);
    const definers = await database.query<{ name: string }>({
      text: `select p.proname as name, p.proconfig as settings,
                    has_function_privilege('sekisho_tenant', p.oid, 'execute') as tenants
               from pg_proc p join pg_namespace n on n.oid = p.pronamespace
              where n.nspname = 'sekisho' and p.prosecdef order by 1`,
    });
    const whole = { settings: [expect.stringMatching(/^search_path=pg_catalog/)] };
    expect(definers).toEqual(
      AS_OWNER.map((name) => ({ name, ...whole, tenants: name === 'server_identity' })),
    );
  });

  test('B1 ASVS 8.4.1 by hand, under the role of a tenant: its own rows, and none without a tenant', async () => {
    for (const table of await tablesOfTenants()) {
      const text = `select distinct tid from sekisho.${table}`;
      const seen = async (tid: string) => {
        const as = { text: AS, values: ['sekisho_tenant', tid] };
        const rows = (await database.transaction([as, { text }]))[1] ?? [];
        return rows.map((row) => (row as { tid: string }).tid);
      };
      const system = { text: AS, values: ['sekisho_system', ''] };
      const all = (await database.transaction([system, { text }]))[1] ?? [];
      const shared = table === 'floor' || table === 'reissue' ? ['*'] : [];
      expect([table, all.length >= 2], 'the seed reaches every table').toEqual([table, true]);
      expect([table, (await seen(acme.tenant.tid)).filter((tid) => !shared.includes(tid))]).toEqual(
        [table, [acme.tenant.tid]],
      );
      expect([table, (await seen('')).filter((tid) => !shared.includes(tid))]).toEqual([table, []]);
    }
  });

  test('B1 ASVS 8.4.1 by hand, under the role of a tenant: nothing of another one changes', async () => {
    for (const table of await tablesOfTenants()) {
      for (const text of [
        `update sekisho.${table} set tid = tid where tid = $1`,
        `delete from sekisho.${table} where tid = $1`,
        `insert into sekisho.${table} select * from sekisho.${table} where tid = $1`,
        `update sekisho.${table} set tid = $1`,
      ]) {
        const count = async () => {
          const system = { text: AS, values: ['sekisho_system', ''] };
          const of = { text: `select count(*)::int as n from sekisho.${table} where tid = $1` };
          const found = await database.transaction([system, { ...of, values: [bravo.tenant.tid] }]);
          const [row] = found[1] ?? [];
          return (row as { n: number } | undefined)?.n;
        };
        const before = await count();
        const as = { text: AS, values: ['sekisho_tenant', acme.tenant.tid] };
        // Refused for want of a grant or by a policy, or nothing was found: all the same to the other tenant.
        await database
          .transaction([as, { text, values: [bravo.tenant.tid] }])
          .catch(() => undefined);
        expect([text, await count()]).toEqual([text, before]);
      }
    }
  });

  test('B1 ASVS 8.4.1 role and tenant of a call end with it: the connection keeps neither', async () => {
    const text =
      "select current_user = session_user as own, current_setting('sekisho.tid', true) as tid";
    for (const verb of [
      () => engine.record.users.list(acme.tenant.tid, { limit: 1, cursor: null }),
      () => engine.record.sessions.loginFacts('acme', 'a@b', Date.now()),
      () => engine.record.log.list(acme.tenant.tid, { limit: 1, cursor: null }),
      () => engine.record.members.list(),
      () =>
        engine.engine.administration.revokeAll(acme.caller, {
          ...{ reason: null, waitMs: 0, includeSelf: false, idempotency: null },
        }),
    ]) {
      await verb();
      const [row] = await database.query<{ own: boolean; tid: string | null }>({ text });
      expect([row?.own, row?.tid ?? '']).toEqual([true, '']);
    }
  });
});
