import { call } from './call.ts';
import type { UserStore } from './contract.ts';
import type { Database } from './database.ts';
import { asTenant, behind, build } from './reads.ts';
import { userOf } from './rows.ts';

const COLUMNS = [
  'u.uid',
  'u.external_id',
  'u.email',
  'u.name',
  'u.roles',
  'u.status',
  'u.version',
  'u.created_at',
  'u.last_login_at',
] as const;

/** Users in the record. They are changed by commits only (LogStore); a hash is the one thing replaced here. */
export function createUserStore(database: Database): UserStore {
  async function one(tid: string, column: 'u.uid' | 'u.email' | 'u.external_id', value: string) {
    const query = build
      .selectFrom('tenant_user as u')
      .select(COLUMNS)
      .where('u.tid', '=', tid)
      .where(column, '=', value);
    const [row] = await asTenant(database, tid, query);
    return row === undefined ? null : userOf(row);
  }

  return {
    get: (tid, uid) => one(tid, 'u.uid', uid),
    byEmail: (tid, email) => one(tid, 'u.email', email),
    byExternalId: (tid, externalId) => one(tid, 'u.external_id', externalId),

    async list(tid, page) {
      const query = build
        .selectFrom('tenant_user as u')
        .select(COLUMNS)
        .where('u.tid', '=', tid)
        .where(behind(page.cursor, 'u.created_at', 'u.uid'))
        .orderBy('u.created_at', 'desc')
        .orderBy('u.uid', 'desc')
        .limit(page.limit);
      return (await asTenant(database, tid, query)).map(userOf);
    },

    async rehash(tid, uid, oldHash, newHash) {
      await call<void>(database, 'rehash_password', [tid, uid, oldHash, newHash]);
    },
  };
}
