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
import { auditRowBy } from '../author.ts';
import { perform, revoke } from '../revoke.ts';
import { nowMs, type Services } from '../services.ts';
import { floorOfTenant } from '../subjects.ts';
import { ACTOR } from './actor.ts';
import type { OperatorTenants } from './contract.ts';
import { deleteRows } from './delete-rows.ts';
import { operatorIn, tenantNamed } from './names.ts';
import { waiting } from './revoking.ts';

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
    const by = operatorIn(tid);
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
        auditRowBy(services, by, {
          action: 'tenant_created',
          subject: { kind: 'tenant', id: tid },
          detail: { slug },
        }),
        auditRowBy(services, by, {
          action: 'user_created',
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

    async getTenant(input) {
      const tenant = await tenantNamed(services, input.tenant);
      return { tenant, stats: await tenants.stats(tenant.tid, nowMs(services)) };
    },

    async suspendTenant(input) {
      const tenant = await tenantNamed(services, input.tenant);
      const { tid } = tenant;
      const { revocation } = await revoke(services, {
        actor: ACTOR,
        revoke: [floorOfTenant(tid, null)],
        change: { kind: 'tenant_patch', tid, status: 'suspended' },
        ...waiting(input, 'tenant_suspended'),
        audit: [
          auditRowBy(services, operatorIn(tid), {
            action: 'tenant_suspended',
            subject: { kind: 'tenant', id: tid },
            detail: input.reason === null ? {} : { reason: input.reason },
          }),
        ],
      });
      return { tenant: { ...tenant, status: 'suspended' }, revocation };
    },

    async resumeTenant(input) {
      const tenant = await tenantNamed(services, input.tenant);
      const { tid } = tenant;
      await perform(services, {
        actor: ACTOR,
        revoke: [],
        change: { kind: 'tenant_patch', tid, status: 'active' },
        reason: null,
        audit: [
          auditRowBy(services, operatorIn(tid), {
            action: 'tenant_resumed',
            subject: { kind: 'tenant', id: tid },
          }),
        ],
      });
      return { tenant: { ...tenant, status: 'active' } };
    },

    async deleteTenant(input, onProgress) {
      const tenant = await tenantNamed(services, input.tenant);
      const { tid, slug, name, status } = tenant;
      const begun = {
        ...({ action: 'tenant_deletion_begun', actor: OPERATOR } as const),
        subject: { kind: 'tenant', id: tid },
        detail: { slug, name, ...(input.reason === null ? {} : { reason: input.reason }) },
      };
      const { revocation } =
        status === 'deleting'
          ? { revocation: null }
          : await revoke(services, {
              actor: ACTOR,
              revoke: [floorOfTenant(tid, null)],
              change: { kind: 'tenant_delete', tid },
              ...waiting(input, 'tenant_deleted'),
              // In the tenant's trail, and in the operator's own, which nothing can take away.
              audit: [tid, null].map((of) => auditRow(services, { ...begun, tid: of })),
            });
      const rows = await deleteRows(services, tenant, onProgress);
      return { tenant: { ...tenant, status: 'deleting' }, revocation, rows };
    },
  };
}
