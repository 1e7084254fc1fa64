import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HubEvent } from '../../src/hub/contract.ts';
import type { Caller, TokenPair } from '../../src/session/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';

const clock = createTestClock();
let test_: TestEngine;
let admin: Caller;

beforeAll(async () => {
  test_ = await startTestEngine({ clock });
  admin = (await test_.makeTenant('main')).caller;
});
afterAll(() => test_.close());

let count = 0;
async function newPair(): Promise<TokenPair> {
  count += 1;
  const user = { externalId: `u${count}`, email: `u${count}@main.example` };
  return test_.engine.logins.createSession({ tenant: 'main', user, amr: ['pwd'] }, ORIGIN);
}

function refresh(pair: Pick<TokenPair, 'refreshToken'>): Promise<TokenPair> {
  return test_.engine.logins.refresh(pair.refreshToken, ORIGIN);
}

function use(pair: Pick<TokenPair, 'accessToken'>): Promise<string> {
  return codeOf(test_.engine.authentication.authenticate(pair.accessToken));
}

describe('rotation', () => {
  test('ASVS 10.4.5: each use gives another token, and the access token follows roles and epoch', async () => {
    const first = await newPair();
    const second = await refresh(first);
    const third = await refresh(second);
    expect(new Set([first, second, third].map((pair) => pair.refreshToken)).size).toBe(3);
    expect(await use(third)).toBe('none');
    expect(third.session).toMatchObject({
      sid: first.session.sid,
      epoch: first.session.epoch,
      rot: 2,
    });
  });

  test('ASVS 15.4.2: 50 parallel refreshes of one token leave one live successor, held by all', async () => {
    const pair = await newPair();
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(pair)));
    const tokens = new Set(answers.map((answer) => answer.refreshToken));
    expect(tokens.size).toBe(1);
    expect(answers.every((answer) => answer.session.rot === 1)).toBe(true);
    const [live] = tokens;
    expect((await refresh({ refreshToken: live ?? '' })).session.rot).toBe(2);
  });

  test('the grace window neither forks nor slides, and follows the chain to its live token', async () => {
    const first = await newPair();
    const second = await refresh(first);
    await clock.advance(6_000);
    const third = await refresh(second);
    expect((await refresh(first)).refreshToken).toBe(third.refreshToken);
    // The repeat has moved nothing: the window is that of the first use.
    await clock.advance(4_000);
    expect(await codeOf(refresh(first))).toBe('session_revoked');
  });

  test('ASVS 10.4.5, RFC 9700: a used token after its window ends the session before anybody is answered', async () => {
    const events: HubEvent[] = [];
    const stop = test_.services.hub.onEvent((event) => events.push(event));
    const stolen = await newPair();
    const owner = await refresh(stolen);
    expect(await use(owner)).toBe('none');
    await clock.advance(11_000);
    expect(await codeOf(refresh(stolen))).toBe('session_revoked');
    expect(await use(owner)).toBe('session_revoked');
    expect(await codeOf(refresh(owner))).toBe('session_revoked');
    stop();
    expect(events.map(({ type }) => type)).toContain('token.reused');
    const { sid } = stolen.session;
    const rows = await test_.engine.administration.listAudit(
      admin,
      { action: 'authn_token_reuse' },
      { limit: 50, cursor: null },
    );
    expect(rows.map(({ subject }) => subject?.id)).toContain(sid);
  });

  test('an unknown secret is 401 and nothing else: the session lives', async () => {
    const pair = await newPair();
    const { tenantId } = admin.session;
    const forged = `${tenantId}.${pair.session.sid}.${'A'.repeat(43)}`;
    expect(await codeOf(refresh({ refreshToken: forged }))).toBe('invalid_refresh_token');
    expect(await codeOf(refresh({ refreshToken: 'nonsense' }))).toBe('invalid_refresh_token');
    const other = `${'B'.repeat(22)}.${pair.refreshToken.split('.').slice(1).join('.')}`;
    expect(await codeOf(refresh({ refreshToken: other }))).toBe('invalid_refresh_token');
    expect(await use(pair)).toBe('none');
    await refresh(pair);
  });
});

