import type { AuditAction } from '../audit/types.ts';
import { newId } from '../id.ts';
import { assertPassword } from '../login/password-policy.ts';
import type { Subject } from '../revocation/types.ts';
import { parseEmail } from '../tenant/email.ts';
import { parseName } from '../tenant/name.ts';
import { MEMBER_ROLE, parseRoles } from '../tenant/role.ts';
import type { User } from '../tenant/types.ts';
import { hashResetToken, makeResetToken, RESET_TOKEN_SECONDS } from '../token/reset-token.ts';
import type { NewUser, UserPatch } from './administration-contract.ts';
import { type Author, auditRowBy } from './author.ts';
import { noSuch } from './no-such.ts';
import { publish } from './publish.ts';
import { perform, revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { floorOfUser, reissueOfUser } from './subjects.ts';
import type { PasswordReset, Revocation } from './types.ts';

/** What may accompany a write that revokes. */
interface Writing {
  /** `If-Match`; null or absent: whatever it is now. */
  readonly ifVersion?: number | null;
  /** BARRIER; absent: the usual time. */
  readonly waitMs?: number;
  /** For people, where it ends sessions: why. Null or absent: what was done is all that is said. */
  readonly reason?: string | null;
}

/** Changes of users, whoever makes them. */
export interface UserWrites {
  create(
    author: Author,
    input: NewUser,
  ): Promise<{ readonly user: User; readonly reset: PasswordReset | null }>;
  patch(
    author: Author,
    uid: string,
    patch: UserPatch,
    writing?: Writing,
  ): Promise<{ readonly user: User; readonly revocation: Revocation | null }>;
  remove(
    author: Author,
    uid: string,
    writing?: Writing,
  ): Promise<{ readonly revocation: Revocation }>;
  /** The old password is dead, every session ends; the link sets a new one. */
  resetPassword(
    author: Author,
    uid: string,
  ): Promise<{ readonly reset: PasswordReset; readonly revocation: Revocation }>;
}

export function createUserWrites(services: Services): UserWrites {
  const { users, tenants } = services.record;

  async function hashNew(tid: string, email: string, password: string): Promise<string> {
    const tenant = await tenants.byId(tid);
    assertPassword(password, { email, ...(tenant === null ? {} : { tenant: tenant.slug }) });
    return services.passwords.hash(password);
  }

  return {
    async create(author, input) {
      const { tid, actor } = author;
      const email = parseEmail(input.email);
      const name = parseName(input.name ?? '');
      const roles = parseRoles(input.roles ?? [MEMBER_ROLE]);
      const passwordHash =
        input.password === null ? null : await hashNew(tid, email, input.password);
      const reset = input.password === null ? newReset(services, tid) : null;
      const uid = newId();
      const { committed } = await perform(services, {
        actor,
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
          auditRowBy(services, author, {
            action: 'user_created',
            subject: { kind: 'user', id: uid },
            detail: { roles: roles.join(' ') },
          }),
        ],
      });
      const user = committed?.user ?? (await users.get(tid, uid));
      if (user === null) throw noSuch('user');
      publish(services, 'user.created', tid, { tid, uid });
      return { user, reset: reset?.reset ?? null };
    },

    async patch(author, uid, patch, { ifVersion = null, waitMs, reason = null } = {}) {
      const { tid, actor } = author;
      const change = {
        ...(patch.name === undefined ? {} : { name: parseName(patch.name) }),
        ...(patch.roles === undefined ? {} : { roles: parseRoles(patch.roles) }),
        ...(patch.status === undefined ? {} : { status: patch.status }),
      };
      const { committed, revocation } = await perform(services, {
        actor,
        revoke: revokedBy(change, tid, uid),
        change: { kind: 'user_patch', tid, uid, ifVersion, ...change },
        reason: reason ?? reasonOf(change),
        audit: actionsOf(change).map((action) =>
          auditRowBy(services, author, {
            action,
            subject: { kind: 'user', id: uid },
            detail: {
              ...(action === 'user_roles_changed' && { roles: change.roles?.join(' ') ?? '' }),
              ...(reason !== null && { reason }),
            },
          }),
        ),
        ...(waitMs === undefined ? {} : { waitMs }),
      });
      const user = committed?.user ?? (await users.get(tid, uid));
      if (user === null) throw noSuch('user');
      publish(services, 'user.changed', tid, { tid, uid });
      return { user, revocation };
    },

    async remove(author, uid, { ifVersion = null, waitMs, reason = null } = {}) {
      const { tid, actor } = author;
      const { revocation } = await revoke(services, {
        actor,
        revoke: [floorOfUser(tid, uid, null)],
        change: { kind: 'user_delete', tid, uid, ifVersion },
        reason: reason ?? 'user_deleted',
        audit: [
          auditRowBy(services, author, {
            action: 'user_deleted',
            subject: { kind: 'user', id: uid },
            detail: reason === null ? {} : { reason },
          }),
        ],
        ...(waitMs === undefined ? {} : { waitMs }),
      });
      publish(services, 'user.deleted', tid, { tid, uid });
      return { revocation };
    },

    async resetPassword(author, uid) {
      const { tid, actor } = author;
      const { stored, reset } = newReset(services, tid);
      const { revocation } = await revoke(services, {
        actor,
        revoke: [floorOfUser(tid, uid, null)],
        change: { kind: 'password_reset', tid, uid, reset: stored },
        reason: 'password_reset_requested',
        audit: [
          auditRowBy(services, author, {
            action: 'authn_password_reset_requested',
            subject: { kind: 'user', id: uid },
          }),
        ],
      });
      publish(services, 'user.changed', tid, { tid, uid });
      return { reset, revocation };
    },
  };
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
