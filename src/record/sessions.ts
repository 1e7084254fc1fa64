import { sql } from 'kysely';
import { newId } from '../id.ts';
import type { LimitOverride } from '../tenant/login-limit.ts';
import type { Policy } from '../tenant/types.ts';
import { call } from './call.ts';
import type {
  LoginFacts,
  MintFacts,
  NewSession,
  OpenOutcome,
  ReplacedSight,
  RotateOutcome,
  RotateRequest,
  SessionStore,
} from './contract.ts';
import type { Database } from './database.ts';
import { asTenant, behind, build, judgedSessions } from './reads.ts';
import {
  entryOf,
  type RawEntry,
  type RawMint,
  type RawSession,
  type RawTenant,
  type RawUser,
  sessionOf,
  tenantOf,
  userOf,
} from './rows.ts';
import { storable, storableJson, storableOrNull } from './text.ts';

interface RawFacts {
  readonly head: LoginFacts['head'];
  readonly identity_agrees: boolean;
  readonly tenant: RawTenant | null;
  readonly policy: Policy | null;
  readonly limits: LimitOverride | null;
  readonly user: RawUser | null;
  readonly password_hash: string | null;
}

type RawOpened =
  | { readonly kind: 'opened'; readonly mint: RawMint; readonly evicted: readonly RawEntry[] }
  | {
      readonly kind: 'session_limit_reached';
      readonly sessions: readonly RawSession[];
      readonly surplus: number;
    }
  | Extract<OpenOutcome, { kind: 'superseded' | 'generation_changed' | 'identity_changed' }>;

type WithMint = Extract<RotateOutcome, { readonly mint: MintFacts }>;
type RawRotated =
  | (Omit<WithMint, 'mint'> & { readonly mint: RawMint })
  | Exclude<RotateOutcome, WithMint>;

/** Sessions in the record; each verb's rules stand in the head of its function under `sql/`. */
export function createSessionStore(database: Database): SessionStore {
  return {
    async loginFacts(slug, email, nowMs) {
      const at = Math.floor(nowMs);
      return factsOf(await call<RawFacts>(database, 'login_facts', [slug, email, at]));
    },

    async subjectFacts(tid, uid, nowMs) {
      const at = Math.floor(nowMs);
      return factsOf(await call<RawFacts>(database, 'subject_facts', [tid, uid, at]));
    },

    async open(tid, session) {
      return openedOf(await call<RawOpened>(database, 'open_session', openArguments(tid, session)));
    },

    async rotate(tid, request) {
      return rotatedOf(
        await call<RawRotated>(database, 'rotate_session', rotateArguments(tid, request)),
      );
    },

    async ofRefreshToken(tid, sid, tokenHash, nowMs) {
      const ofItsChain = build
        .selectFrom('session as s')
        .select('s.sid')
        .where('s.tid', '=', tid)
        .where('s.sid', '=', sid)
        .where((where) =>
          where.or([
            where('s.current_hash', '=', tokenHash),
            where('s.successor_hash', '=', tokenHash),
            where.exists(
              build
                .selectFrom('refresh_used as r')
                .select('r.rot')
                .where('r.tid', '=', tid)
                .where('r.sid', '=', sid)
                .where('r.hash', '=', tokenHash),
            ),
          ]),
        );
      const query = judgedSessions(nowMs)
        .selectAll('j')
        .where('j.tid', '=', tid)
        .where('j.sid', 'in', ofItsChain);
      const [row] = await asTenant(database, tid, query);
      return row === undefined ? null : sessionOf(row);
    },

    async ofLiveRefreshToken(tid, sid, tokenHash, nowMs) {
      const args = [tid, sid, tokenHash, Math.floor(nowMs)];
      const found = await call<{
        session: RawSession;
        user: RawUser;
        issuedAtMs: number | null;
      } | null>(database, 'live_refresh_token', args);
      if (found === null) return null;
      const { session, user, issuedAtMs } = found;
      return { session: sessionOf(session), user: userOf(user), issuedAtMs };
    },

    async get(tid, sid, nowMs) {
      const query = judgedSessions(nowMs)
        .selectAll('j')
        .where('j.tid', '=', tid)
        .where('j.sid', '=', sid);
      const [row] = await asTenant(database, tid, query);
      return row === undefined ? null : sessionOf(row);
    },

    async details(tid, sid, nowMs) {
      const query = judgedSessions(nowMs)
        .innerJoin('tenant as t', 't.tid', 'j.tid')
        .innerJoin('tenant_user as u', (join) =>
          join.onRef('u.tid', '=', 'j.tid').onRef('u.uid', '=', 'j.uid'),
        )
        .select([
          sql<RawSession>`to_jsonb(j)`.as('session'),
          sql<RawTenant>`sekisho.tenant_json(t)`.as('tenant'),
          sql<RawUser>`sekisho.user_json(u)`.as('user'),
        ])
        .where('j.tid', '=', tid)
        .where('j.sid', '=', sid);
      const [row] = await asTenant(database, tid, query);
      if (row === undefined) return null;
      return {
        tenant: tenantOf(row.tenant),
        user: userOf(row.user),
        session: sessionOf(row.session),
      };
    },

    async list(tid, uid, state, page, nowMs) {
      let query = judgedSessions(nowMs)
        .selectAll('j')
        .where('j.tid', '=', tid)
        .where(behind(page.cursor, 'j.created_at', 'j.sid'))
        .orderBy('j.created_at', 'desc')
        .orderBy('j.sid', 'desc')
        .limit(page.limit);
      if (uid !== null) query = query.where('j.uid', '=', uid);
      if (state !== 'all') query = query.where('j.state', '=', state);
      return (await asTenant(database, tid, query)).map(sessionOf);
    },

    async touch(seen, sweptThroughMs) {
      await call<void>(database, 'touch_sessions', [
        seen.map((one) => one.tid),
        seen.map((one) => one.sid),
        seen.map((one) => Math.floor(one.atMs)),
        Math.floor(sweptThroughMs),
      ]);
    },

    async sighted(sights, nowMs) {
      return await call<readonly ReplacedSight[]>(database, 'sighted', [
        sights.map((one) => one.tid),
        sights.map((one) => one.sid),
        sights.map((one) => one.rot),
        Math.floor(nowMs),
      ]);
    },

    async useTicket(tid, jti, expiresAtMs) {
      return await call<boolean>(database, 'use_ticket', [tid, jti, Math.ceil(expiresAtMs)]);
    },
  };
}

