import type { AuditAction, NewAuditEvent } from '../../src/audit/types.ts';
import { newId } from '../../src/id.ts';
import type {
  NewSession,
  ReplacedSight,
  RotateOutcome,
  SessionRow,
} from '../../src/record/contract.ts';
import type { Database, SqlCall } from '../../src/record/database.ts';
import type { Entry, Head } from '../../src/revocation/types.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import type { Policy } from '../../src/tenant/types.ts';
import {
  candidates,
  follow,
  hashRefreshToken,
  issueSlots,
  makeRefreshToken,
} from '../../src/token/refresh-token.ts';
import { createKeyRing, type KeyRing } from '../../src/token/secrets.ts';
import type { TestRecord } from './record.ts';

/** Wall time at which the tests of the record begin. */
export const START_MS = Date.UTC(2030, 0, 1);

export const ring: KeyRing = createKeyRing('a secret of the tests of thirty-two bytes and more');

/** The record that a suite works on, of its own, and the database beneath it. */
export type RecordFixture = TestRecord;

/** Runs statements across tenants, as an operator with a hand in the database would. */
export async function byHand(
  database: Database,
  ...calls: readonly SqlCall[]
): Promise<Record<string, unknown>[]> {
  const role = { text: "select set_config('role', 'sekisho_system', true)" };
  return (await database.transaction([role, ...calls])).at(-1) ?? [];
}

/**
 * Makes the connections that a crowd of statements needs before it comes; a few at a time, since a busy machine does not make
 * them all within the time that one may take.
 */
export async function connectAhead(database: Database): Promise<void> {
  for (let count = 5; count <= 50; count += 5) {
    await Promise.all(Array.from({ length: count }, () => database.query({ text: 'select 1' })));
  }
}

/**
 * Runs `work` while another transaction holds the row that `lock` takes, so that the statements of `work` pile up there and
 * then go on all at once. Where statements run one by one anyway it changes nothing.
 */
export async function behindLock<Result>(
  { database }: RecordFixture,
  lock: SqlCall,
  work: () => Promise<Result>,
): Promise<Result> {
  // Or connections would be what the statements wait for.
  await connectAhead(database);
  const held = byHand(database, lock, { text: 'select pg_sleep(0.2)' });
  const [result] = await Promise.all([work(), held]);
  return result;
}

export interface SeededTenant {
  readonly tid: string;
  readonly slug: string;
}

export async function seedTenant(
  { database }: RecordFixture,
  policy: Partial<Policy> = {},
): Promise<SeededTenant> {
  const tid = newId();
  const slug = `t-${Buffer.from(tid).toString('hex')}`.slice(0, 40);
  await byHand(database, {
    text: 'insert into sekisho.tenant (tid, slug, name, policy, created_at) values ($1, $2, $3, $4, $5)',
    values: [
      tid,
      slug,
      'A tenant',
      JSON.stringify({ ...DEFAULT_POLICY, ...policy }),
      new Date(START_MS),
    ],
  });
  return { tid, slug };
}

export async function setPolicy(
  { database }: RecordFixture,
  tid: string,
  policy: Partial<Policy>,
): Promise<void> {
  await byHand(database, {
    text: 'update sekisho.tenant set policy = policy || $2::jsonb where tid = $1',
    values: [tid, JSON.stringify(policy)],
  });
}

export interface UserSeed {
  readonly email?: string;
  readonly externalId?: string | null;
  readonly roles?: readonly string[];
  readonly createdAtMs?: number;
  readonly passwordHash?: string | null;
}

export async function seedUser(
  { database }: RecordFixture,
  tid: string,
  seed: UserSeed = {},
): Promise<string> {
  const uid = newId();
  await byHand(database, {
    text: `insert into sekisho.tenant_user (tid, uid, external_id, email, name, roles, password_hash, created_at)
      values ($1, $2, $3, $4, 'A user', $5, $6, $7)`,
    values: [
      tid,
      uid,
      seed.externalId ?? null,
      seed.email ?? `${uid}@example.test`.toLowerCase(),
      seed.roles ?? ['member'],
      seed.passwordHash ?? null,
      new Date(seed.createdAtMs ?? START_MS),
    ],
  });
  return uid;
}

/** Whose sessions a floor ends: a user's, a tenant's (no uid), or all (no tid). */
export interface FloorSeed {
  readonly tid: string | null;
  readonly uid?: string;
  readonly sparedSid?: string;
}

/** Ends all sessions of a user through the log, as an operator. */
export async function revokeUser(
  { record }: RecordFixture,
  tid: string,
  uid: string,
): Promise<Entry> {
  const [outcome] = await record.log.commit([
    {
      operationId: newId(),
      actor: { kind: 'operator', name: 'test' },
      revoke: [{ scope: 'user', tid, uid, sid: null, sparedSid: null }],
      change: null,
      reason: 'test',
      nowMs: START_MS,
      audit: [],
      idempotency: null,
    },
  ]);
  const entry = outcome?.kind === 'committed' ? outcome.entries[0] : undefined;
  if (entry === undefined) throw new Error(`nothing was revoked: ${outcome?.kind}`);
  return entry;
}

