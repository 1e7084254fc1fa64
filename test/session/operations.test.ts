import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { newId } from '../../src/id.ts';
import { createLevels } from '../../src/observe/levels.ts';
import { createLogger } from '../../src/observe/logger.ts';
import type { Database } from '../../src/record/database.ts';
import type { LifetimeCeiling } from '../../src/tenant/ceiling.ts';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { makeResetToken } from '../../src/token/reset-token.ts';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';
import { byHand } from '../support/seed.ts';

let test_: TestEngine;
let database: Database;
let offsetMs = 0;
const clock: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() + offsetMs,
  wallMs: () => systemClock.wallMs() + offsetMs,
};
const lines: string[] = [];
const log = createLogger('info', (line) => lines.push(line));

beforeAll(async () => {
  const opened = await openTestRecord();
  database = opened.database;
  test_ = await startTestEngine({ record: opened.record, clock, log, levels: createLevels(log) });
});
afterAll(() => test_.close());

const by = 'noor';
const HOUR = { forSeconds: 3_600 };
const MINUTE = { forSeconds: 60 };
const MINUTE_MS = 60_000;
const TOLD = { effective: 'everywhere', members: 1, waitingFor: [] };

afterEach(async () => {
  const { operator } = test_.engine;
  const { overrides } = await operator.operations();
  for (const { kind, node } of overrides) await operator.clearOverride({ by, kind, node });
});

/** The newest row that operators have left. */
async function newestRow(): Promise<Record<string, unknown> | undefined> {
  const [row] = await byHand(database, {
    text: `select tid, action, outcome, actor_kind, subject_id, detail from sekisho.audit
            where action like 'ops_%' order by at desc, id desc limit 1`,
  });
  return row;
}

