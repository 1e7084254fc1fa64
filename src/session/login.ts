import type { AuditAction } from '../audit/types.ts';
import { SekishoError } from '../errors.ts';
import { needsRehash } from '../login/password.ts';
import type { LoginFacts } from '../record/contract.ts';
import { normaliseEmail } from '../tenant/email.ts';
import { tightened } from '../tenant/login-limit.ts';
import { DEFAULT_POLICY } from '../tenant/policy.ts';
import { isSlug } from '../tenant/slug.ts';
import { makeDeviceToken, readDeviceToken } from '../token/device-token.ts';
import { type Reservation, reserveAttempt } from './attempts.ts';
import { ANONYMOUS, auditRow, userActor } from './audit.ts';
import type { LoginInput, LoginResult, Origin } from './contract.ts';
import {
  limitReached,
  MAX_TRIES,
  type Opening,
  openSession,
  overtaken,
  suspended,
} from './open.ts';
import { publish } from './publish.ts';
import { nowMs, type Services } from './services.ts';

/** One thing for unknown, wrong and disabled (ASVS 6.3.8). */
function invalidCredentials(): SekishoError {
  return new SekishoError('invalid_credentials', 'The e-mail address or the password is wrong.');
}

type Credible = Opening['facts'];

const CAP_REFUSED = 'excess_sessions_exceeded';

/**
 * Login by password: limits first, then the password, then the session.
 *
 * @throws SekishoError `invalid_credentials`, `too_many_attempts`, `session_limit_reached`, `tenant_suspended`, 503.
 */
export async function login(
  services: Services,
  input: LoginInput,
  origin: Origin,
): Promise<LoginResult> {
  // What is no address at all is nobody's: it takes the same way and the same time as one that nobody has.
  const email = normaliseEmail(input.email) ?? '';
  let facts = await readFacts(services, input.tenant, email);
  const tid = facts.tenant?.tid ?? null;
  const deviceId =
    tid === null || input.deviceToken === null
      ? null
      : readDeviceToken(services.ring, { tid, email }, input.deviceToken, nowMs(services));
  // A tenant that does not exist is limited like one that does.
  const limit = facts.policy?.login_limit ?? tightened(DEFAULT_POLICY.login_limit, facts.limits);
  const reserved = await reserveAttempt(services, limit, { tid, email, deviceId, ip: origin.ip });
  if (reserved.kind === 'limited') {
    limited(
      services,
      { tid, email, uid: facts.user?.uid ?? null, bucket: reserved.bucket },
      origin,
    );
    throw reserved.error;
  }
  const { reservation } = reserved;
  try {
    let credible = await verify(services, facts, input.password);
    for (let tries = 1; credible !== null; tries += 1) {
      if (credible.tenant.status !== 'active') {
        // Whoever has no right password learns nothing of the tenant.
        await refused(services, credible, reservation, { action: 'authn_login_fail', origin });
        throw suspended({
          tenantId: credible.tenant.tid,
          userId: credible.user.uid,
          sessionId: null,
        });
      }
      const { device, endSession } = input;
      const opening = { facts: credible, amr: ['pwd'], device, origin, endSession };
      const opened = await openSession(services, opening);
      if (opened.kind === 'session_limit_reached') {
        await refused(services, credible, reservation, { action: CAP_REFUSED, origin });
        throw limitReached(opened, credible);
      }
      if (opened.kind === 'opened') {
        await reservation.succeeded();
        rehashLater(services, credible, input.password);
        const account = { tid: credible.tenant.tid, email };
        const now = nowMs(services);
        const deviceToken = makeDeviceToken(services.ring, account, now, deviceId ?? undefined);
        return { ...opened.pair, deviceToken, revocation: opened.revocation };
      }
      if (tries === MAX_TRIES) {
        await reservation.withdraw();
        throw overtaken();
      }
      // EPOCH: whatever overtook it wins. The facts are read again; a password that was changed is checked again.
      facts = await readFacts(services, input.tenant, email);
      credible =
        facts.passwordHash === credible.passwordHash
          ? credibleOf(facts)
          : await verify(services, facts, input.password);
    }
  } catch (error) {
    // An outage is no failed attempt either.
    if (!(error instanceof SekishoError) || error.status >= 500 || error.status === 429) {
      await reservation.withdraw();
    }
    throw error;
  }
  await failed(services, facts, email, origin);
  throw invalidCredentials();
}

