import { sql } from 'kysely';
import type { AuditActor, AuditEvent } from '../audit/types.ts';
import type { AuditTable } from './audit-tables.ts';
import { call } from './call.ts';
import type { AuditStore } from './contract.ts';
import type { Database } from './database.ts';
import { asSystem, asTenant, build } from './reads.ts';
import { storable, storableJson } from './text.ts';

/** The audit trail in the record. No role may change or delete a row of it. */
export function createAuditStore(database: Database): AuditStore {
  return {
    async append(events) {
      if (events.length === 0) return;
      await call<void>(database, 'write_audit', [storableJson(events)]);
    },

    async list(tid, filter, page) {
      const { actor, action, fromMs, toMs } = filter;
      const { cursor } = page;
      const query = build
        .selectFrom('audit as a')
        .selectAll('a')
        .where('a.tid', '=', tid)
        .$if(actor !== undefined, (all) => all.where('a.actor_uid', '=', storable(actor ?? '')))
        .$if(action !== undefined, (all) => all.where('a.action', '=', storable(action ?? '')))
        .$if(fromMs !== undefined, (all) => all.where('a.at', '>=', new Date(fromMs ?? 0)))
        .$if(toMs !== undefined, (all) => all.where('a.at', '<', new Date(toMs ?? 0)))
        .$if(cursor !== null, (all) =>
          all.where(sql<boolean>`(a.at, a.id) < (${new Date(cursor?.atMs ?? 0)}, ${cursor?.id})`),
        )
        .orderBy('a.at', 'desc')
        .orderBy('a.id', 'desc')
        .limit(page.limit);
      // '' is the operators' own trail, and no tenant's.
      const rows = tid === '' ? asSystem(database, query) : asTenant(database, tid, query);
      return (await rows).map(eventOf);
    },
  };
}

function eventOf(row: AuditTable): AuditEvent {
  return {
    id: row.id,
    tid: row.tid === '' ? null : row.tid,
    atMs: row.at.getTime(),
    action: row.action,
    outcome: row.outcome,
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
    detail: row.detail,
  };
}
