import { afterEach, describe, expect, test } from 'vitest';
import { newId } from '../../src/id.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';

let engine: TestEngine;
afterEach(() => engine.close());

const NOBODY = { accessToken: null, refreshToken: null };

describe('ASVS 7.4.1: what logout says is so', () => {
  test('ASVS 7.4.1 a session that grew idle is ended by its refresh token: its access token is good no more', async () => {
    const clock = createTestClock();
    engine = await startTestEngine({ clock });
    const { caller } = await engine.makeTenant('main');
    await engine.setPolicy(caller, { access_ttl: 300, idle_timeout: 300 });
    const user = await engine.makeUser(caller, 'idle@main.example');
    const first = await engine.open('main', user.uid);
    await clock.advance(290_000);
    const pair = await engine.engine.logins.refresh(first.refreshToken, ORIGIN);
    await clock.advance(30_000);
    await engine.flush();
    await clock.advance(1000);
    const { logins, authentication } = engine.engine;
    const use = () => codeOf(authentication.authenticate(pair.accessToken));
    // A token is no evidence of presence, but while it lives nodes take it.
    expect(await use()).toBe('none');
    const byRefresh = { ...NOBODY, refreshToken: pair.refreshToken };
    await logins.logout(byRefresh, ORIGIN);
    expect(await use()).toBe('session_revoked');
    const { position } = (await engine.record.log.list(caller.session.tenantId, PAGE))[0] ?? {};
    await logins.logout(byRefresh, ORIGIN);
    // A token that is dead for good adds nothing to the log, however often it comes.
    expect((await engine.record.log.list(caller.session.tenantId, PAGE))[0]?.position).toBe(
      position,
    );
  });

  test('B3 ASVS 7.4.1 a second logout is no sooner over everywhere than the first', async () => {
    engine = await startTestEngine();
    const { caller } = await engine.makeTenant('main');
    const user = await engine.makeUser(caller, 'out@main.example');
    const pair = await engine.open('main', user.uid);
    const { logins } = engine.engine;
    const byAccess = { ...NOBODY, accessToken: pair.accessToken };
    const byRefresh = { ...NOBODY, refreshToken: pair.refreshToken };
    const silent = newId();
    await engine.record.members.join({
      id: silent,
      leaseMs: 10_000,
      toleranceMs: 20_000,
      version: 1,
      address: null,
    });
    for (const presented of [byAccess, byAccess, byRefresh]) {
      const { revocation } = await logins.logout(presented, ORIGIN);
      expect(revocation?.barrier.effective).toBe('pending');
    }
    await engine.record.members.leave(silent);
    for (const presented of [byAccess, byRefresh]) {
      expect(await logins.logout(presented, ORIGIN)).toEqual({ revocation: null });
    }
  });
});

const PAGE = { limit: 1, cursor: null };