/** What a commit does to the log and the floors, in one transaction: head + 1, an entry, the floor raised to it. */
export async function raiseFloor({ database }: RecordFixture, floor: FloorSeed): Promise<Head> {
  const { tid, uid = null, sparedSid = null } = floor;
  const scope = tid === null ? 'all' : uid === null ? 'tenant' : 'user';
  const [head] = await byHand(
    database,
    { text: 'update sekisho.head set position = position + 1' },
    {
      text: `insert into sekisho.revocation
          (position, generation, operation_id, scope, tid, uid, spared_sid, actor_kind, committed_at)
        select position, generation, $1, $2, $3, $4, $5, 'system', clock_timestamp() from sekisho.head`,
      values: [newId(), scope, tid, uid, sparedSid],
    },
    {
      text: `insert into sekisho.floor (tid, uid, epoch, spared_sid)
        select $1, $2, position, $3 from sekisho.head
        on conflict (tid, uid) do update set epoch = excluded.epoch, spared_sid = excluded.spared_sid`,
      values: [tid ?? '*', uid ?? '', sparedSid],
    },
    { text: 'select generation, position from sekisho.head' },
  );
  return head as unknown as Head;
}

export function auditEvent(
  tid: string | null,
  action: AuditAction,
  rest: Partial<NewAuditEvent> = {},
): NewAuditEvent {
  return {
    id: newId(),
    tid,
    atMs: START_MS,
    action,
    outcome: 'success',
    actor: { kind: 'user', uid: null, sid: null },
    subject: null,
    ip: '192.0.2.1',
    userAgent: 'test',
    requestId: 'request-1',
    detail: {},
    ...rest,
  };
}

/** What a login hands to `open`, with a refresh token of its own. */
export function newSession(
  tid: string,
  uid: string,
  epoch: Head,
  nowMs: number,
): { readonly token: string; readonly session: NewSession } {
  const sid = newId();
  const token = makeRefreshToken(tid, sid);
  const session: NewSession = {
    sid,
    uid,
    deviceName: 'Phone',
    deviceKind: 'mobile',
    ip: '192.0.2.1',
    userAgent: 'test',
    amr: ['pwd'],
    refresh: issueSlots(ring, token),
    epoch,
    nowMs,
    audit: [
      auditEvent(tid, 'session_created', {
        atMs: nowMs,
        actor: { kind: 'user', uid, sid },
        subject: { kind: 'session', id: sid },
      }),
    ],
  };
  return { token, session };
}

export interface OpenedSession {
  readonly sid: string;
  /** The live refresh token. */
  readonly token: string;
  readonly row: SessionRow;
}

/** Logs `uid` in, by the head of this moment. */
export async function openSession(
  fixture: RecordFixture,
  tid: string,
  uid: string,
  nowMs: number = START_MS,
): Promise<OpenedSession> {
  const { sessions } = fixture.record;
  const { head } = await sessions.subjectFacts(tid, uid, START_MS);
  const { token, session } = newSession(tid, uid, head, nowMs);
  const outcome = await sessions.open(tid, session);
  if (outcome.kind !== 'opened') throw new Error(`the session was not opened: ${outcome.kind}`);
  return { sid: session.sid, token, row: outcome.mint.session };
}

/** A node has seen an access token of the session's `rot`. Returns the sights of replaced answers. */
export async function sight(
  fixture: RecordFixture,
  { tid, sid }: { readonly tid: string; readonly sid: string },
  rot: number,
  nowMs: number = START_MS,
): Promise<readonly ReplacedSight[]> {
  return fixture.record.sessions.sighted([{ tid, sid, rot }], nowMs);
}

/**
 * Presents a refresh token. `live` is the token that the caller would get.
 *
 * @param seenRot what the node has seen of the session's access tokens and not yet reported
 */
export async function present(
  fixture: RecordFixture,
  token: string,
  nowMs: number,
  keys: KeyRing = ring,
  seenRot = 0,
): Promise<{ readonly outcome: RotateOutcome; readonly live: string | null }> {
  const [tid = '', sid = ''] = token.split('.');
  const outcome = await fixture.record.sessions.rotate(tid, {
    sid,
    presentedHash: hashRefreshToken(token),
    candidates: candidates(keys, token),
    seenRot,
    nowMs,
    audit: auditEvent(tid, 'authn_token_refreshed', {
      atMs: nowMs,
      actor: { kind: 'user', uid: null, sid },
      subject: { kind: 'session', id: sid },
    }),
  });
  const live = 'keyIds' in outcome ? follow(keys, token, outcome.keyIds) : null;
  return { outcome, live };
}
