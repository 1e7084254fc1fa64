import { SekishoError } from '../errors.ts';
import { isId, newId } from '../id.ts';
import { parseEmail } from '../tenant/email.ts';
import { parseName } from '../tenant/name.ts';
import { MEMBER_ROLE, parseRoles } from '../tenant/role.ts';
import { isSlug } from '../tenant/slug.ts';
import type { Tenant, User } from '../tenant/types.ts';
import { auditRow, SYSTEM } from './audit.ts';
import type { CreateSessionInput, Origin, Revocation, TokenPair } from './contract.ts';
import { noSuch } from './no-such.ts';
import { limitReached, MAX_TRIES, openSession, overtaken, suspended } from './open.ts';
import { ownFacts } from './own-password.ts';
import { publish } from './publish.ts';
import { perform } from './revoke.ts';
import type { Services } from './services.ts';
import { reissueOfUser } from './subjects.ts';

type ExternalUser = Extract<CreateSessionInput['user'], { externalId: string }>;

/** RFC 8176 names are short; an access token carries them. */
const AMR_PATTERN = /^[\w.:-]{1,64}$/;
const MAX_AMR = 16;
const MAX_EXTERNAL_ID_LENGTH = 200;

/**
 * A session for a product that logs people in itself. The product is trusted: no limits, no password; policy and device
 * cap hold.
 *
 * @throws SekishoError `not_found` (tenant, user), `validation_failed`, `email_taken`, `session_limit_reached`,
 *   `tenant_suspended`, 503.
 */
export async function createSession(
  services: Services,
  input: CreateSessionInput,
  origin: Origin,
): Promise<TokenPair & { readonly revocation: Revocation | null }> {
  const amr = parseAmr(input.amr);
  const tenant = await tenantOf(services, input.tenant);
  const uid =
    'uid' in input.user
      ? input.user.uid
      : (await bringUpToDate(services, tenant, input.user, origin)).uid;
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const facts = await credibleFacts(services, tenant, uid);
    const opened = await openSession(services, {
      facts,
      amr,
      device: input.device ?? null,
      origin,
      endSession: input.endSession,
    });
    if (opened.kind === 'opened') return { ...opened.pair, revocation: opened.revocation };
    if (opened.kind === 'session_limit_reached') throw limitReached(opened, facts);
  }
  throw overtaken();
}

async function credibleFacts(services: Services, tenant: Tenant, uid: string) {
  try {
    return await ownFacts(services, tenant.tid, uid);
  } catch (error) {
    // Said to a program that is trusted, so it is told apart from a session that was revoked.
    if (error instanceof SekishoError && error.code === 'session_revoked') throw noSuchUser();
    throw error;
  }
}

async function tenantOf(services: Services, name: string): Promise<Tenant> {
  const { tenants } = services.record;
  const found =
    (isSlug(name) ? await tenants.bySlug(name) : null) ??
    (isId(name) ? await tenants.byId(name) : null);
  if (found === null) throw noSuch('tenant');
  if (found.status !== 'active') throw suspended();
  return found;
}

/** The user of that external id: made on first sight, else brought up to date where something differs. */
async function bringUpToDate(
  services: Services,
  tenant: Tenant,
  wanted: ExternalUser,
  origin: Origin,
): Promise<User> {
  const { tid } = tenant;
  const externalId = parseExternalId(wanted.externalId);
  const email = parseEmail(wanted.email, '/user/email');
  const name = wanted.name === undefined ? undefined : parseName(wanted.name, '/user/name');
  const roles = wanted.roles === undefined ? undefined : parseRoles(wanted.roles, '/user/roles');
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const user = await services.record.users.byExternalId(tid, externalId);
    if (user === null) {
      const made = await create(
        services,
        tid,
        { externalId, email, name: name ?? '', roles },
        origin,
      );
      if (made !== null) return made;
      // Another login of the same person has just made it.
      continue;
    }
    const rolesDiffer = roles !== undefined && roles.join(' ') !== [...user.roles].sort().join(' ');
    const nameDiffers = name !== undefined && name !== user.name;
    if (!rolesDiffer && !nameDiffers && email === user.email) return user;
    const { committed } = await perform(services, {
      actor: { kind: 'operator', name: 'application' },
      revoke: rolesDiffer ? [reissueOfUser(tid, user.uid)] : [],
      change: {
        kind: 'user_patch',
        tid,
        uid: user.uid,
        ifVersion: null,
        ...(email === user.email ? {} : { email }),
        ...(nameDiffers ? { name } : {}),
        ...(rolesDiffer ? { roles } : {}),
      },
      reason: rolesDiffer ? 'roles_changed' : null,
      audit: [
        auditRow(services, {
          tid,
          action: rolesDiffer ? 'user_roles_changed' : 'user_updated',
          actor: SYSTEM,
          subject: { kind: 'user', id: user.uid },
          origin,
          detail: { by: 'application' },
        }),
      ],
    });
    publish(services, 'user.changed', tid, { tid, uid: user.uid });
    return committed?.user ?? user;
  }
  throw overtaken();
}

async function create(
  services: Services,
  tid: string,
  wanted: {
    readonly externalId: string;
    readonly email: string;
    readonly name: string;
    readonly roles: readonly string[] | undefined;
  },
  origin: Origin,
): Promise<User | null> {
  const uid = newId();
  try {
    const { committed } = await perform(services, {
      actor: { kind: 'operator', name: 'application' },
      revoke: [],
      change: {
        kind: 'user_create',
        tid,
        uid,
        email: wanted.email,
        name: wanted.name,
        roles: wanted.roles ?? [MEMBER_ROLE],
        externalId: wanted.externalId,
        passwordHash: null,
        reset: null,
      },
      reason: null,
      audit: [
        auditRow(services, {
          tid,
          action: 'user_created',
          actor: SYSTEM,
          subject: { kind: 'user', id: uid },
          origin,
          detail: { by: 'application' },
        }),
      ],
    });
    publish(services, 'user.created', tid, { tid, uid });
    return committed?.user ?? null;
  } catch (error) {
    if (!(error instanceof SekishoError) || error.status !== 409) throw error;
    // The same person's other login may have been first; the address is only taken if that is not so.
    const { users } = services.record;
    if ((await users.byExternalId(tid, wanted.externalId)) === null) throw error;
    return null;
  }
}

function parseAmr(amr: readonly string[]): readonly string[] {
  if (amr.length === 0 || amr.length > MAX_AMR || amr.some((one) => !AMR_PATTERN.test(one))) {
    const detail = `must be 1 to ${MAX_AMR} names of authentication methods (RFC 8176)`;
    throw new SekishoError('validation_failed', `The amr ${detail}.`, {
      errors: [{ pointer: '/amr', detail }],
    });
  }
  return [...new Set(amr)];
}

function parseExternalId(value: string): string {
  if (value.length === 0 || value.length > MAX_EXTERNAL_ID_LENGTH || /\p{Cc}/u.test(value)) {
    const detail = `must be 1 to ${MAX_EXTERNAL_ID_LENGTH} characters, none of them a control character`;
    throw new SekishoError('validation_failed', `The external id ${detail}.`, {
      errors: [{ pointer: '/user/external_id', detail }],
    });
  }
  return value;
}

function noSuchUser(): SekishoError {
  return new SekishoError('not_found', 'There is no such user, or it is disabled.');
}
