import { SekishoError } from '../../errors.ts';
import { newId } from '../../id.ts';
import { assertPassword } from '../../login/password-policy.ts';
import { parseEmail } from '../../tenant/email.ts';
import { parseName } from '../../tenant/name.ts';
import { DEFAULT_POLICY } from '../../tenant/policy.ts';
import { ADMIN_ROLE } from '../../tenant/role.ts';
import { parseSlug } from '../../tenant/slug.ts';
import type { Tenant, User } from '../../tenant/types.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { perform } from '../revoke.ts';
import type { Services } from '../services.ts';
import { ACTOR } from './actor.ts';
import type { OperatorTenants } from './contract.ts';

interface NewTenant {
  readonly slug: string;
  readonly name: string | null;
  readonly adminEmail: string;
  readonly adminPassword: string;
}

export function createOperatorTenants(services: Services): OperatorTenants {
  const { tenants, users } = services.record;

  async function makeTenant(
    input: NewTenant,
    onlyFirst: boolean,
  ): Promise<{ readonly tenant: Tenant; readonly admin: User }> {
    const slug = parseSlug(input.slug);
    const name = parseName(input.name ?? slug);
    const email = parseEmail(input.adminEmail, '/admin_email');
    assertPassword(input.adminPassword, { tenant: slug, email }, '/admin_password');
    const passwordHash = await services.passwords.hash(input.adminPassword);
    const tid = newId();
    const uid = newId();
    const { committed } = await perform(services, {
      actor: ACTOR,
      revoke: [],
      change: {
        kind: 'tenant_create',
        tid,
        slug,
        name,
        policy: DEFAULT_POLICY,
        admin: { uid, email, name: '', passwordHash },
        onlyFirst,
      },
      reason: null,
      audit: [
        auditRow(services, {
          tid,
          action: 'tenant_created',
          actor: OPERATOR,
          subject: { kind: 'tenant', id: tid },
          detail: { slug },
        }),
        auditRow(services, {
          tid,
          action: 'user_created',
          actor: OPERATOR,
          subject: { kind: 'user', id: uid },
          detail: { roles: ADMIN_ROLE },
        }),
      ],
    });
    const admin = committed?.user ?? (await users.get(tid, uid));
    if (admin === null) {
      throw new SekishoError('internal', 'A new tenant came back without its administrator.');
    }
    return { tenant: { tid, slug, name }, admin };
  }

  return {
    createTenant: (input) => makeTenant(input, false),

    async bootstrap(input) {
      // A look first, so that a start costs no password hash; the record decides, under its lock.
      const [first] = await tenants.list({ limit: 1, cursor: null });
      if (first !== undefined) return null;
      try {
        return await makeTenant({ ...input, name: null }, true);
      } catch (error) {
        if (error instanceof SekishoError && error.code === 'conflict') return null;
        throw error;
      }
    },

    listTenants: (page) => tenants.list(page),
  };
}
