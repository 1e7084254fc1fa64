import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import type { Change, CommitOutcome } from '../../../src/record/contract.ts';
import {
  auditEvent,
  byHand,
  openSession,
  type RecordFixture,
  START_MS,
  seedTenant,
  seedUser,
} from '../../support/seed.ts';

/** What outlives a tenant: the protocol's own tables, and the audit trail. */
const KEPT = /^(floor|reissue|revocation|operation|audit.*)$/;

/** Tenants that are suspended, resumed and deleted. */
export function tenantSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`tenants on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    async function commit(change: Change): Promise<CommitOutcome | undefined> {
      const [outcome] = await fixture.record.log.commit([
        {
          operationId: newId(),
          actor: { kind: 'operator', name: 'test' },
          revoke: [{ scope: 'tenant', tid: change.tid, uid: null, sid: null, sparedSid: null }],
          change,
          reason: null,
          nowMs: START_MS,
          audit: [auditEvent(change.tid, 'tenant_deletion_begun')],
          idempotency: null,
        },
      ]);
      return outcome;
    }

    /** Every table that has a tenant, by the catalogue. */
    async function allTables(): Promise<string[]> {
      const tables = (await byHand(fixture.database, {
        text: `select c.table_name as name from information_schema.columns c
          join information_schema.tables t using (table_schema, table_name)
          where c.table_schema = 'sekisho' and c.column_name = 'tid' and t.table_type = 'BASE TABLE'
          order by 1`,
      })) as { name: string }[];
      return tables.map(({ name }) => name);
    }

    async function tablesOf(tid: string): Promise<string[]> {
      const found: string[] = [];
      for (const name of await allTables()) {
        const rows = await byHand(fixture.database, {
          text: `select 1 as one from sekisho.${name} where tid = $1 limit 1`,
          values: [tid],
        });
        if (rows.length > 0) found.push(name);
      }
      return found;
    }

    test('B3 a status is changed with the floor that goes with it, and by nobody while it is deleted', async () => {
      const { tenants } = fixture.record;
      const { tid, slug } = await seedTenant(fixture);
      const suspended = await commit({ kind: 'tenant_patch', tid, status: 'suspended' });
      expect(suspended).toMatchObject({ kind: 'committed', entries: [{ scope: 'tenant', tid }] });
      expect(await tenants.bySlug(slug)).toMatchObject({ tid, status: 'suspended' });
      await commit({ kind: 'tenant_patch', tid, status: 'active', name: 'Another name' });
      expect(await tenants.byId(tid)).toMatchObject({ status: 'active', name: 'Another name' });
      expect(await commit({ kind: 'tenant_patch', tid: newId(), status: 'active' })).toEqual({
        kind: 'not_found',
      });
      await commit({ kind: 'tenant_delete', tid });
      expect(await tenants.byId(tid)).toMatchObject({ status: 'deleting' });
      expect(await commit({ kind: 'tenant_patch', tid, status: 'active' })).toEqual({
        kind: 'not_found',
      });
      expect((await commit({ kind: 'tenant_delete', tid }))?.kind).toBe('committed');
    });

    test('no table of a tenant is forgotten: its rows may go, or are kept for a reason', async () => {
      const going = await byHand(fixture.database, {
        text: `select t as name, has_table_privilege('sekisho_system', 'sekisho.' || t, 'delete') as may
          from sekisho.tenant_tables() t`,
      });
      expect(going.filter(({ may }) => may !== true)).toEqual([]);
      const named = going.map(({ name }) => name);
      const others = (await allTables()).filter((name) => !named.includes(name));
      expect(others.filter((name) => !KEPT.test(name))).toEqual(['tenant']);
      // Used refresh tokens before sessions, which would take any number of them along.
      expect(named.indexOf('refresh_used')).toBeLessThan(named.indexOf('session'));
    });

    test('B3 A3 its rows go in bounded batches, its slug last; no table is forgotten, no other tenant touched', async () => {
      const { tenants, audit } = fixture.record;
      const { tid, slug } = await seedTenant(fixture);
      const other = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const beside = await openSession(fixture, other.tid, await seedUser(fixture, other.tid));
      const sids = await Promise.all(
        Array.from({ length: 7 }, async (_, n) => {
          return (await openSession(fixture, tid, uid, START_MS + n)).sid;
        }),
      );
      const at = new Date(START_MS);
      const values = [tid, uid, sids[0], Buffer.alloc(32), at];
      await byHand(
        fixture.database,
        {
          text: 'insert into sekisho.refresh_used (tid, sid, hash, rot, key_id, used_at) values ($1, $2, $3, 1, $4, $5)',
          values: [tid, sids[0], Buffer.alloc(32), 'k', at],
        },
        {
          text: 'insert into sekisho.password_reset (tid, uid, token_hash, expires_at) values ($1, $2, $3, $4)',
          values: [tid, uid, values[3], at],
        },
        {
          text: 'insert into sekisho.used_ticket (tid, jti, expires_at) values ($1, $2, $3)',
          values: [tid, 'ticket', at],
        },
        {
          text: "insert into sekisho.login_attempt (tid, kind, key, ids, times, last_at) values ($1, 'account', 'a@b', '{x}', array[$2::timestamptz], $2)",
          values: [tid, at],
        },
        {
          text: 'insert into sekisho.idempotency_key (tid, uid, key, body_hash, operation_id, created_at) values ($1, $2, $3, $4, $5, $6)',
          values: [tid, uid, 'key', values[3], newId(), at],
        },
      );
      expect(await tenants.deleteRows(tid, 3, [])).toEqual({ kind: 'not_found', rows: 0 });
      await commit({ kind: 'tenant_delete', tid });
      const counted = await tenants.countRows(tid, 1000);
      expect(counted).toBe(13);
      expect(await tenants.countRows(tid, 6)).toBeNull();

      const written = auditEvent(null, 'tenant_deleted', { subject: { kind: 'tenant', id: tid } });
      let removed = 0;
      for (let batch = 0; batch < 50; batch += 1) {
        const { kind: how, rows } = await tenants.deleteRows(tid, 3, [written]);
        expect(rows).toBeLessThanOrEqual(3);
        removed += rows;
        if (how === 'done') break;
        expect(await tenants.bySlug(slug)).toMatchObject({ tid });
      }
      expect(removed).toBe(14);
      const left = (await tablesOf(tid)).filter((name) => !KEPT.test(name));
      expect(left).toEqual([]);
      expect(await tablesOf(tid)).toEqual(
        expect.arrayContaining(['audit', 'floor', 'operation', 'revocation']),
      );
      expect(await tenants.bySlug(slug)).toBeNull();
      const [row] = await byHand(fixture.database, {
        text: "select action from sekisho.audit where tid = '' and subject_id = $1",
        values: [tid],
      });
      expect(row).toEqual({ action: 'tenant_deleted' });
      expect(await audit.list(tid, {}, { limit: 10, cursor: null })).not.toEqual([]);
      const stays = await fixture.record.sessions.get(other.tid, beside.sid, START_MS);
      expect(stays?.state).toBe('active');
      expect(await tenants.deleteRows(tid, 3, [written])).toEqual({ kind: 'not_found', rows: 0 });
    });
  });
}
