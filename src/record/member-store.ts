import { loadStatement } from './assets.ts';
import { call } from './call.ts';
import type { Heartbeat, HistoryCheck, MemberRow, MemberStore } from './contract.ts';
import type { Database } from './database.ts';
import { asSekishoError } from './failures.ts';
import { asSystem, build } from './reads.ts';
import { type Instant, msOf } from './rows.ts';

interface RawMember {
  readonly id: string;
  readonly beat: number;
  readonly generation: string | null;
  readonly applied: number;
  readonly lease_ms: number;
  readonly tolerance_ms: number;
  readonly version: number;
  readonly address: string | null;
  readonly joined_at: Instant;
}

interface RawBeat {
  readonly generation: string;
  readonly position: number;
  readonly identity_agrees: boolean;
  readonly record_time_ms: number;
}

const HEARTBEAT = loadStatement('heartbeat');

/** The members: one row a node that may answer. */
export function createMemberStore(database: Database): MemberStore {
  return {
    join: async ({ id, leaseMs, toleranceMs, version, address }) =>
      await call<HistoryCheck & { recordTimeMs: number }>(database, 'join_member', [
        id,
        leaseMs,
        toleranceMs,
        version,
        address,
      ]),

    async heartbeat(id, generation, applied): Promise<Heartbeat> {
      let rows: RawBeat[];
      try {
        const values = [id, generation, applied];
        rows = await database.query<RawBeat>({ text: HEARTBEAT, values }, { urgent: true });
      } catch (error) {
        throw asSekishoError(error);
      }
      const [beat] = rows;
      if (beat === undefined) return { kind: 'removed' };
      return {
        kind: 'beat',
        head: { generation: beat.generation, position: beat.position },
        identityAgrees: beat.identity_agrees,
        recordTimeMs: beat.record_time_ms,
      };
    },

    async listForBarrier(id) {
      const raw = await call<
        (HistoryCheck & { settled: boolean; members: readonly RawMember[] }) | null
      >(database, 'list_for_barrier', [id]);
      if (raw === null) return { kind: 'removed' };
      return { ...raw, kind: 'members', members: raw.members.map(memberOf) };
    },

    async list() {
      const query = build.selectFrom('member').selectAll().orderBy('joined_at').orderBy('id');
      return (await asSystem(database, query)).map(memberOf);
    },

    async leave(id) {
      await call(database, 'remove_member', [id, null]);
    },

    remove: async (id, beat) => await call<boolean>(database, 'remove_member', [id, beat]),

    async removeAllBut(id) {
      await call(database, 'remove_other_members', [id]);
    },
  };
}

function memberOf(row: RawMember): MemberRow {
  return {
    id: row.id,
    leaseMs: row.lease_ms,
    toleranceMs: row.tolerance_ms,
    version: row.version,
    address: row.address,
    beat: row.beat,
    generation: row.generation,
    applied: row.applied,
    joinedAtMs: msOf(row.joined_at),
  };
}
