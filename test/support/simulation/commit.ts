import type { Change, CommitOutcome, CommitRequest, LogRow } from '../../../src/record/contract.ts';
import { History as Names } from '../../../src/revocation/lineage.ts';
import type { Entry, Subject } from '../../../src/revocation/types.ts';
import type { Weakness } from '../simulated-record.ts';
import { sessionRowOf, stateOf, userOf } from './session-rows.ts';
import type { OperationRow, RecordState, StoredSession } from './tables.ts';

/** What committing needs of the server. */
export interface Committing {
  readonly state: RecordState;
  readonly nowMs: () => number;
  readonly weakness: Weakness | null;
  append(entry: Entry): void;
  /** A request is about to be carried out. */
  acting(request: CommitRequest): void;
}

type Judged = CommitOutcome['kind'] | null;

/** COMMIT of one request: known already? allowed? then the change and the entries, all or nothing. */
export function commitOne(server: Committing, request: CommitRequest): CommitOutcome {
  const { state } = server;
  const known = knownOutcome(state, request);
  if (known !== null) return known;
  const refused = judgeActor(state, request);
  if (refused !== null) return refusal(refused);
  return carryOut(server, request);
}

/** The same without AUTHORITY, for a record that looks at it before the transaction only. */
export function commitUnjudged(server: Committing, request: CommitRequest): CommitOutcome {
  return knownOutcome(server.state, request) ?? carryOut(server, request);
}

function refusal(kind: NonNullable<Judged>): CommitOutcome {
  return { kind } as CommitOutcome;
}

/** AUTHORITY: the acting session must be alive and pass every floor, and its role must still hold. */
export function judgeActor(state: RecordState, { actor, change, nowMs }: CommitRequest): Judged {
  if (actor.kind === 'session') {
    const session = state.sessions.get(actor.sid);
    const user = state.users.get(`${actor.tid} ${actor.uid}`);
    const alive = session === undefined ? 'revoked' : stateOf(state, session, nowMs);
    if (alive === 'revoked' || user?.status !== 'active') return 'actor_revoked';
    if (alive === 'expired') return 'actor_expired';
    if (actor.role !== null && !user.roles.includes(actor.role)) return 'role_lost';
  }
  const sid = change !== null && 'regenerate' in change ? change.regenerate?.sid : undefined;
  if (sid !== undefined) {
    const session = state.sessions.get(sid);
    if (session === undefined) return 'not_found';
    if (stateOf(state, session, nowMs) !== 'active') return 'actor_revoked';
  }
  return null;
}

function knownOutcome(state: RecordState, request: CommitRequest): CommitOutcome | null {
  const row = state.operations.get(request.operationId);
  if (row === undefined) return null;
  // HAND IN: whoever holds the entry proves that it was committed, and that where it stood is lost.
  if (request.handIn === true && (row.outcome === 'abandoned' || !stands(state, row))) return null;
  if (row.outcome === 'abandoned') return { kind: 'abandoned' };
  return { kind: 'duplicate', operationId: request.operationId, row: logRowOf(state, row) };
}

function stands(state: RecordState, { entry }: OperationRow): boolean {
  return entry === null || new Names(state.lineage).has(entry);
}

/** The line of the log; null when the operation had none, or the record let go of it. */
export function logRowOf(state: RecordState, { entry }: OperationRow): LogRow | null {
  if (entry === null || state.at(entry.position)?.entry !== entry) return null;
  return { ...entry, reason: null, committedAtMs: state.at(entry.position)?.atMs ?? 0 };
}

function carryOut(server: Committing, request: CommitRequest): CommitOutcome {
  const { state } = server;
  const { operationId, revoke, change, nowMs } = request;
  const tid = tenantOf(request);
  server.acting(request);
  const claim: OperationRow = { tid, outcome: 'committed', entry: null };
  state.operations.set(operationId, claim);
  if (change !== null) apply(state, change);
  const entries = revoke.map((subject, index) =>
    appendEntry(server, index === 0 ? operationId : `${operationId}.${index}`, subject, nowMs),
  );
  const user = change !== null && 'uid' in change ? state.users.get(`${tid} ${change.uid}`) : null;
  const sid = change !== null && 'regenerate' in change ? change.regenerate?.sid : undefined;
  const session = sid === undefined ? undefined : state.sessions.get(sid);
  return {
    kind: 'committed',
    entries,
    head: state.head,
    user: user ? userOf(user) : null,
    session: session === undefined ? null : sessionRowOf(state, session, nowMs),
    version: null,
  };
}

