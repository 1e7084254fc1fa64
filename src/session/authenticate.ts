import { isSekishoError, SekishoError } from '../errors.ts';
import type { Judgement } from '../revocation/contract.ts';
import type { Freshness } from '../revocation/types.ts';
import { type AccessFacts, assertInTime } from '../token/access-token.ts';
import type { VerifiedCache, VerifiedToken } from '../token/verified-cache.ts';
import type { ActivityMark } from './activity.ts';
import { auditDenied } from './audit.ts';
import type { TokenStatus } from './authentication-contract.ts';
import type { AuthenticateOptions, Authentication, Origin, Session } from './contract.ts';
import type { Services } from './services.ts';

/** ANSWER: how long a request that cannot be judged waits for a heartbeat before it is 503. */
const PROOF_WAIT_MS = 250;

/** What a good signature says, with what a second look at the token needs, so that it makes no object at all. */
export interface Known extends AccessFacts {
  readonly fresh: Session;
  /** Made when it is first needed: an outage must not make every answer a new object. */
  stale: Session | null;
  /** Resolves with `fresh`. */
  readonly answer: Promise<Session>;
  readonly mark: ActivityMark;
}

type Verified = VerifiedToken<Known>;

/** The use case, and what other use cases need to know of a token or a session. */
export interface Authenticator extends Authentication {
  /** A token whose signature is good, whatever became of it. @throws SekishoError `invalid_token` */
  known(token: string): Promise<AccessFacts>;
  /** The facts of a session that `authenticate` returned; null for an object made elsewhere. */
  factsOf(session: Session): AccessFacts | null;
  status(): TokenStatus;
}

