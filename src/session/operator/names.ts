import { SekishoError } from '../../errors.ts';
import { isId } from '../../id.ts';
import { normaliseEmail } from '../../tenant/email.ts';
import { isSlug } from '../../tenant/slug.ts';
import type { User } from '../../tenant/types.ts';
import { OPERATOR } from '../audit.ts';
import type { Author } from '../author.ts';
import type { Services } from '../services.ts';
import { ACTOR } from './actor.ts';
import type { TenantSeen } from './contract.ts';

/** A tenant by its slug, or by its id. @throws SekishoError `not_found` */
export async function tenantNamed(services: Services, name: string): Promise<TenantSeen> {
  const { tenants } = services.record;
  const found =
    (isSlug(name) ? await tenants.bySlug(name) : null) ??
    (isId(name) ? await tenants.byId(name) : null);
  if (found === null) throw new SekishoError('not_found', `There is no tenant ${shown(name)}.`);
  return found;
}

/** A user by e-mail address, or by id. @throws SekishoError `not_found` */
export async function userNamed(
  services: Services,
  tenant: TenantSeen,
  name: string,
): Promise<User> {
  const { users } = services.record;
  const email = normaliseEmail(name);
  const found =
    (email === null ? null : await users.byEmail(tenant.tid, email)) ??
    (isId(name) ? await users.get(tenant.tid, name) : null);
  if (found === null) {
    throw new SekishoError('not_found', `There is no user ${shown(name)} in ${tenant.slug}.`);
  }
  return found;
}

/** The operator, acting in a tenant. */
export function operatorIn(tid: string): Author {
  return { tid, actor: ACTOR, audited: OPERATOR, origin: null };
}

/** What was typed, short enough for a line and without anything that moves a cursor. */
export function shown(name: string): string {
  return name.slice(0, 100).replaceAll(/\p{C}/gu, '?');
}
