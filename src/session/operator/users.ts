import type { AuditAction, NewAuditEvent } from '../../audit/types.ts';
import { SekishoError } from '../../errors.ts';
import { assertPassword } from '../../login/password-policy.ts';
import type { Change } from '../../record/contract.ts';
import { normaliseEmail } from '../../tenant/email.ts';
import { ADMIN_ROLE } from '../../tenant/role.ts';
import type { Tenant, User } from '../../tenant/types.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { MAX_TRIES } from '../open.ts';
import { perform, revoke } from '../revoke.ts';
import type { Services } from '../services.ts';
import { floorOfUser } from '../subjects.ts';
import type { PasswordReset } from '../types.ts';
import { newReset } from '../user-writes.ts';
import { ACTOR } from './actor.ts';
import type { OperatorUsers } from './contract.ts';

export function createOperatorUsers(services: Services): OperatorUsers {
  const { tenants, users } = services.record;

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
  };
}
