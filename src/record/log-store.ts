import { isSekishoError, SekishoError } from '../errors.ts';
import type { Entry, Generation, Head } from '../revocation/types.ts';
import { call, callRow } from './call.ts';
import type {
  CommitOutcome,
  CommitRequest,
  HistoryCheck,
  LogRow,
  LogStore,
  OperationState,
} from './contract.ts';
import { type Database, SqlError } from './database.ts';
import { entriesOfLines } from './entry-lines.ts';
import { asTenant, build } from './reads.ts';
import {
  entryOf,
  msOf,
  type RawEntry,
  type RawNamed,
  type RawSession,
  type RawUser,
  sessionOf,
  userOf,
} from './rows.ts';
import { storableJson } from './text.ts';

type RawOutcome =
  | {
      readonly kind: 'committed';
      readonly entries: readonly RawNamed[];
      readonly head: Head;
      readonly user: RawUser | null;
      readonly session: RawSession | null;
      readonly version: number | null;
    }
  | { readonly kind: 'duplicate'; readonly operationId: string; readonly row: RawEntry | null }
  | Exclude<CommitOutcome, { readonly kind: 'committed' | 'duplicate' }>;

/** A row of `sekisho.fetch_log`. */
interface RawPage {
  readonly generation: string;
  readonly position: number;
  readonly identity_agrees: boolean;
  readonly horizon: number;
  readonly entries: string;
}

/** The revocation log in the record; the rules are in src/record/sql/, a file a verb. */
export function createLogStore(database: Database): LogStore {
  async function state(
    tid: string | null,
    operationId: string,
    abandon: boolean,
  ): Promise<OperationState> {
    const raw = await call<{
      kind: OperationState['kind'];
      row?: RawEntry | null;
      last?: RawEntry | null;
    }>(database, 'read_operation', [tid, operationId, abandon, new Date()]);
    if (raw.kind !== 'committed') return { kind: raw.kind };
    const [row, last] = [raw.row, raw.last].map((one) => (one ? logRowOf(one) : null));
    return { kind: 'committed', row: row ?? null, last: last ?? null };
  }

  return {
    head: async () =>
      await call<HistoryCheck & { recordTimeMs: number }>(database, 'read_head', []),

    async fetch(after, limit) {
      const raw = await callRow<RawPage>(database, 'fetch_log', [after, limit]);
      return {
        head: { generation: raw.generation, position: raw.position },
        identityAgrees: raw.identity_agrees,
        horizon: raw.horizon,
        entries: entriesOfLines(raw.entries),
      };
    },

    snapshot: async () =>
      await call<HistoryCheck & { horizon: number; lineage: readonly Generation[] }>(
        database,
        'snapshot_log',
        [],
      ),

    lineage: async () =>
      await call<HistoryCheck & { lineage: readonly Generation[] }>(database, 'read_lineage', []),

    beginGeneration: async (expected, id, force) =>
      await call<Head>(database, 'begin_generation', [expected, id, force]),

    async settle(generation) {
      await call(database, 'settle_generation', [generation]);
    },

    async commit(requests) {
      if (requests.length === 0) return [];
      const parameter = storableJson(requests.map(withTenant));
      try {
        const outcomes = await call<readonly RawOutcome[]>(database, 'commit', [parameter]);
        return outcomes.map(outcomeOf);
      } catch (error) {
        // BATCH: nothing was written; the committer tries each request by itself when it sees what the database said.
        if (requests.length > 1 && isSekishoError(error) && error.code === 'internal') {
          if (error instanceof Error && error.cause instanceof SqlError) throw error.cause;
        }
        throw error;
      }
    },

    operation: async (tid, operationId) => await state(tid, operationId, false),
    operationOrAbandon: async (tid, operationId) => await state(tid, operationId, true),

    async list(tid, page) {
      let query = build
        .selectFrom('revocation')
        .selectAll()
        .where('tid', '=', tid)
        .orderBy('position', 'desc')
        .limit(page.limit);
      if (page.cursor !== null) query = query.where('position', '<', Number(page.cursor.id));
      return (await asTenant(database, tid, query)).map(logRowOf);
    },

    async lastEntries(tid, rows) {
      if (rows.length === 0) return [];
      const names = rows.map((row) => row.operationId);
      const lasts = await call<Readonly<Record<string, RawEntry>>>(database, 'last_entries', [
        tid,
        names,
      ]);
      return rows.map((row) => {
        const last = lasts[row.operationId.split('.', 1).join()];
        return last === undefined ? row : logRowOf(last);
      });
    },

    digest: async (from, to) =>
      await call<HistoryCheck & { digest: string }>(database, 'digest_log', [from, to]),
  };
}

/** The tenant of a request, which is the tenant of all its parts (B1): null only for operators and Sekisho itself. */
function withTenant(request: CommitRequest): CommitRequest & { readonly tid: string | null } {
  const { actor, change, revoke, restored } = request;
  if (restored !== undefined && (actor.kind !== 'operator' || revoke[0]?.scope !== 'all')) {
    throw new SekishoError('internal', 'Only an operator declares a restore, with a floor of all.');
  }
  const tids = new Set(revoke.map((subject) => subject.tid));
  if ('tid' in actor) tids.add(actor.tid);
  if (change !== null) tids.add(change.tid);
  const [tid = null, ...others] = tids;
  if (others.length > 0) {
    throw new SekishoError('internal', 'A write would have reached across tenants.');
  }
  const ownSession = (subject: (typeof revoke)[number]) =>
    actor.kind === 'token' && subject.scope === 'session' && subject.sid === actor.sid;
  if (actor.kind === 'token' && !revoke.every(ownSession)) {
    throw new SekishoError('internal', 'A token can end its own session only.');
  }
  return { ...request, tid };
}

function outcomeOf(raw: RawOutcome): CommitOutcome {
  switch (raw.kind) {
    case 'committed':
      return {
        ...raw,
        entries: raw.entries.map((row): Entry => entryOf(row)),
        user: raw.user === null ? null : userOf(raw.user),
        session: raw.session === null ? null : sessionOf(raw.session),
      };
    case 'duplicate':
      return { ...raw, row: raw.row === null ? null : logRowOf(raw.row) };
    default:
      return raw;
  }
}

function logRowOf(row: RawEntry): LogRow {
  return {
    operationId: row.operation_id,
    generation: row.generation,
    position: row.position,
    scope: row.scope,
    tid: row.tid,
    uid: row.uid,
    sid: row.sid,
    sparedSid: row.spared_sid,
    reason: row.reason,
    committedAtMs: msOf(row.committed_at),
  };
}
