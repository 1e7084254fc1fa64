import { type ErrorDetails, SekishoError } from '../errors.ts';
import type { RotateOutcome } from '../record/contract.ts';
import { candidates, follow, hashRefreshToken, parseRefreshToken } from '../token/refresh-token.ts';
import { auditRow } from './audit.ts';
import type { Origin, TokenPair } from './contract.ts';
import { mintPair } from './mint.ts';
import { MAX_TRIES, overtaken } from './open.ts';
import { publish } from './publish.ts';
import { nowMs, type Services } from './services.ts';
import { endStolen } from './stolen.ts';

/**
 * Refresh: one statement of the record judges, rotates and returns what to mint from (docs/refresh.md, ASVS 10.4.5). A used
 * token that comes back after its window is a stolen one and ends the session, unless its answer was lost.
 *
 * @throws SekishoError `invalid_refresh_token`, `token_superseded`, `session_revoked`, `session_expired`,
 *   `too_many_attempts`, 503.
 */
export async function refresh(
  services: Services,
  refreshToken: string,
  origin: Origin,
): Promise<TokenPair> {
  const { record, follower, clock, ring, tally, sightings } = services;
  const parsed = parseRefreshToken(refreshToken);
  if (parsed === null) {
    tally.count({ action: 'authn_token_refused', tid: null, code: 'invalid_refresh_token' });
    throw unknown();
  }
  const { tid, sid } = parsed;
  /** Whoever holds a secret of the session, whatever became of it. */
  const proven = (uid: string): ErrorDetails => ({
    proven: { tenantId: tid, userId: uid, sessionId: sid },
  });
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const sentAtMs = clock.monotonicMs();
    const stampedAtMs = nowMs(services);
    const outcome = await record.sessions.rotate(tid, {
      sid,
      presentedHash: hashRefreshToken(refreshToken),
      candidates: candidates(ring, refreshToken),
      seenRot: sightings.newest(tid, sid),
      nowMs: stampedAtMs,
      audit: auditRow(services, {
        tid,
        action: 'authn_token_refreshed',
        // Whose session it is, the record knows; the row names the session.
        actor: { kind: 'user', uid: null, sid },
        subject: { kind: 'session', id: sid },
        origin,
      }),
    });
    switch (outcome.kind) {
      case 'rotated':
      case 'replayed':
      case 'answer_lost': {
        const live = follow(ring, refreshToken, outcome.keyIds);
        if (live === null) throw keyMissing();
        const pair = await mintPair(services, tid, outcome.mint, stampedAtMs, live);
        if (outcome.kind !== 'replayed') {
          const detail = outcome.kind === 'answer_lost' ? { answer_lost: true } : {};
          publish(services, 'session.refreshed', tid, { tid, uid: pair.user.uid, sid }, detail);
        }
        if (isLate(outcome, clock.monotonicMs() - sentAtMs)) throw late();
        return pair;
      }
      case 'limited':
        tally.count({ action: 'authn_token_refused', tid, code: 'too_many_attempts' });
        throw limited(outcome, proven(outcome.uid));
      case 'superseded': {
        const error = superseded(outcome.withinWindow, proven(outcome.uid));
        tally.count({ action: 'authn_token_refused', tid, code: error.code });
        throw error;
      }
      case 'reused':
        await endStolen(services, { tid, uid: outcome.uid, sid }, origin, 'refresh_token');
        throw new SekishoError('session_revoked', 'The session was revoked.', proven(outcome.uid));
      case 'revoked':
        tally.count({ action: 'authn_token_refused', tid, code: 'session_revoked' });
        throw new SekishoError(
          'session_revoked',
          'The session was revoked; log in again.',
          proven(outcome.uid),
        );
      case 'expired':
        tally.count({ action: 'authn_token_refused', tid, code: 'session_expired' });
        // Once, however often the dead token comes.
        if (outcome.first) {
          const subject = { tid, uid: outcome.uid, sid };
          publish(services, 'session.expired', tid, subject, { why: outcome.why });
        }
        throw new SekishoError(
          'session_expired',
          'The session has ended; log in again.',
          proven(outcome.uid),
        );
      case 'unknown':
        tally.count({ action: 'authn_token_refused', tid: null, code: 'invalid_refresh_token' });
        throw unknown();
      case 'key_missing':
        services.log.error(
          {
            ...{ request_id: origin.requestId, tenant_id: tid, session_id: sid },
            key_id: outcome.keyId,
          },
          'SEKISHO_SECRET lacks the key of a refresh token',
        );
        throw keyMissing();
      case 'identity_changed':
        await follower.identityChanged(outcome.head);
    }
  }
  throw overtaken();
}

/** Whether the client's repeat may have got another answer by now: then this one must not be seen any more. */
function isLate(
  { deliverWithinMs }: Extract<RotateOutcome, { readonly deliverWithinMs: number }>,
  tookMs: number,
): boolean {
  return tookMs >= deliverWithinMs;
}

function late(): SekishoError {
  return new SekishoError('store_unavailable', 'The answer came too late to be given; try again.', {
    retryAfterSeconds: 1,
  });
}

/** A client that refreshes in a loop (A7). It waits, and is not logged out. */
function limited(
  limit: Extract<RotateOutcome, { readonly kind: 'limited' }>,
  details: ErrorDetails,
): SekishoError {
  const seconds = Math.max(1, Math.ceil(limit.retryAfterMs / 1000));
  return new SekishoError('too_many_attempts', 'This session refreshes too often; wait.', {
    ...details,
    retryAfterSeconds: seconds,
    rateLimit: {
      policy: 'refresh',
      limit: limit.attempts,
      windowSeconds: limit.windowMs / 1000,
      remaining: 0,
      resetSeconds: seconds,
    },
  });
}

/** Within the window another request of the same device may have the new token already: nothing is taken from it. */
function superseded(withinWindow: boolean, details: ErrorDetails): SekishoError {
  return withinWindow
    ? new SekishoError(
        'token_superseded',
        'The refresh token was replaced when the password was given again; use the new one.',
        details,
      )
    : unknown(details);
}

function unknown(details: ErrorDetails = {}): SekishoError {
  return new SekishoError('invalid_refresh_token', 'The refresh token is not valid.', details);
}

function keyMissing(): SekishoError {
  return new SekishoError('store_unavailable', 'This node lacks a key of the refresh token.', {
    retryAfterSeconds: 1,
  });
}