/** EPOCH, and GENERATION when the server turns out to be another one. */
async function readFacts(services: Services, slug: string, email: string): Promise<LoginFacts> {
  const known = isSlug(slug) ? slug : '';
  for (let tries = 1; ; tries += 1) {
    const facts = await services.record.sessions.loginFacts(known, email, nowMs(services));
    if (facts.identityAgrees) return facts;
    if (tries === MAX_TRIES) throw overtaken();
    await services.follower.identityChanged(facts.head);
  }
}

/** The facts, if somebody may log in by them at all, or might but for their tenant. */
function credibleOf(facts: LoginFacts): Credible | null {
  const { tenant, user } = facts;
  if (tenant === null || user?.status !== 'active') return null;
  return { ...facts, tenant, user };
}

/** Every answer costs one argon2id, whoever is asked for (ASVS 6.3.8). */
async function verify(
  services: Services,
  facts: LoginFacts,
  password: string,
): Promise<Credible | null> {
  const { passwords } = services;
  const right =
    facts.passwordHash === null
      ? await passwords.verifyAgainstNothing(password)
      : await passwords.verify(facts.passwordHash, password);
  return right ? credibleOf(facts) : null;
}

async function failed(
  services: Services,
  facts: LoginFacts,
  email: string,
  origin: Origin,
): Promise<void> {
  const tid = facts.tenant?.tid ?? null;
  const uid = facts.user?.uid ?? null;
  // Written for tenants and users that do not exist too, so that it takes the same time.
  await services.record.audit.append([
    auditRow(services, {
      tid,
      action: 'authn_login_fail',
      outcome: 'failure',
      actor: uid === null ? ANONYMOUS : userActor(uid, null),
      origin,
      detail: { email },
    }),
  ]);
  publish(services, 'login.failed', tid, { tid, uid, email }, { ip: origin.ip });
}

/** The password was right, and yet the login is refused: that is no failed attempt. */
async function refused(
  services: Services,
  facts: Credible,
  reservation: Reservation,
  { action, origin }: { readonly action: AuditAction; readonly origin: Origin },
): Promise<void> {
  await reservation.withdraw();
  const { tid, status } = facts.tenant;
  await services.record.audit.append([
    auditRow(services, {
      ...{ tid, action, outcome: 'failure', origin },
      actor: userActor(facts.user.uid, null),
      detail: status === 'active' ? {} : { tenant: status },
    }),
  ]);
}

function limited(
  services: Services,
  who: { tid: string | null; email: string; uid: string | null; bucket: string },
  origin: Origin,
): void {
  const { tid, email, uid, bucket } = who;
  services.tally.count(
    {
      action: 'authn_login_fail_max',
      tid,
      code: bucket,
      key: bucket === 'address' ? (origin.ip ?? '') : email,
    },
    () => {
      publish(services, 'login.limited', tid, { tid, uid, email }, { bucket, ip: origin.ip });
      return auditRow(services, {
        tid,
        action: 'authn_login_fail_max',
        outcome: 'failure',
        actor: uid === null ? ANONYMOUS : userActor(uid, null),
        origin,
        detail: { email, bucket },
      });
    },
  );
}

/** A hash of an older cost is made anew while its password is at hand; the login does not wait for it. */
function rehashLater(services: Services, facts: Credible, password: string): void {
  const { passwordHash, tenant, user } = facts;
  if (passwordHash === null || !needsRehash(passwordHash)) return;
  services.passwords
    .hash(password)
    .then((hash) => services.record.users.rehash(tenant.tid, user.uid, passwordHash, hash))
    .catch((error: unknown) =>
      services.log.warn(
        { err: error, tenant_id: tenant.tid, user_id: user.uid },
        'a password hash was not renewed',
      ),
    );
}
