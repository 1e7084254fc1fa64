import type { TenantSeen } from '../session/operator/contract.ts';
import type { SessionSeen } from '../session/operator/sessions-contract.ts';
import type { User } from '../tenant/types.ts';
import { isoOf, table, timeOf } from './output.ts';

/** Objects of the operator's verbs, for people; for programs they are those of the HTTP contract. */

export function tenantJson(tenant: TenantSeen): object {
  return {
    id: tenant.tid,
    slug: tenant.slug,
    name: tenant.name,
    status: tenant.status,
    created_at: isoOf(tenant.createdAtMs),
  };
}

export function tenantTable(tenants: readonly TenantSeen[]): readonly string[] {
  return table(
    ['SLUG', 'STATUS', 'CREATED', 'NAME'],
    tenants.map((one) => [one.slug, one.status, timeOf(one.createdAtMs), one.name]),
    'no tenants',
  );
}

export function userTable(users: readonly User[]): readonly string[] {
  return table(
    ['E-MAIL', 'STATUS', 'ROLES', 'LAST LOGIN', 'ID'],
    users.map((one) => [
      one.email,
      one.status,
      one.roles.join(','),
      timeOf(one.lastLoginAtMs),
      one.uid,
    ]),
    'no users',
  );
}

export function sessionTable(sessions: readonly SessionSeen[]): readonly string[] {
  return table(
    ['ID', 'STATE', 'USER', 'DEVICE', 'ADDRESS', 'LAST SEEN', 'ENDS'],
    sessions.map((one) => [
      one.sid,
      one.state,
      one.email ?? one.uid,
      one.deviceName ?? '-',
      one.ip ?? '-',
      timeOf(one.lastSeenAtMs),
      timeOf(one.expiresAtMs),
    ]),
    'no sessions',
  );
}
