import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../src/id.ts';
import {
  auditEvent,
  byHand,
  openSession,
  type RecordFixture,
  raiseFloor,
  START_MS,
  seedTenant,
  seedUser,
  setPolicy,
} from '../../support/seed.ts';

/** Reading tenants and users. */
export function peopleSuite(kind: string, open: () => Promise<RecordFixture>): void {
  describe(`tenants and users on ${kind}`, () => {
    let fixture: RecordFixture;
    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    test('a tenant is found by its slug and its id', async () => {
      const { tid, slug } = await seedTenant(fixture, { access_ttl: 120 });
      const { tenants } = fixture.record;
      const tenant = { tid, slug, name: 'A tenant', status: 'active' };
      expect(await tenants.bySlug(slug)).toMatchObject(tenant);
      expect(await tenants.byId(tid)).toMatchObject(tenant);
      expect(await tenants.policy(tid, START_MS)).toMatchObject({
        policy: { access_ttl: 120 },
        version: 1,
      });
      expect(await tenants.bySlug('nowhere')).toBeNull();
      expect(await tenants.byId(newId())).toBeNull();
      expect(await tenants.policy(newId(), START_MS)).toBeNull();
    });

    test('tenants are listed in pages', async () => {
      const made = new Set<string>();
      for (let index = 0; index < 5; index += 1) made.add((await seedTenant(fixture)).tid);
      const { tenants } = fixture.record;
      const listed: string[] = [];
      for (let cursor: { atMs: number; id: string } | null = null; ; ) {
        const page = await tenants.list({ limit: 2, cursor });
        listed.push(...page.map((tenant) => tenant.tid));
        const last = page.at(-1);
        if (last === undefined || page.length < 2) break;
        cursor = { atMs: last.createdAtMs, id: last.tid };
      }
      expect(new Set(listed).size).toBe(listed.length);
      expect([...made].every((tid) => listed.includes(tid))).toBe(true);
    });

    test('B1 a user is unique by tenant and user, and found by id, address and external id', async () => {
      const [here, there] = [await seedTenant(fixture), await seedTenant(fixture)];
      const seed = { email: 'ann@example.test', externalId: 'E-1', roles: ['admin', 'clerk'] };
      const uid = await seedUser(fixture, here.tid, seed);
      const other = await seedUser(fixture, there.tid, { ...seed, roles: [] });
      const { users } = fixture.record;
      const ann = {
        uid,
        email: 'ann@example.test',
        externalId: 'E-1',
        name: 'A user',
        roles: ['admin', 'clerk'],
        status: 'active',
        createdAtMs: START_MS,
        lastLoginAtMs: null,
        version: 1,
      };
      expect(await users.get(here.tid, uid)).toEqual(ann);
      expect(await users.byEmail(here.tid, 'ann@example.test')).toEqual(ann);
      expect(await users.byExternalId(here.tid, 'E-1')).toEqual(ann);
      expect(await users.byExternalId(there.tid, 'E-1')).toMatchObject({ uid: other, roles: [] });
      expect(await users.get(here.tid, other)).toBeNull();
      await openSession(fixture, here.tid, uid, START_MS + 5000);
      expect(await users.get(here.tid, uid)).toMatchObject({ lastLoginAtMs: START_MS + 5000 });
      await openSession(fixture, here.tid, uid, START_MS + 4000);
      expect(await users.get(here.tid, uid)).toMatchObject({ lastLoginAtMs: START_MS + 5000 });
    });

    test('A6 users are listed newest first, in pages, in as many statements for any rows', async () => {
      const { tid } = await seedTenant(fixture);
      const made: string[] = [];
      for (let index = 0; index < 9; index += 1) {
        const createdAtMs = START_MS + Math.floor(index / 3);
        made.push(await seedUser(fixture, tid, { createdAtMs }));
      }
      const { users } = fixture.record;
      const all = await users.list(tid, { limit: 200, cursor: null });
      expect(all.map((user) => user.uid).toSorted()).toEqual(made.toSorted());
      const times = all.map((user) => user.createdAtMs);
      expect(times).toEqual(times.toSorted((a, b) => b - a));
      const third = all[3];
      const cursor = { atMs: third?.createdAtMs ?? 0, id: third?.uid ?? '' };
      expect(await users.list(tid, { limit: 3, cursor })).toEqual(all.slice(4, 7));
      const cost = async (limit: number) => {
        const before = fixture.record.statementCount();
        await users.list(tid, { limit, cursor: null });
        return fixture.record.statementCount() - before;
      };
      expect(await cost(9)).toBe(await cost(1));
    });

    test('EPOCH a password is read with the head, and its hash replaced only if it still is that one', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid, { passwordHash: 'old' });
      const head = await raiseFloor(fixture, { tid });
      const { users, sessions } = fixture.record;
      const read = () => sessions.subjectFacts(tid, uid, START_MS);
      expect(await read()).toMatchObject({
        user: { uid },
        passwordHash: 'old',
        head,
        identityAgrees: true,
      });
      await users.rehash(tid, uid, 'something else', 'wrong');
      expect(await read()).toMatchObject({ passwordHash: 'old' });
      await users.rehash(tid, uid, 'old', 'new');
      expect(await read()).toMatchObject({ passwordHash: 'new', user: { version: 1 } });
      expect(await sessions.subjectFacts(tid, newId(), START_MS)).toMatchObject({
        user: null,
        passwordHash: null,
      });
    });

    test('the figures of a tenant are its own, of the last day', async () => {
      const { tid } = await seedTenant(fixture);
      const uid = await seedUser(fixture, tid);
      const disabled = await seedUser(fixture, tid);
      await byHand(fixture.database, {
        text: "update sekisho.tenant_user set status = 'disabled' where tid = $1 and uid = $2",
        values: [tid, disabled],
      });
      await openSession(fixture, tid, uid);
      await raiseFloor(fixture, { tid, uid });
      await openSession(fixture, tid, uid);
      await setPolicy(fixture, tid, { access_ttl: 60 });
      const [{ committed_at: at }] = (await byHand(fixture.database, {
        text: 'select max(committed_at) as committed_at from sekisho.revocation',
      })) as [{ committed_at: Date }];
      const other = await seedTenant(fixture);
      const failed = (tenant: string, agoMs: number) =>
        auditEvent(tenant, 'authn_login_fail', { outcome: 'failure', atMs: at.getTime() - agoMs });
      const success = auditEvent(tid, 'authn_login_success', { atMs: at.getTime() });
      const events = [success, failed(tid, 0), failed(tid, 1000), failed(tid, 86_400_001)];
      await fixture.record.audit.append([...events, failed(other.tid, 0)]);
      expect(await fixture.record.tenants.stats(tid, at.getTime())).toEqual({
        users: 2,
        activeUsers: 1,
        activeSessions: 1,
        logins24h: 1,
        failedLogins24h: 2,
        revocations24h: 1,
      });
    });
  });
}