function openArguments(tid: string, session: NewSession): readonly unknown[] {
  return [
    tid,
    session.sid,
    session.uid,
    storableOrNull(session.deviceName),
    storableOrNull(session.deviceKind),
    storableOrNull(session.ip),
    storableOrNull(session.userAgent),
    session.amr,
    session.refresh.currentHash,
    session.refresh.successorHash,
    session.refresh.successorKeyId,
    session.epoch.generation,
    session.epoch.position,
    newId(),
    Math.floor(session.nowMs),
    storableJson(session.audit),
    (session.endSids ?? []).map(storable),
  ];
}

function rotateArguments(tid: string, request: RotateRequest): readonly unknown[] {
  return [
    tid,
    request.sid,
    request.presentedHash,
    request.candidates.map((candidate) => candidate.keyId),
    request.candidates.map((candidate) => candidate.successorHash),
    request.candidates.map((candidate) => candidate.afterHash),
    request.seenRot,
    Math.floor(request.nowMs),
    storableJson(request.audit),
  ];
}

function factsOf(raw: RawFacts): LoginFacts {
  return {
    head: raw.head,
    identityAgrees: raw.identity_agrees,
    tenant: raw.tenant === null ? null : tenantOf(raw.tenant),
    policy: raw.policy,
    limits: raw.limits,
    user: raw.user === null ? null : userOf(raw.user),
    passwordHash: raw.password_hash,
  };
}

function openedOf(raw: RawOpened): OpenOutcome {
  switch (raw.kind) {
    case 'opened':
      return { kind: 'opened', mint: mintOf(raw.mint), evicted: raw.evicted.map(entryOf) };
    case 'session_limit_reached':
      return { ...raw, sessions: raw.sessions.map(sessionOf) };
    default:
      return raw;
  }
}

function rotatedOf(raw: RawRotated): RotateOutcome {
  return 'mint' in raw ? { ...raw, mint: mintOf(raw.mint) } : raw;
}

function mintOf(raw: RawMint): MintFacts {
  return {
    session: sessionOf(raw.session),
    user: userOf(raw.user),
    policy: raw.policy,
    head: raw.head,
  };
}