describe('A8: lifetimes of all tenants', () => {
  test('A8 existing tokens are superseded everywhere, and refresh to shorter ones; its end needs nobody', async () => {
    const { engine } = test_;
    const { operator } = engine;
    const opened = [await test_.makeTenant('short-a'), await test_.makeTenant('short-b')];
    const { override, revocation } = await operator.overrideLifetimes({
      ...{ by, ceiling: { access_ttl: 40, idle_timeout: 900 }, end: HOUR, waitMs: null },
    });
    expect(revocation).toMatchObject({
      ...{ scope: 'reissue', reason: 'lifetimes_overridden' },
      subject: { tid: null, uid: null, sid: null },
      barrier: { effective: 'everywhere' },
    });
    expect(override).toMatchObject({ kind: 'lifetimes', by });
    const refreshed = [];
    for (const { pair } of opened) {
      const judged = engine.authentication.authenticate(pair.accessToken);
      expect(await codeOf(judged)).toBe('token_superseded');
      const next = await engine.logins.refresh(pair.refreshToken, ORIGIN);
      expect(next.expiresInSeconds).toBe(40);
      await engine.authentication.authenticate(next.accessToken);
      refreshed.push(next);
    }
    expect(await newestRow()).toMatchObject({
      ...{ tid: '', action: 'ops_lifetimes_set', outcome: 'success', actor_kind: 'operator' },
      detail: { by, access_ttl: 40, idle_timeout: 900, until: expect.stringMatching(/Z$/) },
    });
    expect(await operator.clearOverride({ by, kind: 'lifetimes', node: null })).toEqual(TOLD);
    expect(await newestRow()).toMatchObject({ action: 'ops_lifetimes_cleared', detail: { by } });
    for (const { accessToken, refreshToken } of refreshed) {
      // Nothing dies at the end: tokens of it go on, and the next ones live longer.
      await engine.authentication.authenticate(accessToken);
      const next = await engine.logins.refresh(refreshToken, ORIGIN);
      expect(next.expiresInSeconds).toBe(DEFAULT_POLICY.access_ttl);
    }
  });

  // Each line: the ceiling in force and how long still, the next one and how long, and whether something may outlive it.
  test.each([
    ['nothing', null, [{ access_ttl: 60 }, 3_600], true],
    ['a lower one', [{ access_ttl: 90 }, 3_600], [{ access_ttl: 60 }, 3_600], true],
    ['a higher one', [{ access_ttl: 60 }, 3_600], [{ access_ttl: 90 }, 3_600], false],
    ['the same for longer', [{ access_ttl: 60 }, 3_600], [{ access_ttl: 60 }, 7_200], false],
    ['the same, idle for longer', [{ idle_timeout: 60 }, 600], [{ idle_timeout: 60 }, 900], false],
    ['another field', [{ access_ttl: 60 }, 3_600], [{ idle_timeout: 9_000 }, 3_600], true],
    [
      'one field less',
      [{ access_ttl: 60, idle_timeout: 90 }, 600],
      [{ access_ttl: 60 }, 600],
      false,
    ],
    // Sockets know of a session's end as it is after the first one.
    [
      'sessions that end later on',
      [{ absolute_timeout: 90 }, 600],
      [{ absolute_timeout: 90 }, 900],
      true,
    ],
    [
      'sessions, for less long',
      [{ absolute_timeout: 90 }, 900],
      [{ absolute_timeout: 90 }, 600],
      false,
    ],
    // What is made after its end knows neither.
    ['one that is nearly over', [{ access_ttl: 60 }, 30], [{ access_ttl: 60 }, 3_600], true],
  ] as const)(
    'A8 after %s tokens are superseded only where one may outlive the next',
    async (name, first, next, shorter) => {
      const { operator, logins, authentication } = test_.engine;
      const put = ([ceiling, forSeconds]: readonly [object, number]) =>
        operator.overrideLifetimes({ by, ceiling, end: { forSeconds }, waitMs: null });
      const { admin, tenant } = await test_.makeTenant(`then-${name.replaceAll(/[ ,]+/g, '-')}`);
      if (first !== null) await put(first);
      const pair = await test_.open(tenant.slug, admin.uid);
      const { position } = (await test_.record.log.head()).head;
      const { override, revocation } = await put(next);
      expect([
        revocation?.scope ?? null,
        (await test_.record.log.head()).head.position - position,
      ]).toEqual(shorter ? ['reissue', 1] : [null, 0]);
      const judged = await codeOf(authentication.authenticate(pair.accessToken));
      expect(judged).toBe(shorter ? 'token_superseded' : 'none');
      // Either way it is in force at once, and audited.
      expect((await operator.operations()).overrides).toMatchObject([{ id: override.id }]);
      const refreshed = await logins.refresh(pair.refreshToken, ORIGIN);
      const {
        access_ttl = 300,
        idle_timeout = 300,
        absolute_timeout = 300,
      }: LifetimeCeiling = next[0];
      const most = Math.min(access_ttl, idle_timeout, absolute_timeout);
      expect(refreshed.expiresInSeconds).toBeGreaterThan(most - 60);
      expect(refreshed.expiresInSeconds).toBeLessThanOrEqual(most);
      expect(await newestRow()).toMatchObject({ action: 'ops_lifetimes_set', detail: { shorter } });
    },
  );

  test('A8 two operators at once: whoever comes second judges by the first one', async () => {
    const { operator } = test_.engine;
    const put = (access_ttl: number) =>
      operator.overrideLifetimes({ by, ceiling: { access_ttl }, end: HOUR, waitMs: null });
    await put(60);
    const [low, high] = await Promise.all([put(40), put(50)]);
    expect(low.revocation?.scope).toBe('reissue');
    const { overrides } = await operator.operations();
    expect(overrides).toHaveLength(1);
    // The one that was put after the lower one superseded nothing, the one before it did.
    const last = overrides[0]?.id === high.override.id;
    expect(high.revocation?.scope ?? null).toBe(last ? null : 'reissue');
  });

  test('A8 it ends by itself', async () => {
    const { operator, logins } = test_.engine;
    const { pair } = await test_.makeTenant('short-c');
    await operator.overrideLifetimes({
      ...{ by, ceiling: { access_ttl: 30 }, end: MINUTE, waitMs: 0 },
    });
    const first = await logins.refresh(pair.refreshToken, ORIGIN);
    expect(first.expiresInSeconds).toBe(30);
    offsetMs += MINUTE_MS;
    const next = await logins.refresh(first.refreshToken, ORIGIN);
    expect(next.expiresInSeconds).toBe(DEFAULT_POLICY.access_ttl);
    expect((await operator.operations()).overrides).toEqual([]);
  });

  test.each([
    ['nothing', {}, HOUR],
    ['an access token of nothing', { access_ttl: 0 }, HOUR],
    ['an access token of an hour', { access_ttl: 3_600 }, HOUR],
    ['another field', { refresh_grace: 5 }, HOUR],
    ['an end that is over', { access_ttl: 60 }, { untilMs: 1 }],
    ['an end that is far', { access_ttl: 60 }, { forSeconds: 31 * 86_400 }],
    ['no end', { access_ttl: 60 }, { forSeconds: Number.NaN }],
  ])('A8 %s is refused, and nothing is in force', async (_, ceiling, end) => {
    const { operator } = test_.engine;
    const put = operator.overrideLifetimes({ by, ceiling: ceiling as object, end, waitMs: 0 });
    expect(await codeOf(put)).toBe('validation_failed');
    expect((await operator.operations()).overrides).toEqual([]);
  });
});