describe('lifetimes', () => {
  test('ASVS 7.4.1: an access token ends at its exp, without leeway, and its session goes on', async () => {
    const pair = await newPair();
    const { session } = await test_.callerOf(pair);
    await clock.advance(session.expiresAt * 1000 - test_.services.follower.wallNowMs() - 10);
    expect(await use(pair)).toBe('none');
    await clock.advance(20);
    expect(await use(pair)).toBe('token_expired');
    expect(await use(await refresh(pair))).toBe('none');
  });

  test('ASVS 7.3.1: activity resets the idle time, a refresh does not', async () => {
    const active = await newPair();
    const silent = await newPair();
    let alive = active;
    let mute = silent;
    for (let minutes = 0; minutes < 70; minutes += 10) {
      await clock.advance(10 * 60_000);
      await test_.flush();
      alive = await refresh(alive);
      await test_.engine.authentication.authenticate(alive.accessToken);
      await test_.flush();
      if (minutes < 40) mute = await refresh(mute);
    }
    expect(await codeOf(refresh(mute))).toBe('session_expired');
    expect(await codeOf(refresh(alive))).toBe('none');
  });

  test('B14 ASVS 16.3.1 A7: an expired session is recorded once, however often its token comes', async () => {
    const pair = await newPair();
    await clock.advance(pair.session.expiresAtMs - test_.services.follower.wallNowMs() + 1000);
    for (let n = 0; n < 5; n += 1) expect(await codeOf(refresh(pair))).toBe('session_expired');
    await test_.flush();
    const { sid, uid } = pair.session;
    const rows = await test_.record.audit.list(
      admin.session.tenantId,
      { action: 'session_expired' },
      { limit: 50, cursor: null },
    );
    expect(rows.filter(({ subject }) => subject?.id === sid)).toMatchObject([
      { actor: { kind: 'system' }, detail: { uid, why: 'absolute' }, ip: ORIGIN.ip },
    ]);
    const refused = await test_.record.audit.list(
      admin.session.tenantId,
      { action: 'authn_token_refused' },
      { limit: 50, cursor: null },
    );
    // In one row together, beside those of other tests.
    expect(refused.map(({ detail }) => detail.count)).toContain(5);
  });

  test('ASVS 7.3.2, 10.4.8: nothing outlives the absolute end, not even by refreshing', async () => {
    const pair = await newPair();
    const endsAtMs = pair.session.expiresAtMs;
    expect(endsAtMs - pair.session.createdAtMs).toBe(86_400_000);
    let live = pair;
    while (endsAtMs - test_.services.follower.wallNowMs() > 30 * 60_000) {
      await clock.advance(20 * 60_000);
      live = await refresh(live);
      await test_.engine.authentication.authenticate(live.accessToken);
      await test_.flush();
    }
    await clock.advance(endsAtMs - test_.services.follower.wallNowMs() - 60_000);
    live = await refresh(live);
    const { session } = await test_.callerOf(live);
    expect(session.expiresAt * 1000).toBeLessThanOrEqual(endsAtMs);
    await clock.advance(60_000);
    expect(await codeOf(refresh(live))).toBe('session_expired');
    expect(await use(live)).toBe('token_expired');
  });

  test('ASVS 7.5.1: maxAuthAge asks for a recent proof of who it is', async () => {
    const pair = await newPair();
    const { authentication } = test_.engine;
    const within = (maxAuthAgeSeconds: number) =>
      codeOf(authentication.authenticate(pair.accessToken, { maxAuthAgeSeconds }));
    expect(await within(60)).toBe('none');
    await clock.advance(62_000);
    expect(await within(60)).toBe('reauthentication_required');
    expect(await within(120)).toBe('none');
  });
});
