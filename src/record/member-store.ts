import { loadStatement } from './assets.ts';
import { call } from './call.ts';
import type {
  Heartbeat,
  HistoryCheck,
  MemberReport,
  MemberRow,
  MemberStore,
  WatchedMember,
} from './contract.ts';
import type { Database } from './database.ts';
import { asSekishoError } from './failures.ts';
import { asSystem, build } from './reads.ts';
import { versionOfThis } from './release.ts';
import { type Loose, msOf } from './rows.ts';
import type { MemberTable } from './tables.ts';

/** What a node reports of itself, beside what the protocol reads. */
type Reported = 'beat_ms' | 'hub' | 'hub_working';

type RawMember = Loose<Omit<MemberTable, 'beat_at' | Reported>>;

type RawWatched = RawMember & Pick<MemberTable, Reported> & { readonly beat_age_ms: number | null };

interface RawBeat {
  readonly generation: string;
  readonly position: number;
  readonly identity_agrees: boolean;
  readonly record_time_ms: number;
}

const HEARTBEAT = loadStatement('heartbeat');

/** Operators look when something is wrong: better no answer than a late one. */
const WATCH_DEADLINE_MS = 1_000;

/** The members: one row a node that may answer. */
export function createMemberStore(database: Database): MemberStore {
  const release = versionOfThis();
  return {
    join: async ({ id, leaseMs, toleranceMs, version, address }) =>
      await call<HistoryCheck & { recordTimeMs: number }>(database, 'join_member', [
        id,
        leaseMs,
        toleranceMs,
        version,
        address,
        release,
      ]),

    async heartbeat(id, generation, applied, report): Promise<Heartbeat> {
      let rows: RawBeat[];
      try {
        const values = [id, generation, applied, ...valuesOf(report)];
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

    async watch() {
      const { head, members } = await call<{
        readonly head: HistoryCheck['head'];
        readonly members: readonly RawWatched[];
      }>(database, 'watch_members', [], { deadlineMs: WATCH_DEADLINE_MS });
      return { head, members: members.map(watchedOf) };
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

function valuesOf(report: MemberReport | undefined): readonly unknown[] {
  if (report === undefined) return [null, null, null];
  return [report.lastHeartbeatMs, report.hub, report.hubWorking];
}

function watchedOf(row: RawWatched): WatchedMember {
  const { beat_ms: lastHeartbeatMs, hub, hub_working: hubWorking, beat_age_ms: beatAgeMs } = row;
  return {
    ...memberOf(row),
    report: hub === null || hubWorking === null ? null : { lastHeartbeatMs, hub, hubWorking },
    beatAgeMs,
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
