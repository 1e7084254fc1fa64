import type {
  LoginFacts,
  MintFacts,
  NewSession,
  OpenOutcome,
  RotateOutcome,
  RotateRequest,
  SessionStore,
} from '../../../src/record/contract.ts';
import type { Entry, Head } from '../../../src/revocation/types.ts';
import type { On, RecordServer } from '../simulated-record.ts';
import { appendEntry, hex } from './commit.ts';
import { POLICY, sessionAt, sessionRowOf, stateOf, userOf } from './session-rows.ts';
import type { StoredSession, UserRow } from './tables.ts';

/** The verbs of sessions that the simulated record knows. */
export type SimulatedSessions = Pick<
  SessionStore,
  'loginFacts' | 'subjectFacts' | 'open' | 'rotate' | 'get'
>;

/** Tenants are there from the start and stay; a tenant's slug is its id. */
export function sessionVerbs(on: On): SimulatedSessions {
  return {
    loginFacts: (slug, email) =>
      on('loginFacts', (server) =>
        factsOf(server, slug, (user) => user.tid === slug && user.email === email),
      ),
    subjectFacts: (tid, uid) =>
      on('subjectFacts', (server) =>
        factsOf(server, tid, (user) => user.tid === tid && user.uid === uid),
      ),
    open: async (tid, session) => {
      const outcome = await on('open', (server) => open(server, tid, session));
      return outcome.kind === 'opened'
        ? { ...outcome, mint: await headed(on, outcome.mint) }
        : outcome;
    },
    rotate: async (_tid, request) => {
      const outcome = await rotateBy(on, request);
      return 'mint' in outcome ? { ...outcome, mint: await headed(on, outcome.mint) } : outcome;
    },
    get: (_tid, sid, nowMs) =>
      on('session', ({ state }) => {
        const session = state.sessions.get(sid);
        return session === undefined ? null : sessionRowOf(state, session, nowMs);
      }),
  };
}

/** EPOCH: credentials, status, roles and head, all by one statement. */
function factsOf(server: RecordServer, tid: string, which: (user: UserRow) => boolean): LoginFacts {
  const row = [...server.state.users.values()].find(which) ?? null;
  const facts: LoginFacts = {
    ...server.check(),
    tenant: { tid, slug: tid, name: tid, status: 'active' },
    policy: POLICY,
    limits: null,
    user: row === null ? null : userOf(row),
    passwordHash: row?.passwordHash ?? null,
  };
  server.noteReading(facts);
  return facts;
}

/** EPOCH: roles and the token's epoch by one statement. */
function mintOf(
  server: RecordServer,
  session: StoredSession,
  user: UserRow,
  nowMs: number,
): MintFacts {
  const read = userOf(user);
  server.noteReading(read.roles);
  return {
    session: sessionRowOf(server.state, session, nowMs),
    user: read,
    policy: POLICY,
    head: server.state.head,
  };
}

/** Reads the token's epoch once more, by a statement that came after the roles, where the record is weakened so. */
async function headed(on: On, mint: MintFacts): Promise<MintFacts> {
  const head = weakOf.get(mint);
  return head === undefined ? mint : { ...mint, head: await on('head', head) };
}

/** What is left to be read of a weakened mint. */
const weakOf = new WeakMap<MintFacts, (server: RecordServer) => Head>();

function weakened(server: RecordServer, mint: MintFacts): MintFacts {
  if (server.weakness === 'roles before head') weakOf.set(mint, ({ state }) => state.head);
  return mint;
}

