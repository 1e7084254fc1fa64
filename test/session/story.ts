import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Caller, RevokeOptions, TokenPair } from '../../src/session/contract.ts';
import { codeOf, ORIGIN, PASSWORD, type TestEngine } from '../support/engine.ts';

const PAGE = { limit: 50, cursor: null };
const OPTIONS: RevokeOptions = {
  reason: null,
  waitMs: 2_000,
  includeSelf: false,
  idempotency: null,
};

/** What people and administrators do, on any record: the same on PGlite and on PostgreSQL. */
export function storyTests(start: () => Promise<TestEngine>): void {
  let test_: TestEngine;
  let admin: Caller;

  beforeAll(async () => {
    test_ = await start();
    admin = (await test_.makeTenant('main')).caller;
  });
  afterAll(() => test_.close());

  function use(pair: Pick<TokenPair, 'accessToken'>): Promise<string> {
    return codeOf(test_.engine.authentication.authenticate(pair.accessToken));
  }

  function refresh(pair: Pick<TokenPair, 'refreshToken'>): Promise<TokenPair> {
    return test_.engine.logins.refresh(pair.refreshToken, ORIGIN);
  }

  describe('several devices', () => {
    test('B2: each login is a session of its own, listed, and revocable singly', async () => {
      const user = await test_.makeUser(admin, 'noor@main.example');
      const [pc, phone, tablet] = await Promise.all(
        ['PC', 'phone', 'tablet'].map((name) =>
          test_.login('main', 'noor@main.example', { device: { name, kind: null } }),
        ),
      );
      if (!pc || !phone || !tablet) throw new Error('three logins');
      const caller = await test_.callerOf(pc);
      expect(caller.session).toMatchObject({
        userId: user.uid,
        roles: ['member'],
        freshness: 'fresh',
      });
      const listed = await test_.engine.ownSessions.list(caller, PAGE);
      expect(listed.map(({ deviceName }) => deviceName).sort()).toEqual(['PC', 'phone', 'tablet']);

      const { revocation } = await test_.engine.ownSessions.revoke(caller, phone.session.sid);
      expect(revocation).toMatchObject({ scope: 'session', barrier: { effective: 'everywhere' } });
      expect(await Promise.all([use(pc), use(phone), use(tablet)])).toEqual([
        'none',
        'session_revoked',
        'none',
      ]);
      expect(await codeOf(refresh(phone))).toBe('session_revoked');
      expect(await test_.engine.ownSessions.list(caller, PAGE)).toHaveLength(2);

      await test_.engine.ownSessions.revokeOthers(caller);
      expect(await Promise.all([use(pc), use(tablet)])).toEqual(['none', 'session_revoked']);
    });

    test('ASVS 7.5.2: nobody sees or ends the session of somebody else', async () => {
      await test_.makeUser(admin, 'ida@main.example');
      await test_.makeUser(admin, 'ole@main.example');
      const ida = await test_.login('main', 'ida@main.example');
      const ole = await test_.login('main', 'ole@main.example');
      const caller = await test_.callerOf(ida);
      expect(await codeOf(test_.engine.ownSessions.revoke(caller, ole.session.sid))).toBe(
        'not_found',
      );
      expect(await use(ole)).toBe('none');
    });
  });

  describe('forced logout', () => {
    test('B3, ASVS 7.4.5: an administrator ends one user; the tokens are dead before the call returns', async () => {
      const user = await test_.makeUser(admin, 'kim@main.example');
      const pairs = await Promise.all([1, 2, 3].map(() => test_.open('main', user.uid)));
      const { revocation } = await test_.engine.administration.revokeUser(admin, user.uid, {
        ...OPTIONS,
        reason: 'lost laptop',
      });
      expect(revocation).toMatchObject({
        scope: 'user',
        reason: 'lost laptop',
        subject: { uid: user.uid },
        epoch: revocation.position,
        barrier: { effective: 'everywhere', members: 1, acknowledged: 1 },
      });
      for (const pair of pairs) {
        expect(await use(pair)).toBe('session_revoked');
        expect(await codeOf(refresh(pair))).toBe('session_revoked');
      }
      const again = await test_.login('main', 'kim@main.example');
      expect(await use(again)).toBe('none');
      expect(again.session.epoch).toBeGreaterThanOrEqual(revocation.position);

      const later = await test_.engine.administration.getRevocation(admin, revocation.id);
      expect(later).toMatchObject({ id: revocation.id, barrier: { effective: 'everywhere' } });
    });

    test('ASVS 7.4.5: everyone of a tenant but the administrator who asks; another tenant is untouched', async () => {
      const here = await test_.makeTenant('here');
      const there = await test_.makeTenant('there');
      const user = await test_.makeUser(here.caller, 'sam@here.example');
      const pair = await test_.open('here', user.uid);
      await test_.engine.administration.revokeAll(here.caller, OPTIONS);
      expect(await Promise.all([use(pair), use(here.pair), use(there.pair)])).toEqual([
        'session_revoked',
        'none',
        'none',
      ]);
      await test_.engine.administration.revokeAll(here.caller, { ...OPTIONS, includeSelf: true });
      expect(await use(here.pair)).toBe('session_revoked');
    });

    test('B1, ASVS 8.4.1: ids of another tenant are answered like those that do not exist', async () => {
      const other = await test_.makeTenant('other');
      const victim = other.caller.session;
      const { administration } = test_.engine;
      const tries = [
        administration.getUser(admin, victim.userId),
        administration.patchUser(admin, victim.userId, { name: 'x' }, null),
        administration.deleteUser(admin, victim.userId, null),
        administration.resetPassword(admin, victim.userId),
        administration.revokeUser(admin, victim.userId, OPTIONS),
        administration.revokeSession(admin, victim.sessionId, OPTIONS),
        test_.engine.ownSessions.revoke(admin, victim.sessionId),
      ];
      expect(await Promise.all(tries.map(codeOf))).toEqual(tries.map(() => 'not_found'));
      const { revocation } = await administration.revokeAll(other.caller, OPTIONS);
      expect(await codeOf(administration.getRevocation(admin, revocation.id))).toBe('not_found');
      expect(await use(other.pair)).toBe('none');
    });

    test('an idempotency key gives the same revocation once, and refuses another body', async () => {
      const user = await test_.makeUser(admin, 'idem@main.example');
      const keyed = (byte: number): RevokeOptions => ({
        ...OPTIONS,
        idempotency: { key: 'k-1', bodyHash: new Uint8Array(32).fill(byte) },
      });
      const first = await test_.engine.administration.revokeUser(admin, user.uid, keyed(1));
      const pair = await test_.open('main', user.uid);
      const second = await test_.engine.administration.revokeUser(admin, user.uid, keyed(1));
      expect(second.revocation.id).toBe(first.revocation.id);
      expect(await use(pair)).toBe('none');
      const other = test_.engine.administration.revokeUser(admin, user.uid, keyed(2));
      expect(await codeOf(other)).toBe('idempotency_key_reused');
    });
  });

  describe('users', () => {
    test('ASVS 7.4.2: disabling and deleting end all sessions, and nobody logs in', async () => {
      const user = await test_.makeUser(admin, 'lea@main.example');
      const first = await test_.open('main', user.uid);
      const patch = { status: 'disabled' } as const;
      const disabled = await test_.engine.administration.patchUser(admin, user.uid, patch, null);
      expect(disabled.user.status).toBe('disabled');
      expect(disabled.revocation?.barrier.effective).toBe('everywhere');
      expect(await use(first)).toBe('session_revoked');
      expect(await codeOf(refresh(first))).toBe('session_revoked');
      expect(await codeOf(test_.login('main', 'lea@main.example'))).toBe('invalid_credentials');

      await test_.engine.administration.patchUser(admin, user.uid, { status: 'active' }, null);
      const second = await test_.login('main', 'lea@main.example');
      expect(await use(first)).toBe('session_revoked');
      await test_.engine.administration.deleteUser(admin, user.uid, null);
      expect(await use(second)).toBe('session_revoked');
      expect(await codeOf(refresh(second))).not.toBe('none');
      expect(await codeOf(test_.login('main', 'lea@main.example'))).toBe('invalid_credentials');
    });

    test('A15, ASVS 8.3.2: changed roles apply at once, without logging out', async () => {
      const user = await test_.makeUser(admin, 'max@main.example', ['admin']);
      const pair = await test_.open('main', user.uid);
      const before = await test_.callerOf(pair);
      await test_.engine.administration.patchUser(admin, user.uid, { roles: ['member'] }, null);
      expect(await use(pair)).toBe('token_superseded');
      const next = await refresh(pair);
      const options = { roles: ['admin'] };
      const denied = test_.engine.authentication.authenticate(next.accessToken, options);
      expect(await codeOf(denied)).toBe('insufficient_role');
      // AUTHORITY: a request that was let in before the change has no authority any more.
      expect(await codeOf(test_.engine.administration.revokeAll(before, OPTIONS))).toBe(
        'insufficient_role',
      );
    });

    test('the last administrator stays one', async () => {
      const lone = await test_.makeTenant('lone');
      const { userId } = lone.caller.session;
      const { administration } = test_.engine;
      const tries = [
        administration.patchUser(lone.caller, userId, { roles: ['member'] }, null),
        administration.patchUser(lone.caller, userId, { status: 'disabled' }, null),
        administration.deleteUser(lone.caller, userId, null),
      ];
      expect(await Promise.all(tries.map(codeOf))).toEqual(tries.map(() => 'last_administrator'));
      expect(await use(lone.pair)).toBe('none');
    });

    test('If-Match: a change that rests on another version is refused', async () => {
      const user = await test_.makeUser(admin, 'vera@main.example');
      const { administration } = test_.engine;
      const patch = { name: 'Vera' };
      const stale = administration.patchUser(admin, user.uid, patch, user.version + 7);
      expect(await codeOf(stale)).toBe('precondition_failed');
      const { user: next } = await administration.patchUser(admin, user.uid, patch, user.version);
      expect(next).toMatchObject({ name: 'Vera', version: user.version + 1 });
      expect(await codeOf(administration.deleteUser(admin, user.uid, user.version))).toBe(
        'precondition_failed',
      );
    });
  });

  describe('regeneration', () => {
    test('A15, ASVS 7.2.4: every login gives new identifiers', async () => {
      await test_.makeUser(admin, 'new@main.example');
      const one = await test_.login('main', 'new@main.example');
      const two = await test_.login('main', 'new@main.example', { deviceToken: one.deviceToken });
      expect(two.session.sid).not.toBe(one.session.sid);
      expect(two.refreshToken).not.toBe(one.refreshToken);
      expect(two.deviceToken.split('.')[0]).toBe(one.deviceToken.split('.')[0]);
    });

    test('A15, ASVS 7.2.4: re-authentication keeps the session and supersedes its older tokens', async () => {
      await test_.makeUser(admin, 'rea@main.example');
      const before = await test_.login('main', 'rea@main.example');
      const other = await test_.login('main', 'rea@main.example');
      const caller = await test_.callerOf(before);
      expect(await codeOf(test_.engine.logins.reauthenticate(caller, 'not the password'))).toBe(
        'invalid_credentials',
      );
      expect(await use(before)).toBe('none');
      const after = await test_.engine.logins.reauthenticate(caller, PASSWORD);
      expect(after.session.sid).toBe(before.session.sid);
      expect(after.session.authTimeMs).toBeGreaterThanOrEqual(before.session.authTimeMs);
      expect(after.revocation).toMatchObject({
        scope: 'reissue',
        barrier: { effective: 'everywhere' },
      });
      expect(await Promise.all([use(before), use(after), use(other)])).toEqual([
        'token_superseded',
        'none',
        'none',
      ]);
      expect((await refresh(after)).session.sid).toBe(before.session.sid);
    });

    test('A15, ASVS 7.4.3: a changed password ends all other sessions and keeps this one', async () => {
      await test_.makeUser(admin, 'pia@main.example');
      const here = await test_.login('main', 'pia@main.example');
      const there = await test_.login('main', 'pia@main.example');
      const caller = await test_.callerOf(here);
      const { logins } = test_.engine;
      expect(await codeOf(logins.changePassword(caller, PASSWORD, 'short'))).toBe(
        'validation_failed',
      );
      expect(
        await codeOf(logins.changePassword(caller, 'wrong one', 'purple-otter-canyon-11')),
      ).toBe('invalid_credentials');
      const after = await logins.changePassword(caller, PASSWORD, 'purple-otter-canyon-11');
      expect(await Promise.all([use(here), use(there), use(after)])).toEqual([
        'token_superseded',
        'session_revoked',
        'none',
      ]);
      expect(after.session.sid).toBe(here.session.sid);
      expect(await codeOf(refresh(there))).toBe('session_revoked');
      expect((await refresh(after)).session.sid).toBe(here.session.sid);
      expect(await codeOf(test_.login('main', 'pia@main.example'))).toBe('invalid_credentials');
      await test_.login('main', 'pia@main.example', { password: 'purple-otter-canyon-11' });
    });

    test('a reset link works once, ends all sessions, and the old password is dead before', async () => {
      const user = await test_.makeUser(admin, 'uma@main.example');
      const pair = await test_.open('main', user.uid);
      const { reset } = await test_.engine.administration.resetPassword(admin, user.uid);
      expect(await use(pair)).toBe('session_revoked');
      expect(await codeOf(test_.login('main', 'uma@main.example'))).toBe('invalid_credentials');
      const { logins } = test_.engine;
      const next = 'orange-meadow-pencil-58';
      expect(await codeOf(logins.resetPassword(`${reset.token}x`, next, ORIGIN))).toBe(
        'invalid_token',
      );
      const between = await test_.open('main', user.uid);
      const { revocation } = await logins.resetPassword(reset.token, next, ORIGIN);
      expect(revocation).toMatchObject({ scope: 'user', subject: { uid: user.uid } });
      expect(await use(between)).toBe('session_revoked');
      expect(await codeOf(logins.resetPassword(reset.token, next, ORIGIN))).toBe('invalid_token');
      await test_.login('main', 'uma@main.example', { password: next });
    });

    test('B13, A8: a shortened policy applies to sessions that exist', async () => {
      const short = await test_.makeTenant('short');
      await test_.setPolicy(short.caller, { access_ttl: 60 });
      expect(await use(short.pair)).toBe('token_superseded');
      const next = await refresh(short.pair);
      expect(next.expiresInSeconds).toBe(60);
      const caller = await test_.callerOf(next);
      const { policy } = await test_.engine.administration.getPolicy(caller);
      const longer = { ...policy, access_ttl: 120 };
      const put = await test_.engine.administration.putPolicy(caller, longer, null);
      expect(put).toMatchObject({ revocation: null, policy: { access_ttl: 120 } });
      expect(await use(next)).toBe('none');
    });
  });

  describe('logout', () => {
    test('ASVS 7.4.1: the session is dead on return; a second logout says nothing was left', async () => {
      await test_.makeUser(admin, 'out@main.example');
      const pair = await test_.login('main', 'out@main.example');
      const { logins } = test_.engine;
      const presented = { accessToken: pair.accessToken, refreshToken: null };
      const { revocation } = await logins.logout(presented, ORIGIN);
      expect(revocation?.barrier.effective).toBe('everywhere');
      expect(await use(pair)).toBe('session_revoked');
      expect(await codeOf(refresh(pair))).toBe('session_revoked');
      expect(await logins.logout(presented, ORIGIN)).toEqual({ revocation: null });
      const byRefresh = { accessToken: null, refreshToken: pair.refreshToken };
      expect(await logins.logout(byRefresh, ORIGIN)).toEqual({ revocation: null });
    });

    test('ASVS 7.4.1: by the refresh token alone; nothing verifiable is 401', async () => {
      await test_.makeUser(admin, 'off@main.example');
      const pair = await test_.login('main', 'off@main.example');
      const { logins } = test_.engine;
      const { revocation } = await logins.logout(
        { accessToken: 'e30.e30.e30', refreshToken: pair.refreshToken },
        ORIGIN,
      );
      expect(revocation).not.toBeNull();
      expect(await use(pair)).toBe('session_revoked');
      const nothing = { accessToken: 'forged', refreshToken: 'forged' };
      expect(await codeOf(logins.logout(nothing, ORIGIN))).toBe('credentials_required');
    });
  });

  describe('products with their own users', () => {
    test('A12: a user is made on first sight and brought up to date', async () => {
      const { logins } = test_.engine;
      const user = { externalId: '4711', email: 'Ext@Main.example', name: 'Ext', roles: ['buyer'] };
      const input = { tenant: 'main', user, amr: ['pwd', 'otp'] };
      const [one, two] = await Promise.all([
        logins.createSession(input, ORIGIN),
        logins.createSession(input, ORIGIN),
      ]);
      expect(two.user.uid).toBe(one.user.uid);
      expect(one.user).toMatchObject({
        externalId: '4711',
        email: 'ext@main.example',
        name: 'Ext',
      });
      expect((await test_.callerOf(one)).session).toMatchObject({
        roles: ['buyer'],
        amr: ['pwd', 'otp'],
      });
      const moved = { ...user, email: 'moved@main.example', roles: ['seller'] };
      const three = await logins.createSession({ ...input, user: moved }, ORIGIN);
      expect(three.user).toMatchObject({ email: 'moved@main.example', roles: ['seller'] });
      expect(await use(one)).toBe('token_superseded');
      const bad = [
        logins.createSession({ ...input, tenant: 'nowhere' }, ORIGIN),
        logins.createSession({ ...input, amr: [] }, ORIGIN),
        logins.createSession({ tenant: 'main', user: { uid: 'nobody' }, amr: ['pwd'] }, ORIGIN),
      ];
      expect(await Promise.all(bad.map(codeOf))).toEqual([
        'not_found',
        'validation_failed',
        'not_found',
      ]);
    });
  });
}
