import { call, json } from './call.ts';
import type { Database } from './database.ts';
import { asSystem, build } from './reads.ts';
import { storable, storableJson } from './text.ts';
import type {
  ChainPlace,
  Retention,
  SealedRow,
  Taken,
  TrailRow,
  TrailState,
  TrailStore,
} from './trail-contract.ts';

/** A row of the trail as `sekisho.audit_row` has it. */
interface RawRow {
  readonly tid: string;
  readonly id: string;
  readonly at_us: number;
  readonly action: string;
  readonly outcome: string;
  readonly actor_kind: string;
  readonly actor_uid: string | null;
  readonly actor_sid: string | null;
  readonly subject_kind: string | null;
  readonly subject_id: string | null;
  readonly ip: string | null;
  readonly user_agent: string | null;
  readonly request_id: string | null;
  readonly detail: TrailRow['detail'];
}

interface RawSealed {
  readonly seq: number;
  readonly id: string;
  readonly hash: string;
  readonly personal: string | null;
  readonly salt: string | null;
  readonly row: RawRow | null;
  readonly old: boolean;
}

interface RawExported {
  readonly row: RawRow;
  readonly seq: number | null;
  readonly hash: string | null;
  readonly personal: string | null;
  readonly salt: string | null;
  readonly previous: string | null;
}

interface RawChain {
  readonly tid: string;
  readonly seq: number;
  readonly hash: string;
  readonly signed_seq: number;
  readonly due: boolean | null;
}

type RawTaken = { readonly waiting: number; readonly oldestMs: number | null } & (
  | {
      readonly kind: 'taken';
      readonly rows: readonly RawRow[];
      readonly chains: readonly RawChain[];
    }
  | { readonly kind: 'held'; readonly holder: string | null }
);

type RawState = Pick<
  TrailState,
  'tid' | 'signedToken' | 'firstSeal' | 'lastSeal' | 'waiting' | 'lost'
> & {
  readonly seq: number;
  readonly hash: string | null;
  readonly baseSeq: number;
  readonly baseHash: string | null;
  readonly baseToken: string | null;
};

interface RawCheckpoint {
  readonly seq: number;
  readonly hash: string;
  readonly token: string;
}

interface RawErased {
  readonly erased: number;
  readonly looked: number;
  readonly atUs: number | null;
  readonly id: string | null;
}