/** Appends one entry and does to floors and sessions what it says. */
export function appendEntry(
  server: Committing,
  operationId: string,
  subject: Subject,
  nowMs: number,
): Entry {
  const { state } = server;
  const { generation, position } = state.head;
  const entry: Entry = {
    ...subject,
    generation,
    position: position + 1,
    operationId,
    sparedSid: sparedOf(server, subject, nowMs),
  };
  server.append(entry);
  state.operations.set(operationId, { tid: subject.tid, outcome: 'committed', entry });
  const { scope, tid, uid, sid, sparedSid } = entry;
  if (scope === 'all' || scope === 'tenant' || scope === 'user') {
    const key = scope === 'all' ? '*' : scope === 'tenant' ? `${tid}` : `${tid} ${uid}`;
    state.floors.set(key, { epoch: entry.position, sparedSid });
  }
  if (scope === 'user' || scope === 'session') {
    endSessions(state, (row) =>
      scope === 'session'
        ? row.sid === sid
        : row.tid === tid && row.uid === uid && row.sid !== sparedSid,
    );
  }
  return entry;
}

/** AUTHORITY: a spared session must be alive and pass every floor at this moment; otherwise nobody is spared. */
function sparedOf(
  { state, weakness }: Committing,
  { sparedSid }: Subject,
  nowMs: number,
): string | null {
  if (sparedSid === null || weakness === 'spared unjudged') return sparedSid;
  const session = state.sessions.get(sparedSid);
  return session !== undefined && stateOf(state, session, nowMs) === 'active' ? sparedSid : null;
}

function endSessions(state: RecordState, which: (row: StoredSession) => boolean): void {
  for (const row of [...state.sessions.values()]) {
    if (row.endedHow === null && which(row)) {
      state.sessions.set(row.sid, { ...row, endedHow: 'revoked' });
    }
  }
}

function apply(state: RecordState, change: Change): void {
  switch (change.kind) {
    case 'user_patch': {
      const { tid, uid } = change;
      const row = state.users.get(`${tid} ${uid}`);
      if (row === undefined) return;
      state.users.set(`${tid} ${uid}`, {
        ...row,
        roles: change.roles ?? row.roles,
        status: change.status ?? row.status,
        version: row.version + 1,
      });
      if (change.status === 'disabled')
        endSessions(state, (session) => session.tid === tid && session.uid === uid);
      return;
    }
    case 'password_set': {
      const key = `${change.tid} ${change.uid}`;
      const row = state.users.get(key);
      if (row !== undefined) state.users.set(key, { ...row, passwordHash: change.passwordHash });
      if (change.regenerate !== null) {
        const { sid, refresh, authTimeMs, amr } = change.regenerate;
        const session = state.sessions.get(sid);
        if (session === undefined) return;
        state.sessions.set(sid, {
          ...session,
          authTimeMs,
          amr,
          currentHash: hex(refresh.currentHash),
          successorHash: hex(refresh.successorHash),
          successorKeyId: refresh.successorKeyId,
          used: [],
        });
      }
      return;
    }
    case 'session_end':
      // Whoever revokes along with it gets the same rows from the entry.
      endSessions(state, (row) =>
        change.sid !== null
          ? row.sid === change.sid
          : row.tid === change.tid && row.uid === change.uid && row.sid !== change.sparedSid,
      );
      return;
    default:
      throw new Error(`the simulated record cannot do ${change.kind}`);
  }
}

export function hex(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('hex');
}

/** The tenant under which the record keeps an operation. */
function tenantOf(request: CommitRequest): string | null {
  if ('tid' in request.actor) return request.actor.tid;
  return request.revoke[0]?.tid ?? request.change?.tid ?? null;
}