describe('A8: login limits of all tenants', () => {
  test('A8 ASVS 6.3.1 they tighten at once, for accounts that exist and those that do not alike', async () => {
    const { operator } = test_.engine;
    const { caller } = await test_.makeTenant('limits');
    await test_.makeUser(caller, 'ann@limits.example');
    const wrong = (slug: string, email: string) =>
      codeOf(test_.login(slug, email, { password: 'wrong-wrong-wrong' }));
    const who = [
      ['limits', 'ann@limits.example'],
      ['limits', 'nobody@limits.example'],
      ['nowhere', 'ann@nowhere.example'],
    ] as const;
    for (const [slug, email] of who) {
      for (let n = 0; n < 6; n += 1) expect(await wrong(slug, email)).toBe('invalid_credentials');
    }
    // Six count, so the next one has to wait for half a minute and not for a second.
    const limits = { account_attempts: 1 };
    expect(await operator.overrideLimits({ by, limits, end: HOUR })).toMatchObject(TOLD);
    for (const [slug, email] of who) expect(await wrong(slug, email)).toBe('too_many_attempts');
    const limited = await test_.engine.administration.listLimited(caller, {
      limit: 9,
      cursor: null,
    });
    expect(limited.map(({ email }) => email).sort()).toEqual(
      ['ann@limits.example', 'nobody@limits.example'].sort(),
    );
    expect(await newestRow()).toMatchObject({
      action: 'ops_limits_set',
      detail: { by, account_attempts: 1 },
    });
    await operator.clearOverride({ by, kind: 'limits', node: null });
    for (const [slug, email] of who) expect(await wrong(slug, email)).toBe('invalid_credentials');
  });

  test('A8 one-time links are under them, too', async () => {
    const { operator, logins } = test_.engine;
    const origin = { ...ORIGIN, ip: '203.0.113.9' };
    const reset = () =>
      codeOf(logins.resetPassword(makeResetToken(newId()), 'silver-harbour-walnut-27', origin));
    expect([await reset(), await reset()]).not.toContain('too_many_attempts');
    await operator.overrideLimits({ by, limits: { address_attempts: 1 }, end: HOUR });
    expect([await reset(), await reset(), await reset()]).toContain('too_many_attempts');
  });

  test('A8 nothing to tighten is refused', async () => {
    const { operator } = test_.engine;
    const put = operator.overrideLimits({ by, limits: {}, end: HOUR });
    expect(await codeOf(put)).toBe('validation_failed');
    const loose = operator.overrideLimits({ by, limits: { account_attempts: 0 }, end: HOUR });
    expect(await codeOf(loose)).toBe('validation_failed');
  });
});

describe('A15: regenerating sessions', () => {
  test('A15 ASVS 7.2.4 of one tenant: new tokens for it, and nobody else is asked', async () => {
    const { engine } = test_;
    const here = await test_.makeTenant('again');
    const there = await test_.makeTenant('left-alone');
    const revocation = await engine.operator.regenerateSessions({
      by,
      tenant: 'again',
      waitMs: null,
    });
    expect(revocation).toMatchObject({
      ...{ scope: 'reissue', subject: { tid: here.tenant.tid, uid: null, sid: null } },
      barrier: { effective: 'everywhere' },
    });
    expect(await codeOf(test_.callerOf(here.pair))).toBe('token_superseded');
    await test_.callerOf(there.pair);
    const next = await engine.logins.refresh(here.pair.refreshToken, ORIGIN);
    expect(next.refreshToken).not.toBe(here.pair.refreshToken);
    expect(next.session.sid).toBe(here.pair.session.sid);
    const caller = await test_.callerOf(next);
    const page = { limit: 5, cursor: null };
    const rows = await engine.administration.listAudit(
      caller,
      { action: 'ops_sessions_regenerated' },
      page,
    );
    expect(rows).toMatchObject([{ actor: { kind: 'operator' }, detail: { by } }]);
    const nowhere = engine.operator.regenerateSessions({ by, tenant: 'nowhere', waitMs: 0 });
    expect(await codeOf(nowhere)).toBe('not_found');
  });

  test('A15 of all: a copy of a refresh token that somebody has comes to light', async () => {
    const { engine } = test_;
    const { caller, pair } = await test_.makeTenant('stolen');
    await test_.setPolicy(caller, { refresh_grace: 0 });
    await engine.operator.regenerateSessions({ by, tenant: null, waitMs: null });
    expect(await codeOf(test_.callerOf(pair))).toBe('token_superseded');
    const owner = await engine.logins.refresh(pair.refreshToken, ORIGIN);
    await test_.callerOf(owner);
    await test_.flush();
    expect(await codeOf(engine.logins.refresh(pair.refreshToken, ORIGIN))).toBe('session_revoked');
    expect(await codeOf(test_.callerOf(owner))).toBe('session_revoked');
  });
});