function open(server: RecordServer, tid: string, session: NewSession): OpenOutcome {
  const { state } = server;
  const { uid, sid, epoch, nowMs } = session;
  if (!server.identityAgrees) return { kind: 'identity_changed', head: state.head };
  if (state.head.generation !== epoch.generation) return { kind: 'generation_changed' };
  const user = state.users.get(`${tid} ${uid}`);
  const floored = ['*', tid, `${tid} ${uid}`].some(
    (key) => (state.floors.get(key)?.epoch ?? 0) > epoch.position,
  );
  if (user?.status !== 'active') return { kind: 'superseded' };
  if (floored && server.weakness !== 'open unconditional') return { kind: 'superseded' };

  const alive = [...state.sessions.values()].filter(
    (row) => row.tid === tid && row.uid === uid && stateOf(state, row, nowMs) === 'active',
  );
  const evicted: Entry[] = [];
  for (const victim of alive.slice(
    0,
    Math.max(0, alive.length + 1 - POLICY.max_sessions_per_user),
  )) {
    const subject = { scope: 'session', tid, uid, sid: victim.sid, sparedSid: null } as const;
    evicted.push(appendEntry(server, `${sid}.evicts.${evicted.length}`, subject, nowMs));
  }
  const row: StoredSession = {
    ...sessionAt(epoch, { tid, uid, sid, nowMs }),
    amr: session.amr,
    currentHash: hex(session.refresh.currentHash),
    successorHash: hex(session.refresh.successorHash),
    successorKeyId: session.refresh.successorKeyId,
  };
  state.sessions.set(sid, row);
  return { kind: 'opened', mint: weakened(server, mintOf(server, row, user, nowMs)), evicted };
}

/** In one statement; or, where the record is weakened so, read by one and written back by a later one. */
async function rotateBy(on: On, request: RotateRequest): Promise<RotateOutcome> {
  const first = await on('rotate', (server) =>
    server.weakness === 'session written back'
      ? (server.state.sessions.get(request.sid) ?? null)
      : rotate(server, request, null),
  );
  if (first === null) return { kind: 'unknown' };
  return 'kind' in first ? first : on('rotate', (server) => rotate(server, request, first));
}

function rotate(
  server: RecordServer,
  request: RotateRequest,
  readBefore: StoredSession | null,
): RotateOutcome {
  const { state } = server;
  const { nowMs, candidates } = request;
  const session = readBefore ?? state.sessions.get(request.sid);
  if (!server.identityAgrees) return { kind: 'identity_changed', head: state.head };
  if (session === undefined) return { kind: 'unknown' };
  const presented = hex(request.presentedHash);
  const used = session.used.find((token) => token.hash === presented);
  if (
    used === undefined &&
    presented !== session.currentHash &&
    presented !== session.successorHash
  )
    return { kind: 'unknown' };
  const user = state.users.get(`${session.tid} ${session.uid}`);
  const standing = readBefore === null ? stateOf(state, session, nowMs) : 'active';
  if (standing === 'revoked' || user?.status !== 'active')
    return { kind: 'revoked', uid: session.uid };
  if (standing === 'expired')
    return { kind: 'expired', uid: session.uid, why: 'absolute', first: false };
  // Theft is no subject of the simulation: a used token is one whose answer was lost, whenever it comes.
  if (used !== undefined) {
    return {
      kind: 'replayed',
      keyIds: session.used.filter(({ rot }) => rot >= used.rot).map(({ keyId }) => keyId),
      mint: weakened(server, mintOf(server, session, user, nowMs)),
      deliverWithinMs: Number.POSITIVE_INFINITY,
    };
  }
  const tokens = [...session.used];
  let { rot } = session;
  if (presented === session.successorHash) {
    // It was issued by a rotation that the record has lost: that one is completed here.
    tokens.push({ hash: session.currentHash, rot, keyId: session.successorKeyId });
    rot += 1;
  }
  const candidate = candidates[0];
  if (candidate === undefined) return { kind: 'key_missing', keyId: session.successorKeyId };
  tokens.push({ hash: presented, rot, keyId: candidate.keyId });
  const next: StoredSession = {
    ...session,
    rot: rot + 1,
    currentHash: hex(candidate.successorHash),
    successorHash: hex(candidate.afterHash),
    successorKeyId: candidate.keyId,
    used: tokens,
  };
  state.sessions.set(session.sid, next);
  return {
    kind: 'rotated',
    keyIds: [candidate.keyId],
    mint: weakened(server, mintOf(server, next, user, nowMs)),
    deliverWithinMs: Number.POSITIVE_INFINITY,
  };
}
