import { sql } from 'kysely';
import type { LoginLimit } from '../tenant/types.ts';
import { call } from './call.ts';
import type { TenantStats, TenantStore } from './contract.ts';
import type { Database } from './database.ts';
import { asSystem, asTenant, behind, build, judgedSessions } from './reads.ts';
import { tenantOf } from './rows.ts';
import { storableJson } from './text.ts';

const DAY_MS = 86_400_000;
const COLUMNS = ['t.tid', 't.slug', 't.name', 't.status', 't.created_at'] as const;

/** Tenants in the record. Those that look across tenants are for logins (a slug) and for operators. */
export function createTenantStore(database: Database): TenantStore {
  const tenants = () => build.selectFrom('tenant as t').select(COLUMNS);
  return {
    async bySlug(slug) {
      const [row] = await asSystem(database, tenants().where('t.slug', '=', slug));
      return row === undefined ? null : tenantOf(row);
    },

    async byId(tid) {
      const [row] = await asTenant(database, tid, tenants().where('t.tid', '=', tid));
      return row === undefined ? null : tenantOf(row);
    },

    async list(page) {
      const query = tenants()
        .where(behind(page.cursor, 't.created_at', 't.tid'))
        .orderBy('t.created_at', 'desc')
        .orderBy('t.tid', 'desc')
        .limit(page.limit);
      return (await asSystem(database, query)).map(tenantOf);
    },

    async policy(tid, nowMs) {
      const now = new Date(nowMs);
      const query = build
        .selectFrom('tenant as t')
        .select([
          ...(['t.policy', 't.override_policy', 't.override_until'] as const),
          sql<number>`sekisho.policy_version_at(t, ${now})`.as('version'),
          sql<LoginLimit>`sekisho.policy_at(t, ${now}) -> 'login_limit'`.as('loginLimit'),
        ])
        .where('t.tid', '=', tid);
      const [row] = await asTenant(database, tid, query);
      if (row === undefined) return null;
      const { policy, override_policy, override_until, version, loginLimit } = row;
      if (override_policy === null || override_until === null || override_until <= now) {
        return { policy, version, override: null, loginLimit };
      }
      const override = { untilMs: override_until.getTime(), after: policy };
      return { policy: override_policy, version, override, loginLimit };
    },

    async stats(tid, nowMs) {
      const since = new Date(nowMs - DAY_MS);
      const users = build.selectFrom('tenant_user as u').where('u.tid', '=', tid);
      const events = build
        .selectFrom('audit as a')
        .where('a.tid', '=', tid)
        .where('a.at', '>', since);
      const query = build.selectNoFrom([
        users.select((e) => e.fn.countAll<number>().as('n')).as('users'),
        users
          .where('u.status', '=', 'active')
          .select((e) => e.fn.countAll<number>().as('n'))
          .as('activeUsers'),
        judgedSessions(nowMs)
          .where('j.tid', '=', tid)
          .where('j.state', '=', 'active')
          .select((e) => e.fn.countAll<number>().as('n'))
          .as('activeSessions'),
        events
          .where('a.action', '=', 'authn_login_success')
          .select((e) => e.fn.countAll<number>().as('n'))
          .as('logins24h'),
        events
          .where('a.action', '=', 'authn_login_fail')
          .select((e) => e.fn.countAll<number>().as('n'))
          .as('failedLogins24h'),
        build
          .selectFrom('revocation as r')
          .where('r.tid', '=', tid)
          .where('r.committed_at', '>', since)
          .where('r.scope', '<>', 'reissue')
          .select((e) => e.fn.countAll<number>().as('n'))
          .as('revocations24h'),
      ]);
      const [row] = await asTenant(database, tid, query);
      return row as TenantStats;
    },

    countRows: async (tid, most) =>
      await call<number | null>(database, 'count_tenant_rows', [tid, most]),

    deleteRows: async (tid, batch, audit) =>
      await call<Awaited<ReturnType<TenantStore['deleteRows']>>>(database, 'delete_tenant_rows', [
        tid,
        batch,
        storableJson(audit),
      ]),
  };
}
