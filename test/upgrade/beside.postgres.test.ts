import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../src/record/database.ts';
import { migrate, plan, thisRelease } from '../../src/record/migrator.ts';
import { openPostgres, openPostgresRecord } from '../../src/record/postgres/open.ts';
import { compareVersions } from '../../src/record/release.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openOldPostgres, startOldEngine } from '../support/old-release.ts';
import { KNOWS_OF_NEWER, keptReleases } from '../support/releases.ts';
import { byHand } from '../support/seed.ts';

const PAGE = { limit: 50, cursor: null };
const OPTIONS = { reason: null, waitMs: 5_000, includeSelf: false, idempotency: null };

for (const release of keptReleases()) {
  describe(`B4 a node of ${release.version} beside this release`, () => {
    let made: Awaited<ReturnType<typeof createTestDatabase>>;
    let database: Database;
    let old: TestEngine;
    let now: TestEngine;

    beforeAll(async () => {
      made = await createTestDatabase(inject('postgresUrl'));
      database = await openPostgres({ url: made.url, max: 3 });
      old = await startOldEngine(release, await openOldPostgres(release, made.url), false);
    });
    afterAll(async () => {
      await now?.close();
      await old?.close();
      await database?.close();
      await made?.drop();
    });

    test('it goes on while the record is upgraded, and after it', async () => {
      await exercise(old, 'before');
      expect(await plan(database)).toMatchObject({ kind: 'upgrade', from: release.version });
      // What it sends on connections that have prepared their statements before.
      const [outcomes] = await Promise.all([
        Promise.all([1, 2, 3].map((n) => exercise(old, `during-${n}`))),
        migrate(database),
      ]);
      expect(outcomes).toHaveLength(3);
      await exercise(old, 'after');
      expect(await plan(database)).toMatchObject({ kind: 'current' });
    });

    test('B3 both are members, and a revocation of either is everywhere on both', async () => {
      const record = await openPostgresRecord({ url: made.url });
      now = await startTestEngine({ record, exclusive: false });
      const { caller } = await now.makeTenant('shared');
      const judge = (node: TestEngine, token: string) =>
        codeOf(node.engine.authentication.authenticate(token));
      for (const [one, other] of [
        [old, now],
        [now, old],
      ] as const) {
        const user = await one.makeUser(caller, `${one === old ? 'old' : 'now'}@shared.example`);
        const pair = await one.login('shared', user.email);
        expect(await judge(other, pair.accessToken)).toBe('none');
        const next = await other.engine.logins.refresh(pair.refreshToken, ORIGIN);
        expect(await judge(one, next.accessToken)).toBe('none');
        const { revocation } = await one.engine.administration.revokeUser(
          caller,
          user.uid,
          OPTIONS,
        );
        expect(revocation.barrier).toMatchObject({ effective: 'everywhere', members: 2 });
        for (const node of [one, other]) {
          expect(await judge(node, next.accessToken)).toBe('session_revoked');
          expect(await codeOf(node.engine.logins.refresh(next.refreshToken, ORIGIN))).toBe(
            'session_revoked',
          );
        }
      }
    });

    test('A8 what came to its end under a policy stays expired when the older node replaces it', async () => {
      const { caller, admin } = await now.makeTenant('longer-again');
      const [old2h, young] = [
        await now.open('longer-again', admin.uid),
        await now.open('longer-again', admin.uid),
      ];
      await byHand(database, {
        text: `update sekisho.session set created_at = created_at - interval '2 hours' where sid = $1`,
        values: [old2h.session.sid],
      });
      await old.setPolicy(caller, { idle_timeout: 3_600, absolute_timeout: 3_600 });
      await old.setPolicy(caller, { absolute_timeout: 86_400 });
      for (const [pair, code] of [
        [young, 'none'],
        [old2h, 'session_expired'],
      ] as const) {
        expect(await codeOf(now.engine.logins.refresh(pair.refreshToken, ORIGIN))).toBe(code);
      }
    });

    test('it may come back where it is allowed, and never puts its own functions in place', async () => {
      const before = await functionsOf(database);
      const again = openOldPostgres(release, made.url);
      if (compareVersions(release.version, KNOWS_OF_NEWER) < 0) {
        await expect(again).rejects.toMatchObject({ code: 'invalid_configuration' });
      } else if (compareVersions(release.version, thisRelease().runsBeside) < 0) {
        await expect(again).rejects.toMatchObject({
          code: 'invalid_configuration',
          message: expect.stringContaining('is the oldest release that may run'),
        });
      } else {
        const engine = await startOldEngine(release, await again, false);
        await exercise(engine, 'again');
        await engine.close();
      }
      expect(await functionsOf(database)).toEqual(before);
    });
  });
}

/** What every function says, by signature. */
async function functionsOf(database: Database): Promise<Record<string, unknown>> {
  const rows = await database.query<{ name: string; hash: string }>({
    text: `select oid::regprocedure::text as name, md5(prosrc) as hash from pg_proc
      where pronamespace = 'sekisho'::regnamespace order by 1`,
  });
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]));
}

/** One of everything that a node does; nothing of it may fail. */
async function exercise({ engine, ...node }: TestEngine, slug: string): Promise<void> {
  const { administration: admins, logins, ownSessions, sockets } = engine;
  const { caller, admin } = await node.makeTenant(slug);
  const user = await node.makeUser(caller, `one@${slug}.example`);
  const external = await logins.createSession(
    {
      tenant: slug,
      user: { externalId: 'E-1', email: `two@${slug}.example`, roles: ['clerk'] },
      amr: ['pwd'],
    },
    ORIGIN,
  );
  expect(external.user.roles).toEqual(['clerk']);
  const wrong = { password: 'wrong' };
  expect(await codeOf(node.login(slug, user.email, wrong))).toBe('invalid_credentials');
  const pair = await node.login(slug, user.email);
  const next = await logins.refresh(pair.refreshToken, ORIGIN);
  const own = await node.callerOf(next);
  expect(await ownSessions.list(own, PAGE)).toHaveLength(1);
  await ownSessions.revokeOthers(own);
  const { ticket } = await sockets.issueTicket(own);
  expect(await sockets.redeemTicket(ticket)).toMatchObject({
    session: { sessionId: own.session.sessionId },
  });

  expect(await admins.listUsers(caller, PAGE)).toHaveLength(3);
  const { policy } = await admins.getPolicy(caller);
  await admins.putPolicy(caller, { ...policy, max_sessions_per_user: 5 }, null);
  await admins.patchUser(caller, user.uid, { roles: ['member', 'clerk'] }, null);
  const { reset } = await admins.resetPassword(caller, user.uid);
  expect(reset.token).toBeTruthy();
  expect(await admins.listSessions(caller, null, 'all', PAGE)).not.toHaveLength(0);
  await admins.revokeUser(caller, user.uid, OPTIONS);
  await admins.revokeAll(caller, OPTIONS);
  expect(await admins.listRevocations(caller, PAGE)).not.toHaveLength(0);
  await admins.deleteUser(caller, user.uid, null);
  await node.flush();
  const audit = await admins.listAudit(caller, {}, PAGE);
  expect(audit.map(({ action }) => action)).toContain('authn_login_fail');
  expect(await admins.listLimited(caller, PAGE)).toEqual([]);
  expect(await admins.nodes(caller)).not.toHaveLength(0);
  expect(await admins.stats(caller)).toMatchObject({ users: 2 });
  expect((await engine.jwks()).keys).not.toHaveLength(0);
  expect(await admins.getUser(caller, admin.uid)).toMatchObject({ email: admin.email });
}
