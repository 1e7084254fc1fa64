import type { AuditAction, AuditActor, AuditEvent } from '../audit/types.ts';
import { call } from './call.ts';
import type { AuditStore } from './contract.ts';
import type { Database } from './database.ts';
import { storable, storableJson } from './text.ts';
import { endOf, type RawEnd, type RawRow } from './trail-rows.ts';

/** Rows that one statement looks at: 10 to 20 ms of the embedded database, whatever the filter and the size of the trail. */
export const ROWS_A_LOOK = 2_000;

/** The audit trail in the record. No role may change or delete a row of it. */
export function createAuditStore(database: Database): AuditStore {
  const look: AuditStore['look'] = async (tid, filter, { limit, cursor }) => {
    const { actor = null, action = null, fromMs, toMs } = filter;
    const found = await call<RawEnd & { readonly rows: readonly RawRow[] }>(
      database,
      'list_audit',
      [
        ...[tid, actor && storable(actor), action && storable(action)],
        ...[fromMs === undefined ? null : new Date(fromMs)],
        ...[toMs === undefined ? null : new Date(toMs)],
        ...[cursor && Math.round(cursor.atMs * 1_000), cursor && storable(cursor.id)],
        ...[limit, ROWS_A_LOOK],
      ],
    );
    const end = endOf(found);
    return {
      rows: found.rows.map(eventOf),
      next: end && { atMs: end.atUs / 1_000, id: end.id },
    };
  };

  return {
    async append(events) {
      if (events.length === 0) return;
      await call<void>(database, 'write_audit', [storableJson(events)]);
    },

    look,

    async list(tid, filter, { limit, cursor }) {
      const rows: AuditEvent[] = [];
      let from = cursor;
      while (rows.length < limit) {
        const found: Awaited<ReturnType<typeof look>> = await look(tid, filter, {
          limit: limit - rows.length,
          cursor: from,
        });
        rows.push(...found.rows);
        if (found.next === null) break;
        from = found.next;
      }
      return rows;
    },
  };
}

function eventOf(row: RawRow): AuditEvent {
  return {
    id: row.id,
    tid: row.tid === '' ? null : row.tid,
    atMs: Math.floor(row.at_us / 1_000),
    action: row.action as AuditAction,
    outcome: row.outcome as AuditEvent['outcome'],
    actor: {
      kind: row.actor_kind as AuditActor['kind'],
      uid: row.actor_uid,
      sid: row.actor_sid,
    },
    subject:
      row.subject_kind === null || row.subject_id === null
        ? null
        : { kind: row.subject_kind, id: row.subject_id },
    ip: row.ip,
    userAgent: row.user_agent,
    requestId: row.request_id,
    detail: row.detail as AuditEvent['detail'],
  };
}
