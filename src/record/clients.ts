import { call } from './call.ts';
import type { ClientStore, ServiceClient } from './client-contract.ts';
import type { Database } from './database.ts';
import { asTenant, behind, build } from './reads.ts';
import { msOf } from './rows.ts';
import type { ServiceClientTable } from './tables.ts';

const COLUMNS = [
  'c.cid',
  'c.name',
  'c.created_at',
  'c.last_used_at',
  'c.secret_made_at',
  'c.secret_ends_at',
  'c.old_ends_at',
] as const;

/** Service clients in the record; commits change them (apply_change). */
export function createClientStore(database: Database): ClientStore {
  return {
    async get(tid, cid) {
      const query = build
        .selectFrom('service_client as c')
        .select(COLUMNS)
        .where('c.tid', '=', tid)
        .where('c.cid', '=', cid);
      const [row] = await asTenant(database, tid, query);
      return row === undefined ? null : clientOf(row);
    },

    async list(tid, page) {
      const query = build
        .selectFrom('service_client as c')
        .select(COLUMNS)
        .where('c.tid', '=', tid)
        .where(behind(page.cursor, 'c.created_at', 'c.cid'))
        .orderBy('c.created_at', 'desc')
        .orderBy('c.cid', 'desc')
        .limit(page.limit);
      return (await asTenant(database, tid, query)).map(clientOf);
    },

    async credentials(tid, cid) {
      const query = build
        .selectFrom('service_client as c')
        .innerJoin('tenant as t', 't.tid', 'c.tid')
        .select(COLUMNS)
        .select(['c.secret_hash', 'c.old_hash', 't.status'])
        .where('c.tid', '=', tid)
        .where('c.cid', '=', cid);
      const [row] = await asTenant(database, tid, query);
      if (row === undefined) return null;
      const client = clientOf(row);
      const newest = { hash: row.secret_hash, endsAtMs: client.secretEndsAtMs };
      return {
        client,
        tenantStatus: row.status,
        secrets:
          row.old_hash === null
            ? [newest]
            : [newest, { hash: row.old_hash, endsAtMs: client.oldSecretEndsAtMs }],
      };
    },

    async touch(tid, cid, atMs, everyMs) {
      await call<void>(database, 'touch_client', [tid, cid, Math.floor(atMs), everyMs]);
    },
  };
}

function clientOf(
  row: Omit<ServiceClientTable, 'tid' | 'secret_hash' | 'old_hash'>,
): ServiceClient {
  const at = (time: Date | null) => (time === null ? null : msOf(time));
  return {
    cid: row.cid,
    name: row.name,
    createdAtMs: msOf(row.created_at),
    lastUsedAtMs: at(row.last_used_at),
    secretMadeAtMs: msOf(row.secret_made_at),
    secretEndsAtMs: at(row.secret_ends_at),
    oldSecretEndsAtMs: at(row.old_ends_at),
  };
}
