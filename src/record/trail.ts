import { ROWS_A_LOOK } from './audit.ts';
import { call, json } from './call.ts';
import type { Database } from './database.ts';
import { asSystem, build } from './reads.ts';
import { storable, storableJson } from './text.ts';
import type { Retention, TrailStore } from './trail-contract.ts';
import {
  bytes,
  endOf,
  exportedOf,
  foundOf,
  type RawCheckpoint,
  type RawEnd,
  type RawErased,
  type RawExported,
  type RawPlace,
  type RawSealed,
  type RawState,
  type RawTaken,
  sealedOf,
  stateOf,
  takenOf,
} from './trail-rows.ts';

/** Rows that wait are counted up to here. */
const COUNTED = 10_000;

/** The sealed trail in the record. */
export function createTrailStore(database: Database): TrailStore {
  return {
    async take(holder, claimMs, limit, unsignedMs, except) {
      const args = [holder, claimMs, limit, unsignedMs, except];
      return takenOf(await call<RawTaken>(database, 'take_unsealed', args));
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

    tenants: (afterTid, limit) =>
      call<readonly string[]>(database, 'trail_tenants', [afterTid, limit]),

    async state(tid) {
      return stateOf(await call<RawState>(database, 'trail_state', [tid]));
    },

    async sealed(tid, afterSeq, limit) {
      const args = [tid, afterSeq, limit];
      return (await call<readonly RawSealed[]>(database, 'sealed_page', args)).map(sealedOf);
    },

    unsealed: (tid, afterId, limit) => call(database, 'unsealed_page', [tid, afterId, limit]),

    async checkpoints(tid, afterSeq, limit) {
      const page = build
        .selectFrom('audit_checkpoint as k')
        .select(['k.seq', 'k.token', 'k.signed_at'])
        .where('k.tid', '=', tid)
        .where('k.seq', '>', afterSeq)
        .orderBy('k.seq')
        .limit(limit);
      return (await asSystem(database, page)).map(({ seq, token, signed_at }) => ({
        ...{ seq, token },
        signedAtMs: timeOf(signed_at),
      }));
    },

    async places(asked) {
      const wanted = asked.map(({ tid, seq }) => ({ tid, seq }));
      const found = await call<readonly RawPlace[]>(database, 'trail_places', [json(wanted)]);
      return found.map(foundOf);
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
      type Raw = RawEnd & { readonly rows: readonly RawExported[] };
      const page = await call<Raw>(database, 'export_page', [
        ...[tid, actor && storable(actor), action && storable(action)],
        ...[fromMs === undefined ? null : new Date(fromMs)],
        ...[toMs === undefined ? null : new Date(toMs)],
        ...[cursor?.atUs ?? null, cursor?.id ?? null, limit, ROWS_A_LOOK],
      ]);
      return { rows: page.rows.map(exportedOf), next: endOf(page) };
    },

    async unsealedBefore(tid, beforeMs) {
      const some = build
        .selectFrom('audit_unsealed as u')
        .select('u.id')
        .where('u.tid', '=', tid)
        .where('u.at', '<', new Date(Math.floor(beforeMs)))
        .limit(COUNTED);
      return (await asSystem(database, some)).length;
    },

    async checkpointBefore(tid, beforeMs, below) {
      const args = [tid, Math.floor(beforeMs), below];
      const found = await call<RawCheckpoint | null>(database, 'checkpoint_below', args);
      return found && { ...found, hash: bytes(found.hash) };
    },

    accept: (tid, head, token, audit) =>
      call<boolean>(database, 'accept_trail', [
        ...[tid, head.seq, head.hash, token, storableJson(audit)],
      ]),

    prune: (tid, to, token, batch) =>
      call<number>(database, 'prune_audit', [tid, to.seq, to.hash, token, batch]),

    eraseBefore: (tid, beforeMs, batch) =>
      call<number>(database, 'erase_audit_before', [tid, Math.floor(beforeMs), batch]),

    async eraseOf(tid, { uid, email }, cursor, limit) {
      const args = [tid, uid, email, cursor?.atUs ?? null, cursor?.id ?? null, limit];
      const page = await call<RawErased>(database, 'erase_audit_of', args);
      const { found, erased, passed, looked, atUs, id } = page;
      const next = atUs === null || id === null ? null : { atUs, id };
      return { found, erased, passed, looked, next };
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
      const keys = (await asSystem(database, query)).map((row) => ({
        kid: row.kid,
        alg: row.alg,
        publicJwk: row.public_jwk,
        privateSealed: row.private_sealed,
        activeFromMs: timeOf(row.active_from),
        retiredAtMs: row.retired_at && timeOf(row.retired_at),
      }));
      // One that signs from no time on is none of ours.
      return keys.filter(({ activeFromMs }) => !Number.isNaN(activeFromMs));
    },

    addKey: (key, unlessActiveSinceMs) =>
      call<boolean>(database, 'add_audit_key', [
        ...[key.kid, key.alg, key.publicJwk, key.privateSealed],
        ...[Math.floor(key.activeFromMs), Math.floor(unlessActiveSinceMs)],
      ]),

    retireKey: (kid, atMs) => call<void>(database, 'retire_audit_key', [kid, Math.floor(atMs)]),
  };
}

/** Milliseconds; NaN for what PostgreSQL takes for a time, and nobody else does. */
function timeOf(at: Date): number {
  return at instanceof Date ? at.getTime() : Number.NaN;
}