describe('A8: the level of the log', () => {
  test('A8 it changes at run time, for a while, and is its own again', async () => {
    const { operator } = test_.engine;
    const put = { by, level: 'debug', node: null, end: MINUTE };
    expect(await operator.overrideLogLevel(put)).toMatchObject(TOLD);
    expect(log.level).toBe('debug');
    const { overrides, members } = await operator.operations();
    expect(overrides).toMatchObject([{ kind: 'log_level', value: { level: 'debug' }, by }]);
    expect(members).toMatchObject([{ self: true, logLevel: 'debug' }]);
    expect(lines.join('\n')).toContain('the level of this log has changed');
    offsetMs += MINUTE_MS;
    await vi.waitFor(() => expect(log.level).toBe('info'), { timeout: 60_000 });
    expect((await operator.operations()).overrides).toEqual([]);
  });

  test('A8 of one node, before that of all; of none that is not there', async () => {
    const { operator } = test_.engine;
    const [self] = await operator.members();
    const put = { by, node: null, end: null };
    await operator.overrideLogLevel({ ...put, level: 'error' });
    expect(log.level).toBe('error');
    await operator.overrideLogLevel({ ...put, level: 'warn', node: self?.id ?? '' });
    expect(log.level).toBe('warn');
    expect(await newestRow()).toMatchObject({
      action: 'ops_log_level_set',
      detail: { by, level: 'warn', node: self?.id, until: null },
    });
    await operator.clearOverride({ by, kind: 'log_level', node: self?.id ?? '' });
    expect(log.level).toBe('error');
    await operator.clearOverride({ by, kind: 'log_level', node: null });
    expect(log.level).toBe('info');
    for (const level of ['fatal', 'silent']) {
      await operator.overrideLogLevel({ ...put, level });
      const changed = { level: 'warn', now: level, msg: 'the level of this log has changed' };
      expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject(changed);
    }
    await operator.clearOverride({ by, kind: 'log_level', node: null });
    expect(await codeOf(operator.overrideLogLevel({ ...put, level: 'debug', node: 'x' }))).toBe(
      'not_found',
    );
    expect(await codeOf(operator.overrideLogLevel({ ...put, level: 'loud' }))).toBe(
      'validation_failed',
    );
    expect(await codeOf(operator.clearOverride({ by, kind: 'log_level', node: null }))).toBe(
      'not_found',
    );
  });
});

describe('A3 A8: clean-up', () => {
  test('A3 it is paused and resumed on every node, with who and when; the status tells how far it is', async () => {
    const { operator, maintenance } = test_.engine;
    expect(await operator.pauseCleanup({ by })).toEqual(TOLD);
    expect(maintenance.status().state).toBe('paused');
    const status = await operator.cleanupStatus();
    expect(status).toMatchObject({ state: 'paused', paused: { by, atMs: expect.any(Number) } });
    expect((await operator.operations()).paused).toMatchObject({ by });
    expect(await newestRow()).toMatchObject({ action: 'ops_cleanup_paused', detail: { by } });
    // It stands still since the first one, whoever else pauses it; the trail names both.
    expect(await operator.pauseCleanup({ by: 'the second one' })).toEqual(TOLD);
    expect((await operator.cleanupStatus()).paused).toEqual(status.paused);
    expect(await newestRow()).toMatchObject({ detail: { by: 'the second one' } });
    await test_.services.maintenance.run();
    expect((await operator.cleanupStatus()).finishedAtMs).toBeNull();
    expect(await operator.resumeCleanup({ by })).toEqual(TOLD);
    expect(await newestRow()).toMatchObject({ action: 'ops_cleanup_resumed', detail: { by } });
    await byHand(database, {
      text: `insert into sekisho.used_ticket select 't', 'j' || n, now() - interval '2 hours'
               from generate_series(1, 250) n`,
    });
    await test_.services.maintenance.run();
    expect(await operator.cleanupStatus()).toMatchObject({
      ...{ state: 'idle', paused: null, holder: null, finishedAtMs: expect.any(Number) },
      progress: { tickets: { removed: 250, left: 0 }, entries: { removed: 0, left: 0 } },
    });
  });
});

test('ASVS 16.4.1 who decided it forges no line and is cut to size', async () => {
  const { operator } = test_.engine;
  const name = `noor\n{"level":"error"}${'x'.repeat(500)}`;
  const { override } = await operator.overrideLimits({
    ...{ by: name, limits: { max_wait: 3_600 }, end: HOUR },
  });
  expect(override.by).toHaveLength(100);
  expect(override.by).not.toContain('\n');
});