/** The sealed trail in the record. */
export function createTrailStore(database: Database): TrailStore {
  return {
    async take(holder, claimMs, limit, unsignedMs, except) {
      const args = [holder, claimMs, limit, unsignedMs, except];
      const taken = await call<RawTaken>(database, 'take_unsealed', args);
      if (taken.kind === 'held') return taken;
      return {
        ...taken,
        rows: taken.rows.map(rowOf),
        chains: taken.chains.map(({ signed_seq, due, ...chain }) => ({
          ...{ tid: chain.tid, seq: chain.seq, hash: bytes(chain.hash) },
          ...{ signedSeq: signed_seq, due: due ?? false },
        })),
      } satisfies Taken;
    },

    async seal(moves) {
      const chains = moves.map(({ tid, was, seals, token }) => {
        const now = seals.at(-1) ?? was;
        return {
          ...{ tid, token, was_seq: was.seq, was_hash: was.hash },
          ...{ seq: now.seq, hash: now.hash },
        };
      });
      const seals = moves.flatMap(({ tid, seals }) => seals.map((seal) => ({ tid, ...seal })));
      return await call<boolean>(database, 'seal_audit', [json(chains), json(seals)]);
    },

    release: (holder) => call<void>(database, 'release_sealer', [holder]),

    async tenants(afterTid, limit) {
      const all = build
        .selectFrom('audit_chain as c')
        .select('c.tid')
        .union(build.selectFrom('audit_unsealed as u').select('u.tid').distinct());
      const page = build
        .selectFrom(all.as('t'))
        .select('t.tid')
        .$if(afterTid !== null, (some) => some.where('t.tid', '>', afterTid ?? ''))
        .orderBy('t.tid')
        .limit(limit);
      return (await asSystem(database, page)).map(({ tid }) => tid);
    },

    async state(tid) {
      const raw = await call<RawState>(database, 'trail_state', [tid]);
      const { signedToken, firstSeal, lastSeal, waiting, lost } = raw;
      return {
        ...{ tid, signedToken, firstSeal, lastSeal, waiting, lost },
        head: placeOf(raw.seq, raw.hash),
        base:
          raw.baseSeq === 0 || raw.baseHash === null
            ? null
            : { seq: raw.baseSeq, hash: bytes(raw.baseHash), token: raw.baseToken },
      };
    },

    async sealed(tid, afterSeq, limit) {
      const page = await call<readonly RawSealed[]>(database, 'sealed_page', [
        ...[tid, afterSeq, limit],
      ]);
      return page.map(
        ({ seq, id, hash, personal, salt, row, old }): SealedRow => ({
          ...{ seq, id, hash: bytes(hash), old },
          personal: bytesOrNull(personal),
          salt: bytesOrNull(salt),
          row: row === null ? null : rowOf(row),
        }),
      );
    },

    unsealed: (tid, afterId, limit) => call(database, 'unsealed_page', [tid, afterId, limit]),

    async checkpoints(tid, afterSeq, limit) {
      const page = build
        .selectFrom('audit_checkpoint as k')
        .select(['k.seq', 'k.token'])
        .where('k.tid', '=', tid)
        .where('k.seq', '>', afterSeq)
        .orderBy('k.seq')
        .limit(limit);
      return await asSystem(database, page);
    },

    async heads(tids) {
      const heads = build
        .selectFrom('audit_chain as c')
        .select(['c.tid', 'c.seq', 'c.hash'])
        .where('c.tid', 'in', tids.length === 0 ? [''] : [...tids]);
      const rows = tids.length === 0 ? [] : await asSystem(database, heads);
      return new Map(rows.map(({ tid, seq, hash }) => [tid, { seq, hash }]));
    },

    async waitingIds(tid, limit) {
      const waiting = build
        .selectFrom('audit_unsealed as u')
        .select('u.id')
        .where('u.tid', '=', tid)
        .limit(limit);
      return (await asSystem(database, waiting)).map(({ id }) => id);
    },

    async exportPage(tid, filter, { limit, cursor }) {
      const { actor = null, action = null, fromMs, toMs } = filter;
      const page = await call<readonly RawExported[]>(database, 'export_page', [
        ...[tid, actor && storable(actor), action && storable(action)],
        ...[fromMs === undefined ? null : new Date(fromMs)],
        ...[toMs === undefined ? null : new Date(toMs)],
        ...[cursor?.atUs ?? null, cursor?.id ?? null, limit],
      ]);
      return page.map(({ row, seq, hash, personal, salt, previous }) => ({
        row: rowOf(row),
        seal:
          seq === null || hash === null
            ? null
            : {
                ...{ seq, id: row.id, hash: bytes(hash) },
                personal: bytesOrNull(personal),
                salt: bytesOrNull(salt),
                previous: bytesOrNull(previous),
              },
      }));
    },

    async checkpointBefore(tid, beforeMs) {
      const args = [tid, Math.floor(beforeMs)];
      const found = await call<RawCheckpoint | null>(database, 'checkpoint_before', args);
      return found && { ...found, hash: bytes(found.hash) };
    },

    prune: (tid, to, token, batch) =>
      call<number>(database, 'prune_audit', [tid, to.seq, to.hash, token, batch]),

    eraseBefore: (tid, beforeMs, batch) =>
      call<number>(database, 'erase_audit_before', [tid, Math.floor(beforeMs), batch]),

    async eraseOf(tid, { uid, email }, cursor, limit) {
      const args = [tid, uid, email, cursor?.atUs ?? null, cursor?.id ?? null, limit];
      const { erased, looked, atUs, id } = await call<RawErased>(database, 'erase_audit_of', args);
      return { erased, looked, next: atUs === null || id === null ? null : { atUs, id } };
    },

    async retention(tid) {
      const query = build
        .selectFrom('audit_retention as r')
        .select(['r.audit_days as auditDays', 'r.personal_days as personalDays'])
        .where('r.tid', '=', tid);
      return (await asSystem(database, query))[0] ?? null;
    },

    keepRetention: (tid, retention, audit) =>
      call<void>(database, 'keep_audit_retention', [
        tid,
        retention?.auditDays ?? null,
        retention?.personalDays ?? null,
        retention === null,
        storableJson(audit),
      ]),

    dueRetention: (afterTid, limit) =>
      call<readonly ({ tid: string } & Retention)[]>(database, 'due_retention', [afterTid, limit]),

    async keys() {
      const query = build
        .selectFrom('audit_key as k')
        .selectAll('k')
        .orderBy('k.active_from')
        .orderBy('k.kid');
      return (await asSystem(database, query)).map((row) => ({
        kid: row.kid,
        alg: row.alg,
        publicJwk: row.public_jwk,
        privateSealed: row.private_sealed,
        activeFromMs: row.active_from.getTime(),
        retiredAtMs: row.retired_at?.getTime() ?? null,
      }));
    },

    addKey: (key, unlessActiveSinceMs) =>
      call<boolean>(database, 'add_audit_key', [
        ...[key.kid, key.alg, key.publicJwk, key.privateSealed],
        ...[Math.floor(key.activeFromMs), Math.floor(unlessActiveSinceMs)],
      ]),

    retireKey: (kid, atMs) => call<void>(database, 'retire_audit_key', [kid, Math.floor(atMs)]),
  };
}

function placeOf(seq: number, hash: string | null): ChainPlace | null {
  return seq === 0 || hash === null ? null : { seq, hash: bytes(hash) };
}

function rowOf(raw: RawRow): TrailRow {
  return {
    tid: raw.tid,
    id: raw.id,
    atUs: raw.at_us,
    action: raw.action,
    outcome: raw.outcome,
    actorKind: raw.actor_kind,
    actorUid: raw.actor_uid,
    actorSid: raw.actor_sid,
    subjectKind: raw.subject_kind,
    subjectId: raw.subject_id,
    ip: raw.ip,
    userAgent: raw.user_agent,
    requestId: raw.request_id,
    detail: raw.detail,
  };
}

function bytesOrNull(text: string | null): Uint8Array | null {
  return text === null ? null : bytes(text);
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'hex');
}
