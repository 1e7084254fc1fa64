import type { AuditAction } from '../audit/types.ts';
import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import { assertPassword } from '../login/password-policy.ts';
import type { Subject } from '../revocation/types.ts';
import { parseEmail } from '../tenant/email.ts';
import { parseName } from '../tenant/name.ts';
import { MEMBER_ROLE, parseRoles } from '../tenant/role.ts';
import { hashResetToken, makeResetToken, RESET_TOKEN_SECONDS } from '../token/reset-token.ts';
import { adminActor } from './administrator.ts';
import { auditRowOf } from './audit.ts';
import type { Administration, PasswordReset } from './contract.ts';
import { publish } from './publish.ts';
import { perform, revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { floorOfUser, reissueOfUser } from './subjects.ts';

type UserPatch = Parameters<Administration['patchUser']>[2];

type Users = Pick<
  Administration,
  'listUsers' | 'getUser' | 'createUser' | 'patchUser' | 'deleteUser' | 'resetPassword'
>;

/** Users of the administrator's own tenant. */
export function createUserAdministration(services: Services): Users {
  const { users, tenants } = services.record;

  function noSuchUser(): SekishoError {
    return new SekishoError('not_found', 'There is no such user.');
  }

  return {
    listUsers: (caller, page) => users.list(caller.session.tenantId, page),

    async getUser(caller, uid) {
      const user = await users.get(caller.session.tenantId, uid);
      if (user === null) throw noSuchUser();
      return user;
    },

    async createUser(caller, input) {
      const tid = caller.session.tenantId;
      const email = parseEmail(input.email);
      const name = parseName(input.name ?? '');
      const roles = parseRoles(input.roles ?? [MEMBER_ROLE]);
      const passwordHash =
        input.password === null ? null : await hashNew(tid, email, input.password);
      const reset = input.password === null ? newReset(services, tid) : null;
      const uid = newId();
      const { committed } = await perform(services, {
        actor: adminActor(caller),
        revoke: [],
        change: {
          kind: 'user_create',
          tid,
          uid,
          email,
          name,
          roles,
          externalId: null,
          passwordHash,
          reset: reset?.stored ?? null,
        },
        reason: null,
        audit: [
          auditRowOf(services, caller, {
            action: 'user_created',
            subject: { kind: 'user', id: uid },
            detail: { roles: roles.join(' ') },
          }),
        ],
      });
      const user = committed?.user ?? (await users.get(tid, uid));
      if (user === null) throw noSuchUser();
      publish(services, 'user.created', tid, { tid, uid });
      return { user, reset: reset?.reset ?? null };
    },

    async patchUser(caller, uid, patch, ifVersion) {
      const tid = caller.session.tenantId;
      const change = {
        ...(patch.name === undefined ? {} : { name: parseName(patch.name) }),
        ...(patch.roles === undefined ? {} : { roles: parseRoles(patch.roles) }),
        ...(patch.status === undefined ? {} : { status: patch.status }),
      };
      const { committed, revocation } = await perform(services, {
        actor: adminActor(caller),
        revoke: revokedBy(change, tid, uid),
        change: { kind: 'user_patch', tid, uid, ifVersion, ...change },
        reason: reasonOf(change),
        audit: actionsOf(change).map((action) =>
          auditRowOf(services, caller, {
            action,
            subject: { kind: 'user', id: uid },
            detail: action === 'user_roles_changed' ? { roles: change.roles?.join(' ') ?? '' } : {},
          }),
        ),
      });
      const user = committed?.user ?? (await users.get(tid, uid));
      if (user === null) throw noSuchUser();
      publish(services, 'user.changed', tid, { tid, uid });
      return { user, revocation };
    },

    async deleteUser(caller, uid, ifVersion) {
      const tid = caller.session.tenantId;
      const { revocation } = await revoke(services, {
        actor: adminActor(caller),
        revoke: [floorOfUser(tid, uid, null)],
        change: { kind: 'user_delete', tid, uid, ifVersion },
        reason: 'user_deleted',
        audit: [
          auditRowOf(services, caller, {
            action: 'user_deleted',
            subject: { kind: 'user', id: uid },
          }),
        ],
      });
      publish(services, 'user.deleted', tid, { tid, uid });
      return { revocation };
    },

    async resetPassword(caller, uid) {
      const tid = caller.session.tenantId;
      const { stored, reset } = newReset(services, tid);
      const { revocation } = await revoke(services, {
        actor: adminActor(caller),
        revoke: [floorOfUser(tid, uid, null)],
        change: { kind: 'password_reset', tid, uid, reset: stored },
        reason: 'password_reset_requested',
        audit: [
          auditRowOf(services, caller, {
            action: 'authn_password_reset_requested',
            subject: { kind: 'user', id: uid },
          }),
        ],
      });
      publish(services, 'user.changed', tid, { tid, uid });
      return { reset, revocation };
    },
  };

  async function hashNew(tid: string, email: string, password: string) {
    const tenant = await tenants.byId(tid);
    assertPassword(password, { email, ...(tenant === null ? {} : { tenant: tenant.slug }) });
    return services.passwords.hash(password);
  }
}

/** A one-time link, and what the record keeps of it. */
export function newReset(
  services: Services,
  tid: string,
): {
  readonly stored: { tokenHash: Uint8Array; expiresAtMs: number };
  readonly reset: PasswordReset;
} {
  const token = makeResetToken(tid);
  const expiresAtMs = nowMs(services) + RESET_TOKEN_SECONDS * 1000;
  return {
    stored: { tokenHash: hashResetToken(token), expiresAtMs },
    reset: { token, expiresAtMs },
  };
}

/**
 * What a change revokes goes by what it sets, never by what was read before: somebody else's change may come between.
 * Disabling ends all sessions (ASVS 7.4.2); roles apply at once without logging out (ASVS 8.3.2).
 */
function revokedBy(patch: UserPatch, tid: string, uid: string): readonly Subject[] {
  if (patch.status === 'disabled') return [floorOfUser(tid, uid, null)];
  return patch.roles === undefined ? [] : [reissueOfUser(tid, uid)];
}

function reasonOf(patch: UserPatch): string | null {
  if (patch.status === 'disabled') return 'user_disabled';
  return patch.roles === undefined ? null : 'roles_changed';
}

function actionsOf(patch: UserPatch): readonly AuditAction[] {
  const actions: AuditAction[] = [];
  if (patch.name !== undefined) actions.push('user_updated');
  if (patch.roles !== undefined) actions.push('user_roles_changed');
  if (patch.status !== undefined) {
    actions.push(patch.status === 'disabled' ? 'user_disabled' : 'user_enabled');
  }
  return actions;
}
