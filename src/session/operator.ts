import type { AuditAction, NewAuditEvent } from '../audit/types.ts';
import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import { assertPassword } from '../login/password-policy.ts';
import type { Change } from '../record/contract.ts';
import { normaliseEmail, parseEmail } from '../tenant/email.ts';
import { parseName } from '../tenant/name.ts';
import { DEFAULT_POLICY } from '../tenant/policy.ts';
import { ADMIN_ROLE } from '../tenant/role.ts';
import { parseSlug } from '../tenant/slug.ts';
import type { Tenant, User } from '../tenant/types.ts';
import { newReset } from './admin-users.ts';
import { auditRow, OPERATOR } from './audit.ts';
import type { Operator, PasswordReset } from './contract.ts';
import { memberStates } from './nodes.ts';
import { MAX_TRIES } from './open.ts';
import { perform, revoke } from './revoke.ts';
import type { Services } from './services.ts';
import { floorOfAll, floorOfUser } from './subjects.ts';

const ACTOR = Object.freeze({ kind: 'operator', name: 'operator' } as const);

interface NewTenant {
  readonly slug: string;
  readonly name: string | null;
  readonly adminEmail: string;
  readonly adminPassword: string;
}

/** What the operator at the machine does, across tenants. */
export function createOperator(services: Services): Operator {
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

  async function subject(slug: string, address: string): Promise<{ tenant: Tenant; user: User }> {
    const tenant = await tenants.bySlug(slug);
    if (tenant === null) throw new SekishoError('not_found', `There is no tenant ${slug}.`);
    const email = normaliseEmail(address);
    const user = email === null ? null : await users.byEmail(tenant.tid, email);
    if (user === null) {
      throw new SekishoError('not_found', `There is no user with this address in ${slug}.`);
    }
    return { tenant, user };
  }

  function auditOf(action: AuditAction, tid: string, uid: string): readonly NewAuditEvent[] {
    const subject = { kind: 'user', id: uid };
    return [auditRow(services, { tid, action, actor: OPERATOR, subject })];
  }

  /**
   * Active again, and an administrator where asked for. The other roles stay as they are: they are written only over the
   * version from which they were read.
   */
  async function reinstate(tid: string, found: User, makeAdmin: boolean): Promise<void> {
    const { uid } = found;
    let user: User | null = found;
    for (let tries = 1; user !== null; tries += 1) {
      const roles = makeAdmin ? { roles: [...new Set([...user.roles, ADMIN_ROLE])].sort() } : {};
      try {
        await perform(services, {
          actor: ACTOR,
          revoke: [floorOfUser(tid, uid, null)],
          change: {
            ...{ kind: 'user_patch', tid, uid, ifVersion: user.version, status: 'active' },
            ...roles,
          },
          reason: 'reset_by_operator',
          audit: auditOf('user_updated', tid, uid),
        });
        return;
      } catch (error) {
        const raced = error instanceof SekishoError && error.code === 'precondition_failed';
        if (!raced || tries === MAX_TRIES) throw error;
      }
      user = await users.get(tid, uid);
    }
    throw new SekishoError('not_found', 'The user has just been deleted.');
  }

  /** A password that was given, or a one-time link. */
  async function newWay(
    tid: string,
    uid: string,
    password: string | null,
  ): Promise<{ readonly change: Change; readonly reset: PasswordReset | null }> {
    if (password === null) {
      const { stored, reset } = newReset(services, tid);
      return { change: { kind: 'password_reset', tid, uid, reset: stored }, reset };
    }
    const passwordHash = await services.passwords.hash(password);
    const change = { kind: 'password_set', tid, uid, passwordHash, regenerate: null } as const;
    return { change, reset: null };
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

    async resetUser(input) {
      const { tenant, user } = await subject(input.tenant, input.email);
      const { tid } = tenant;
      const { uid } = user;
      if (input.password !== null) {
        assertPassword(input.password, { tenant: tenant.slug, email: user.email });
      }
      const way = await newWay(tid, uid, input.password);
      if (input.makeAdmin || user.status === 'disabled') {
        await reinstate(tid, user, input.makeAdmin);
      }
      const { committed, revocation } = await revoke(services, {
        actor: ACTOR,
        revoke: [floorOfUser(tid, uid, null)],
        change: way.change,
        reason: 'reset_by_operator',
        audit: auditOf(
          way.reset === null ? 'authn_password_change' : 'authn_password_reset_requested',
          tid,
          uid,
        ),
      });
      const now = committed?.user ?? (await users.get(tid, uid)) ?? user;
      return { user: now, reset: way.reset, revocation };
    },

    async declareRestored() {
      const { revocation } = await revoke(services, {
        actor: ACTOR,
        revoke: [floorOfAll()],
        change: null,
        reason: 'restored',
        audit: [auditRow(services, { tid: null, action: 'record_restored', actor: OPERATOR })],
        restored: newId(),
      });
      return revocation;
    },

    members: () => memberStates(services),
  };
}
