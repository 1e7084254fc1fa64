import { SekishoError } from '../errors.ts';
import { candidates, follow, hashRefreshToken, parseRefreshToken } from '../token/refresh-token.ts';
import { auditRow, SYSTEM, userActor } from './audit.ts';
import type { Origin, TokenPair } from './contract.ts';
import { mintPair } from './mint.ts';
import { MAX_TRIES, overtaken } from './open.ts';
import { publish } from './publish.ts';
import { revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { endOfSession } from './subjects.ts';

/**
 * Refresh: one statement of the record judges, rotates and returns what to mint from (architecture section 5,
 * ASVS 10.4.5). A used token that comes back after its window is a stolen one and ends the session.
 *
 * @throws SekishoError `invalid_refresh_token`, `session_revoked`, `session_expired`, 503.
 */
export async function refresh(
  services: Services,
  refreshToken: string,
  origin: Origin,
): Promise<TokenPair> {
  const { record, follower, ring, tally } = services;
  const parsed = parseRefreshToken(refreshToken);
  if (parsed === null) {
    tally.count({ action: 'authn_token_refused', tid: null, code: 'invalid_refresh_token' });
    throw unknown();
  }
  const { tid, sid } = parsed;
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const stampedAtMs = nowMs(services);
    const outcome = await record.sessions.rotate(tid, {
      sid,
      presentedHash: hashRefreshToken(refreshToken),
      candidates: candidates(ring, refreshToken),
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
      case 'replayed': {
        const live = follow(ring, refreshToken, outcome.keyIds);
        if (live === null) throw keyMissing();
        const pair = await mintPair(services, tid, outcome.mint, stampedAtMs, live);
        if (outcome.kind === 'rotated') {
          publish(services, 'session.refreshed', tid, { tid, uid: pair.user.uid, sid });
        }
        return pair;
      }
      case 'reused':
        await endStolen(services, { tid, uid: outcome.uid, sid }, origin);
        throw new SekishoError('session_revoked', 'The session was revoked.');
      case 'revoked':
        tally.count({ action: 'authn_token_refused', tid, code: 'session_revoked' });
        throw new SekishoError('session_revoked', 'The session was revoked; log in again.');
      case 'expired':
        tally.count({ action: 'authn_token_refused', tid, code: 'session_expired' });
        publish(
          services,
          'session.expired',
          tid,
          { tid, uid: outcome.uid, sid },
          { why: outcome.why },
        );
        throw new SekishoError('session_expired', 'The session has ended; log in again.');
      case 'unknown':
        tally.count({ action: 'authn_token_refused', tid: null, code: 'invalid_refresh_token' });
        throw unknown();
      case 'key_missing':
        services.log.error(
          { keyId: outcome.keyId },
          'SEKISHO_SECRET lacks the key of a refresh token',
        );
        throw keyMissing();
      case 'identity_changed':
        await follower.identityChanged(outcome.head);
    }
  }
  throw overtaken();
}

/** Theft (ASVS 10.4.5, RFC 9700 section 4.14.2): the session ends everywhere before the thief, or the owner, is answered. */
async function endStolen(
  services: Services,
  who: { readonly tid: string; readonly uid: string; readonly sid: string },
  origin: Origin,
): Promise<void> {
  const { tid, uid, sid } = who;
  await revoke(services, {
    actor: { kind: 'system' },
    revoke: [endOfSession(tid, uid, sid)],
    change: { kind: 'session_end', tid, uid: null, sid, sparedSid: null, how: 'revoked' },
    reason: 'token_reuse',
    audit: [
      auditRow(services, {
        tid,
        action: 'authn_token_reuse',
        outcome: 'failure',
        actor: userActor(uid, sid),
        subject: { kind: 'session', id: sid },
        origin,
      }),
      auditRow(services, {
        tid,
        action: 'session_revoked',
        actor: SYSTEM,
        subject: { kind: 'session', id: sid },
        origin,
        detail: { uid, reason: 'token_reuse' },
      }),
    ],
  });
  publish(services, 'token.reused', tid, { tid, uid, sid }, { ip: origin.ip });
}

function unknown(): SekishoError {
  return new SekishoError('invalid_refresh_token', 'The refresh token is not valid.');
}

function keyMissing(): SekishoError {
  return new SekishoError('store_unavailable', 'This node lacks a key of the refresh token.', {
    retryAfterSeconds: 1,
  });
}
