import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordStore } from '../../src/record/contract.ts';
import { codeOf, ORIGIN, PASSWORD, startTestEngine, type TestEngine } from '../support/engine.ts';
import { startOldEngine } from '../support/old-release.ts';
import type { KeptRelease } from '../support/releases.ts';

/** A database that outlives those who open it. */
export interface UpgradeTarget {
  openOld(release: KeptRelease): Promise<RecordStore>;
  openNew(): Promise<RecordStore>;
  drop(): Promise<void>;
}

const PAGE = { limit: 200, cursor: null };

/**
 * What people did with an older release is there after the upgrade: the old schema, the old functions, and data that the
 * old release's own code made, brought up to this release.
 */
export function upgradeSuite(
  kind: string,
  release: KeptRelease,
  make: () => Promise<UpgradeTarget>,
): void {
  describe(`B4 an upgrade from ${release.version} on ${kind}`, () => {
    let target: UpgradeTarget;
    let made: Awaited<ReturnType<typeof makeData>>;
    let now: TestEngine;

    beforeAll(async () => {
      target = await make();
      const old = await startOldEngine(release, await target.openOld(release), true);
      try {
        made = await makeData(old);
      } finally {
        await old.close();
      }
      now = await startTestEngine({ record: await target.openNew() });
    });
    afterAll(async () => {
      await now?.close();
      await target?.drop();
    });

    const use = (token: string) => codeOf(now.engine.authentication.authenticate(token));
    const refresh = (token: string) => now.engine.logins.refresh(token, ORIGIN);

    test('an old password logs in, a wrong one does not', async () => {
      const again = await now.login('main', 'kept@main.example');
      expect(await use(again.accessToken)).toBe('none');
      const wrong = now.login('main', 'kept@main.example', { password: `${PASSWORD}x` });
      expect(await codeOf(wrong)).toBe('invalid_credentials');
      expect(await codeOf(now.login('main', 'disabled@main.example'))).toBe('invalid_credentials');
    });

    test('an old access token is good, an old refresh token refreshes, a used one ends its session', async () => {
      expect(await use(made.kept.accessToken)).toBe('none');
      const pair = await refresh(made.kept.refreshToken);
      expect(pair.session.sid).toBe(made.kept.session.sid);
      expect(await use(pair.accessToken)).toBe('none');
      expect(await codeOf(refresh(made.stolen))).toBe('session_revoked');
      expect(await codeOf(refresh(made.stolenLive))).toBe('session_revoked');
    });

    test('B3 what was revoked before is revoked now', async () => {
      for (const pair of [made.revokedSession, made.revokedUser, made.loggedOut]) {
        expect(await use(pair.accessToken)).toBe('session_revoked');
        expect(await codeOf(refresh(pair.refreshToken))).toBe('session_revoked');
      }
      const found = await now.engine.administration.getRevocation(made.admin, made.revocationId);
      expect(found).toMatchObject({ id: made.revocationId, scope: 'user' });
    });

    test('sessions, users, the policy and the audit trail are there', async () => {
      const { administration, ownSessions } = now.engine;
      const users = await administration.listUsers(made.admin, PAGE);
      expect(users.map(({ email }) => email).sort()).toEqual(made.emails);
      const { policy } = await administration.getPolicy(made.admin);
      expect(policy).toMatchObject({
        ...{ access_ttl: 120, max_sessions_per_user: 7 },
        // Whoever presents a token that was used before the last one is a thief at once.
        refresh_grace: 0,
      });
      const caller = await now.callerOf(made.kept);
      const own = await ownSessions.list(caller, PAGE);
      expect(own.map(({ deviceName }) => deviceName)).toContain('kept phone');
      const events = await administration.listAudit(made.admin, {}, PAGE);
      const ids = new Set(events.map(({ id }) => id));
      expect(made.auditIds.length).toBeGreaterThan(10);
      expect(made.auditIds.filter((id) => !ids.has(id))).toEqual([]);
    });

    test('the schema is this release’s, and stays so', async () => {
      await now.record.migrate();
      const { revocation } = await now.engine.administration.revokeAll(made.admin, {
        ...{ reason: 'after the upgrade', waitMs: 2_000, includeSelf: false, idempotency: null },
      });
      expect(revocation.barrier.effective).toBe('everywhere');
      expect(await use(made.kept.accessToken)).toBe('session_revoked');
    });
  });
}

/** People of an older release, and what they have done. */
async function makeData(old: TestEngine) {
  const { engine } = old;
  const { caller: admin } = await old.makeTenant('main');
  await old.setPolicy(admin, {
    ...{ access_ttl: 120, max_sessions_per_user: 7 },
    // Whoever presents a token that was used before the last one is a thief at once.
    refresh_grace: 0,
  });
  const device = (name: string) => ({ device: { name, kind: null } });

  const names = ['kept', 'one', 'all', 'out', 'theft', 'disabled'];
  const uids: Record<string, string> = {};
  for (const name of names) uids[name] = (await old.makeUser(admin, `${name}@main.example`)).uid;
  const login = (name: string) =>
    old.login('main', `${name}@main.example`, device(`${name} phone`));
  await codeOf(old.login('main', 'kept@main.example', { password: 'wrong' }));

  const first = await login('kept');
  const kept = await engine.logins.refresh(first.refreshToken, ORIGIN);
  const revokedSession = await login('one');
  const oneCaller = await old.callerOf(await login('one'));
  await engine.ownSessions.revoke(oneCaller, revokedSession.session.sid);
  const revokedUser = await login('all');
  const options = { reason: 'before', waitMs: 2_000, includeSelf: false, idempotency: null };
  const { revocation } = await engine.administration.revokeUser(admin, uids.all ?? '', options);
  const loggedOut = await login('out');
  await engine.logins.logout(
    { accessToken: loggedOut.accessToken, refreshToken: loggedOut.refreshToken },
    ORIGIN,
  );
  // Used twice over: whoever presents it is no owner whose answer was lost.
  const stolen = await login('theft');
  const second = await engine.logins.refresh(stolen.refreshToken, ORIGIN);
  const third = await engine.logins.refresh(second.refreshToken, ORIGIN);
  await engine.administration.patchUser(admin, uids.disabled ?? '', { status: 'disabled' }, null);
  await old.flush();
  const audit = await engine.administration.listAudit(admin, {}, PAGE);
  return {
    ...{ admin, kept, revokedSession, revokedUser, loggedOut },
    stolen: stolen.refreshToken,
    stolenLive: third.refreshToken,
    revocationId: revocation.id,
    emails: ['admin', ...names].map((name) => `${name}@main.example`).sort(),
    auditIds: audit.map(({ id }) => id),
  };
}
