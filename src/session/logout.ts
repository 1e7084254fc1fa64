import type { NewAuditEvent } from '../audit/types.ts';
import { isSekishoError, SekishoError } from '../errors.ts';
import type { SessionRow } from '../record/contract.ts';
import { hashRefreshToken, parseRefreshToken } from '../token/refresh-token.ts';
import { auditRow, userActor } from './audit.ts';
import type { Authenticator } from './authenticate.ts';
import type { Origin, Revocation } from './contract.ts';
import { DEFAULT_WAIT_MS, revoke } from './revoke.ts';
import { nowMs, type Services } from './services.ts';
import { endOfSession } from './subjects.ts';

interface Whose {
  readonly tid: string;
  readonly uid: string;
  readonly sid: string;
}

/**
 * Logout by a signed access token, expired or not, or else by a refresh token.
 *
 * @returns no revocation when no node takes any token of the session any more, without anything being done now.
 * @throws SekishoError `credentials_required` when nothing verifiable was presented, 503.
 */
export async function logout(
  services: Services,
  authenticator: Authenticator,
  presented: { readonly accessToken: string | null; readonly refreshToken: string | null },
  origin: Origin,
): Promise<{ readonly revocation: Revocation | null }> {
  const byAccess =
    presented.accessToken === null
      ? null
      : await ofAccessToken(services, authenticator, presented.accessToken);
  const whose =
    byAccess ??
    (presented.refreshToken === null
      ? null
      : await ofRefreshToken(services, presented.refreshToken));
  if (whose === null) {
    throw new SekishoError('credentials_required', 'Nothing that names a session was presented.');
  }
  return endFound(services, whose, {
    reason: 'logout',
    audit: auditRow(services, {
      tid: whose.tid,
      action: 'authn_logout',
      actor: userActor(whose.uid, whose.sid),
      subject: { kind: 'session', id: whose.sid },
      origin,
    }),
  });
}

/** Why a session ends, and how that is audited. */
export interface Ending {
  readonly reason: string;
  readonly audit: NewAuditEvent;
}

/**
 * Ends the session that was found, and waits until no node takes any token of it.
 *
 * @returns no revocation when that was so already, without anything being done now.
 */
export async function endFound(
  services: Services,
  found: Found,
  ending: Ending,
): Promise<{ readonly revocation: Revocation | null }> {
  if (found.standing === 'gone') return { revocation: null };
  if (found.standing === 'alive') return end(services, found, ending, DEFAULT_WAIT_MS);
  if (await revokedEverywhere(services)) return { revocation: null };
  // Another entry, so that there is something to ask for; waited for already.
  return end(services, found, ending, 0);
}

/**
 * `revoked`: by an entry that was committed; whether it is everywhere by now is another question. `gone`: its last access
 * token has expired. `alive`: some node may still take one.
 */
export type Found = Whose & { readonly standing: 'alive' | 'revoked' | 'gone' };

/** Null: not a token of this deployment, or not of the tenant where one is named. */
export async function ofAccessToken(
  services: Services,
  authenticator: Authenticator,
  token: string,
  inTenant: string | null = null,
): Promise<Found | null> {
  const { follower } = services;
  try {
    const facts = await authenticator.known(token);
    const { tid, uid, sid } = facts;
    if (inTenant !== null && tid !== inTenant) return null;
    if (follower.judgeNow(facts).kind === 'revoked') return { tid, uid, sid, standing: 'revoked' };
    // UNKNOWN OUTCOME: a token in its time gets its entry whether or not the row is found (it may have been lost).
    const inTime = nowMs(services) < facts.expiresAtSeconds * 1000;
    if (inTime) return { tid, uid, sid, standing: 'alive' };
    const now = nowMs(services);
    const row = await services.record.sessions.get(tid, sid, now);
    return { tid, uid, sid, standing: row === null ? 'gone' : standingOf(services, tid, row, now) };
  } catch (error) {
    if (isSekishoError(error) && error.status === 401) return null;
    throw error;
  }
}

/** Null: not a refresh token of a session that the record still has. */
export async function ofRefreshToken(services: Services, token: string): Promise<Found | null> {
  const parsed = parseRefreshToken(token);
  if (parsed === null) return null;
  const { tid, sid } = parsed;
  const now = nowMs(services);
  const hash = hashRefreshToken(token);
  const row = await services.record.sessions.ofRefreshToken(tid, sid, hash, now);
  if (row === null) return null;
  return { tid, uid: row.uid, sid, standing: standingOf(services, tid, row, now) };
}

/** By the row: what the record knows, whichever node it learned it from. */
function standingOf(
  services: Services,
  tid: string,
  row: SessionRow,
  now: number,
): Found['standing'] {
  if (row.state !== 'expired') return row.state === 'active' ? 'alive' : 'revoked';
  // No access token outlives the absolute end, but one may outlive idleness: a refresh is no evidence of presence.
  if (now >= row.expiresAtMs) return 'gone';
  return wasEnded(services, { tid, uid: row.uid, sid: row.sid }) ? 'revoked' : 'alive';
}

/** Whether the view holds an entry of this very session: then another one would change nothing. */
function wasEnded({ follower }: Services, { tid, uid, sid }: Whose): boolean {
  const generation = follower.status().generation ?? '';
  const newest = Number.MAX_SAFE_INTEGER;
  const facts = { tid, uid, sid, generation, epoch: newest, tokenEpoch: newest };
  return follower.judgeNow(facts).kind === 'revoked';
}

/**
 * BARRIER: whether every node has applied whatever was committed before this call, and so the entry that revoked the
 * session, wherever that came from.
 */
async function revokedEverywhere({ follower }: Services): Promise<boolean> {
  await follower.proveNow();
  const { generation, applied } = follower.status();
  if (generation === null) return false;
  const entry = { generation, position: applied, operationId: '' };
  return (await follower.barrier(entry, DEFAULT_WAIT_MS)).effective === 'everywhere';
}

async function end(
  services: Services,
  { tid, uid, sid }: Whose,
  { reason, audit }: Ending,
  waitMs: number,
): Promise<{ readonly revocation: Revocation }> {
  const { revocation } = await revoke(services, {
    waitMs,
    actor: { kind: 'token', tid, uid, sid },
    revoke: [endOfSession(tid, uid, sid)],
    change: { kind: 'session_end', tid, uid: null, sid, sparedSid: null, how: 'logout' },
    reason,
    audit: [audit],
  });
  return { revocation };
}