export function createAuthenticator(
  services: Services,
  cache: VerifiedCache<Known>,
): Authenticator {
  const { clock, follower, keys, tally, activity, sightings } = services;
  const facts = new WeakMap<Session, AccessFacts>();
  // Plain numbers that are read when somebody asks: to count costs nothing beside what is counted.
  let passed = 0;
  const refused = new Map<string, number>();

  /** Whoever verifies a token comes by here, so every first sight of one on this node is noted. */
  async function verified(token: string, ip: string | null = null): Promise<Verified> {
    const cached = cache.get(token);
    if (cached !== undefined) return cached;
    const known = knownOf(await keys.verify(token));
    const put = cache.put(token, known, follower.wallNowMs());
    // A key that was withdrawn while its token was being verified is good for nothing any more.
    if (put === undefined)
      throw new SekishoError('invalid_token', 'The access token is not valid.');
    sightings.note(known, ip);
    return put;
  }

  function knownOf(one: AccessFacts): Known {
    const fresh = sessionOf(one, 'fresh');
    return {
      ...one,
      fresh,
      stale: null,
      answer: Promise.resolve(fresh),
      mark: activity.mark(one.tid, one.sid),
    };
  }

  function sessionOf(one: AccessFacts, freshness: Freshness): Session {
    const session = Object.freeze({
      tenantId: one.tid,
      userId: one.uid,
      sessionId: one.sid,
      roles: one.roles,
      authTime: one.authTimeSeconds,
      amr: one.amr,
      clientId: one.clientId,
      expiresAt: one.expiresAtSeconds,
      freshness,
    });
    facts.set(session, one);
    return session;
  }

  /** ANSWER, in one synchronous block: lease and view. */
  function judge(one: Verified): Judgement {
    const judgement = follower.judgeNow(one.facts);
    if (judgement.kind === 'pass') one.passedVersion = follower.version;
    return judgement;
  }

  /** The way of nearly every request: seen before, in time, and nothing has changed since it last passed. */
  function answerNow(
    token: string,
    options: AuthenticateOptions | undefined,
  ): Promise<Session> | null {
    if (options?.fresh === true) return null;
    const one = cache.get(token);
    if (one === undefined || one.passedVersion !== follower.version) return null;
    const { facts: known } = one;
    const nowMs = follower.wallNowMs();
    if (nowMs >= known.expiresAtSeconds * 1000 || follower.freshnessNow() !== 'fresh') return null;
    // Whatever is refused is refused by the long way, which says why.
    if (!isRecent(known, options?.maxAuthAgeSeconds, nowMs) || !hasRole(known, options?.roles)) {
      return null;
    }
    activity.note(known.mark, nowMs);
    return known.answer;
  }

  async function answer(one: Verified, options: AuthenticateOptions): Promise<Session> {
    assertInTime(one.facts, follower.wallNowMs());
    let judgement = judge(one);
    if (judgement.kind === 'revoked') throw revoked();
    if (options.fresh === true) {
      // FRESH. Whatever the proof brings, a token that is known to be revoked is 401.
      await follower.proveNow().catch((error: unknown) => {
        if (judge(one).kind === 'revoked') throw revoked();
        throw error;
      });
      judgement = judge(one);
    } else if (judgement.kind === 'unavailable') {
      await follower.awaitProof(PROOF_WAIT_MS);
      judgement = judge(one);
    }
    if (judgement.kind === 'unknown_generation') {
      const proved = options.fresh === true || (await provedWithin(PROOF_WAIT_MS));
      judgement = judge(one);
      // After a newer proof it is not this node that is behind.
      if (judgement.kind === 'unknown_generation' && proved) throw superseded();
    }
    // Nothing is awaited from here on: the last judgement and the answer are one block.
    const nowMs = follower.wallNowMs();
    assertInTime(one.facts, nowMs);
    if (judgement.kind === 'revoked') throw revoked();
    if (judgement.kind === 'superseded') throw superseded();
    if (judgement.kind !== 'pass') throw cannotVouch();
    if (options.fresh === true && judgement.freshness !== 'fresh') throw cannotVouch();
    const { facts: known } = one;
    if (judgement.freshness === 'stale') known.stale ??= sessionOf(known, 'stale');
    const session = judgement.freshness === 'stale' && known.stale ? known.stale : known.fresh;
    if (!isRecent(known, options.maxAuthAgeSeconds, nowMs)) throw tooOld();
    if (!hasRole(known, options.roles)) {
      denied(session, (options.roles ?? []).join(' '), options.origin ?? NO_ORIGIN);
      throw new SekishoError('insufficient_role', 'Your role does not allow this.');
    }
    activity.note(known.mark, nowMs);
    return session;
  }

  function provedWithin(maxMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = clock.after(maxMs, () => resolve(false));
      follower
        .proveNow()
        .then(
          () => resolve(true),
          () => resolve(false),
        )
        .finally(() => timer.cancel());
    });
  }

  function denied(session: Session, needed: string, origin: Origin): void {
    auditDenied(services, session, needed, origin);
  }

  async function authenticateSlowly(token: string, options: AuthenticateOptions): Promise<Session> {
    let tid: string | null = null;
    try {
      const one = await verified(token, options.origin?.ip);
      tid = one.facts.tid;
      const session = await answer(one, options);
      passed += 1;
      return session;
    } catch (error) {
      const code = isSekishoError(error) ? error.code : 'internal';
      refused.set(code, (refused.get(code) ?? 0) + 1);
      if (isSekishoError(error) && error.status === 401) countRefusal(error.code, tid);
      throw error;
    }
  }

  function countRefusal(code: string, tid: string | null): void {
    tally.count({ action: 'authn_token_refused', tid, code });
  }

  return {
    authenticate(token, options) {
      const now = answerNow(token, options);
      if (now === null) return authenticateSlowly(token, options ?? {});
      passed += 1;
      return now;
    },
    async verifySignature(token) {
      try {
        const { freshness: _, ...session } = (await verified(token)).facts.fresh;
        return session;
      } catch (error) {
        if (isSekishoError(error) && error.status === 401) return null;
        throw error;
      }
    },
    countRefusal,
    denied,
    known: async (token) => (await verified(token)).facts,
    factsOf: (session) => facts.get(session) ?? null,
    status: () => ({ ...cache.status(), passed, refused: new Map(refused) }),
  };
}

const NO_ORIGIN: Origin = Object.freeze({ requestId: '', ip: null, userAgent: null });

function isRecent(one: AccessFacts, maxSeconds: number | undefined, nowMs: number): boolean {
  return maxSeconds === undefined || nowMs / 1000 - one.authTimeSeconds <= maxSeconds;
}

/** Any of the roles is enough; none asked for is enough, too. */
function hasRole(one: AccessFacts, roles: readonly string[] | undefined): boolean {
  if (roles === undefined || roles.length === 0) return true;
  for (const role of roles) if (one.roles.includes(role)) return true;
  return false;
}

function tooOld(): SekishoError {
  return new SekishoError(
    'reauthentication_required',
    'This needs a more recent proof of who you are; give your password again.',
  );
}

function revoked(): SekishoError {
  return new SekishoError('session_revoked', 'The session was revoked.');
}

function superseded(): SekishoError {
  return new SekishoError('token_superseded', 'The access token was superseded; refresh it.');
}

/** 503: whether the token still stands cannot be said here and now. */
export function cannotVouch(): SekishoError {
  return new SekishoError('store_unavailable', 'This node cannot vouch for the token now.', {
    retryAfterSeconds: 1,
  });
}
