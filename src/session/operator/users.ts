import type { AuditAction, NewAuditEvent } from '../../audit/types.ts';
import { SekishoError } from '../../errors.ts';
import { assertPassword } from '../../login/password-policy.ts';
import type { Change } from '../../record/contract.ts';
import { ADMIN_ROLE } from '../../tenant/role.ts';
import type { User } from '../../tenant/types.ts';
import { auditRow, OPERATOR } from '../audit.ts';
import { MAX_TRIES } from '../open.ts';
import { isRaced } from '../outcome-error.ts';
import { revoke } from '../revoke.ts';
import type { Services } from '../services.ts';
import { floorOfUser } from '../subjects.ts';
import type { PasswordReset } from '../types.ts';
import { createUserWrites, newReset } from '../user-writes.ts';
import { ACTOR } from './actor.ts';
import type { OperatorUsers, TenantSeen } from './contract.ts';
import { operatorIn, tenantNamed, userNamed } from './names.ts';
import { waiting } from './revoking.ts';

type Revoked = Awaited<ReturnType<typeof revoke>>;

export function createOperatorUsers(services: Services): OperatorUsers {
  const { users } = services.record;
  const writes = createUserWrites(services);

  async function found(named: {
    readonly tenant: string;
    readonly user: string;
  }): Promise<{ readonly tenant: TenantSeen; readonly user: User }> {
    const tenant = await tenantNamed(services, named.tenant);
    return { tenant, user: await userNamed(services, tenant, named.user) };
  }

  function auditOf(action: AuditAction, tid: string, uid: string): readonly NewAuditEvent[] {
    const subject = { kind: 'user', id: uid };
    return [auditRow(services, { tid, action, actor: OPERATOR, subject })];
  }

  /**
   * Active again, and an administrator where asked for. The other roles stay as they are: they are written only over the
   * version from which they were read.
   */
  async function reinstate(tid: string, found: User, makeAdmin: boolean): Promise<Revoked> {
    const { uid } = found;
    let user: User | null = found;
    for (let tries = 1; user !== null; tries += 1) {
      const roles = makeAdmin ? { roles: [...new Set([...user.roles, ADMIN_ROLE])].sort() } : {};
      try {
        return await revoke(services, {
          actor: ACTOR,
          revoke: [floorOfUser(tid, uid, null)],
          change: {
            ...{ kind: 'user_patch', tid, uid, ifVersion: user.version, status: 'active' },
            ...roles,
          },
          reason: 'reset_by_operator',
          audit: auditOf('user_updated', tid, uid),
        });
      } catch (error) {
        if (!isRaced(error) || tries === MAX_TRIES) throw error;
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
    async listUsers({ tenant, page }) {
      return users.list((await tenantNamed(services, tenant)).tid, page);
    },

    getUser: async (input) => (await found(input)).user,

    async createUser({ tenant, ...input }) {
      const { tid } = await tenantNamed(services, tenant);
      return writes.create(operatorIn(tid), input);
    },

    async patchUser({ tenant: slug, user: name, waitMs, reason = null, ...patch }) {
      const { tenant, user } = await found({ tenant: slug, user: name });
      const writing = waiting({ reason, waitMs });
      return writes.patch(operatorIn(tenant.tid), user.uid, patch, writing);
    },

    async deleteUser({ waitMs, reason = null, ...input }) {
      const { tenant, user } = await found(input);
      const writing = waiting({ reason, waitMs });
      return { user, ...(await writes.remove(operatorIn(tenant.tid), user.uid, writing)) };
    },

    async resetUser(input) {
      const { tenant, user } = await found({ tenant: input.tenant, user: input.email });
      const { tid } = tenant;
      const { uid } = user;
      if (input.password !== null) {
        assertPassword(input.password, { tenant: tenant.slug, email: user.email });
      }
      const way = await newWay(tid, uid, input.password);
      // Before anything else: whatever comes of the rest, nobody is active again, or an administrator, by the old password.
      const reset = await revoke(services, {
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
      const reinstates = input.makeAdmin || user.status === 'disabled';
      // Its entry is the later one: whoever has applied it has applied both.
      const { committed, revocation } = reinstates
        ? await reinstate(tid, user, input.makeAdmin)
        : reset;
      const now = committed?.user ?? (await users.get(tid, uid)) ?? user;
      return { user: now, reset: way.reset, revocation };
    },
  };
}
