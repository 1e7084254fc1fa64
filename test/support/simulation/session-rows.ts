import type { SessionRow } from '../../../src/record/contract.ts';
import type { Head } from '../../../src/revocation/types.ts';
import { DEFAULT_POLICY } from '../../../src/tenant/policy.ts';
import type { Policy, User } from '../../../src/tenant/types.ts';
import type { RecordState, StoredSession, UserRow } from './tables.ts';

/** Every tenant's policy: a small device cap, so that logins end sessions, and the longest grace. */
export const POLICY: Policy = Object.freeze({
  ...DEFAULT_POLICY,
  access_ttl: 900,
  refresh_grace: 60,
  max_sessions_per_user: 3,
});

/** The one predicate by which the record finds a session alive: its row, and every floor. */
export function stateOf(
  state: RecordState,
  session: StoredSession,
  nowMs: number,
): SessionRow['state'] {
  if (session.endedHow !== null) return 'revoked';
  for (const key of ['*', session.tid, `${session.tid} ${session.uid}`]) {
    const floor = state.floors.get(key);
    if (floor !== undefined && floor.epoch > session.epoch && floor.sparedSid !== session.sid)
      return 'revoked';
  }
  return nowMs >= endOf(session) ? 'expired' : 'active';
}

function endOf(session: StoredSession): number {
  return session.createdAtMs + POLICY.absolute_timeout * 1000;
}

/** The row of a session that begins at `head`, without a refresh chain. */
export function sessionAt(
  head: Head,
  who: { readonly tid: string; readonly uid: string; readonly sid: string; readonly nowMs: number },
): StoredSession {
  const { nowMs, ...ids } = who;
  return {
    ...ids,
    amr: [],
    authTimeMs: nowMs,
    createdAtMs: nowMs,
    generation: head.generation,
    epoch: head.position,
    rot: 0,
    endedHow: null,
    currentHash: '',
    successorHash: '',
    successorKeyId: '',
    used: [],
  };
}

export function sessionRowOf(
  state: RecordState,
  session: StoredSession,
  nowMs: number,
): SessionRow {
  return {
    sid: session.sid,
    uid: session.uid,
    deviceName: null,
    deviceKind: null,
    ip: null,
    userAgent: null,
    createdAtMs: session.createdAtMs,
    lastSeenAtMs: session.createdAtMs,
    expiresAtMs: endOf(session),
    authTimeMs: session.authTimeMs,
    amr: session.amr,
    generation: session.generation,
    epoch: session.epoch,
    rot: session.rot,
    state: stateOf(state, session, nowMs),
  };
}

export function userOf(row: UserRow): User {
  return {
    uid: row.uid,
    externalId: null,
    email: row.email,
    name: '',
    // A list of its own for each reading, so that what is minted from it can be told from what was minted from another.
    roles: [...row.roles],
    status: row.status,
    createdAtMs: 0,
    lastLoginAtMs: null,
    version: row.version,
  };
}
