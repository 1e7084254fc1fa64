import { SekishoError } from '../errors.ts';
import type { LoginFacts, Regenerate } from '../record/contract.ts';
import { DEFAULT_POLICY } from '../tenant/policy.ts';
import { issueSlots, makeRefreshToken } from '../token/refresh-token.ts';
import { reserveAttempt } from './attempts.ts';
import { auditRowOf } from './audit.ts';
import type { Caller, TokenPair } from './contract.ts';
import { mintPair } from './mint.ts';
import { MAX_TRIES, overtaken } from './open.ts';
import type { Committed } from './revoke.ts';
import { nowMs, type Services } from './services.ts';

/** What re-authentication and a password change have in common: the password again, then a new chain. */

export type OwnFacts = LoginFacts & {
  readonly tenant: NonNullable<LoginFacts['tenant']>;
  readonly user: NonNullable<LoginFacts['user']>;
  readonly policy: NonNullable<LoginFacts['policy']>;
};

/**
 * Checks the caller's own password. Wrong tries are limited in a bucket of the session, so that whoever holds a stolen
 * access token can neither guess on nor lock the owner's account.
 *
 * @throws SekishoError `invalid_credentials`, `too_many_attempts`, `session_revoked`, 503.
 */
export async function checkOwnPassword(
  services: Services,
  caller: Caller,
  password: string,
): Promise<OwnFacts> {
  const { tenantId: tid, userId: uid, sessionId: sid } = caller.session;
  const facts = await ownFacts(services, tid, uid);
  const reserved = await reserveAttempt(
    services,
    facts.policy?.login_limit ?? DEFAULT_POLICY.login_limit,
    { tid, email: facts.user.email, deviceId: `session:${sid}`, ip: caller.origin.ip },
  );
  if (reserved.kind === 'limited') throw reserved.error;
  let right: boolean;
  try {
    right =
      facts.passwordHash === null
        ? await services.passwords.verifyAgainstNothing(password)
        : await services.passwords.verify(facts.passwordHash, password);
  } catch (error) {
    await reserved.reservation.withdraw();
    throw error;
  }
  if (!right) {
    await services.record.audit.append([
      auditRowOf(services, caller, {
        action: 'authn_login_fail',
        outcome: 'failure',
        detail: { again: true },
      }),
    ]);
    throw new SekishoError('invalid_credentials', 'The password is wrong.');
  }
  await reserved.reservation.succeeded();
  return facts;
}

/** The caller's own user, tenant and policy with the head, read in one statement (EPOCH). */
export async function ownFacts(services: Services, tid: string, uid: string): Promise<OwnFacts> {
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const facts = await services.record.sessions.subjectFacts(tid, uid, nowMs(services));
    if (!facts.identityAgrees) {
      await services.follower.identityChanged(facts.head);
      continue;
    }
    const { tenant, user, policy } = facts;
    if (tenant?.status !== 'active' || user?.status !== 'active' || policy === null) {
      throw new SekishoError('session_revoked', 'The session was revoked.');
    }
    return { ...facts, tenant, user, policy };
  }
  throw overtaken();
}

/** A new refresh chain for the caller's session, and the first token of it (ASVS 7.2.4). */
export function regeneration(
  services: Services,
  caller: Caller,
  atMs: number,
): { readonly token: string; readonly regenerate: Regenerate } {
  const { tenantId: tid, sessionId: sid } = caller.session;
  const token = makeRefreshToken(tid, sid);
  return {
    token,
    regenerate: {
      sid,
      refresh: issueSlots(services.ring, token),
      authTimeMs: atMs,
      amr: ['pwd'],
      seenRot: services.sightings.newest(tid, sid),
    },
  };
}

/**
 * MINT after a write that regenerated the session: roles and `token_epoch` are read again, by one statement that is later
 * than the entry which superseded the older tokens.
 */
export async function mintRegenerated(
  services: Services,
  caller: Caller,
  committed: Committed | null,
  refreshToken: string,
): Promise<TokenPair> {
  const { tenantId: tid, sessionId: sid } = caller.session;
  const stampedAtMs = nowMs(services);
  // A commit whose answer was lost comes back without the row (UNKNOWN OUTCOME).
  const session = committed?.session ?? (await services.record.sessions.get(tid, sid, stampedAtMs));
  if (session?.state !== 'active') {
    throw new SekishoError('session_expired', 'The session has ended; log in again.');
  }
  const { user, policy, head } = await ownFacts(services, tid, session.uid);
  const facts = { session, user, policy, head };
  return mintPair(services, tid, facts, stampedAtMs, refreshToken);
}
