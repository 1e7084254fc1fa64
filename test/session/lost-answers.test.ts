import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AuditAction, AuditEvent } from '../../src/audit/types.ts';
import { SekishoError } from '../../src/errors.ts';
import type { HubEvent } from '../../src/hub/contract.ts';
import type { RecordStore, SessionStore } from '../../src/record/contract.ts';
import type { Caller, TokenPair } from '../../src/session/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, ORIGIN, PASSWORD, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';

const clock = createTestClock();
const away = () => new SekishoError('store_unavailable', 'The record is away.');

/** What happens to a statement on its way; a test sets what it needs. */
const network: {
  afterRotate: (() => Promise<void>) | null;
  reportsFail: boolean;
} = { afterRotate: null, reportsFail: false };

let test_: TestEngine;
let admin: Caller;
let tid: string;
let events: HubEvent[] = [];

beforeAll(async () => {
  test_ = await startTestEngine({ clock, record: overNetwork((await openTestRecord()).record) });
  admin = (await test_.makeTenant('main')).caller;
  tid = admin.session.tenantId;
  test_.services.hub.onEvent((event) => events.push(event));
});
afterAll(() => test_.close());

function overNetwork(record: RecordStore): RecordStore {
  const { sessions } = record;
  const rotate: SessionStore['rotate'] = async (...call) => {
    const outcome = await sessions.rotate(...call);
    const after = network.afterRotate;
    network.afterRotate = null;
    await after?.();
    return outcome;
  };
  const sighted: SessionStore['sighted'] = async (...call) => {
    if (network.reportsFail) throw away();
    return sessions.sighted(...call);
  };
  return { ...record, sessions: { ...sessions, rotate, sighted } };
}

let count = 0;
async function newPair(): Promise<TokenPair> {
  await test_.flush();
  events = [];
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

async function rowsOf(pair: TokenPair, action: AuditAction): Promise<readonly AuditEvent[]> {
  const rows = await test_.record.audit.list(tid, { action }, { limit: 200, cursor: null });
  return rows.filter(({ subject }) => subject?.id === pair.session.sid);
}

const types = () => events.map(({ type }) => type);

describe('a lost answer', () => {
  test('B6 is given again minutes later: the same successor, and an access token that works', async () => {
    const pair = await newPair();
    const lost = await refresh(pair);
    await clock.advance(180_000);
    const again = await refresh(pair);
    expect(again.refreshToken).toBe(lost.refreshToken);
    expect(again.accessToken).not.toBe(lost.accessToken);
    expect(again.session.rot).toBe(2);
    expect(await use(again)).toBe('none');
    await test_.flush();
    const further = await refresh(again);
    expect(await use(further)).toBe('none');
    expect(await rowsOf(pair, 'authn_token_answer_lost')).toMatchObject([
      { outcome: 'success', ip: ORIGIN.ip, detail: { rot: 2, replaced: 1, in_a_row: 1 } },
    ]);
    const refreshed = events.filter(({ type }) => type === 'session.refreshed');
    expect(refreshed.map(({ detail }) => detail)).toEqual([{}, { answer_lost: true }, {}]);
    expect(types()).not.toContain('token.reused');
  });

  test('ASVS 10.4.5 was none when its access token was seen: reported, or by this very node just now', async () => {
    for (const reported of [true, false]) {
      const pair = await newPair();
      const got = await refresh(pair);
      if (!reported) await clock.advance(11_000);
      expect(await use(got)).toBe('none');
      if (reported) await clock.advance(11_000);
      expect(await codeOf(refresh(pair))).toBe('session_revoked');
      expect(await use(got)).toBe('session_revoked');
      expect(types()).toContain('token.reused');
    }
  });

  test('ASVS 10.4.5 RFC 9700 that is used after all was stolen: within a second the session has ended', async () => {
    const pair = await newPair();
    const stolen = await refresh(pair);
    await clock.advance(11_000);
    const owner = await refresh(pair);
    expect(await use(owner)).toBe('none');
    const seen = { roles: ['member'], origin: { ...ORIGIN, ip: '203.0.113.9' } };
    const session = await test_.engine.authentication.authenticate(stolen.accessToken, seen);
    expect(session.sessionId).toBe(pair.session.sid);
    await clock.advance(500);
    await test_.flush();
    expect(await use(stolen)).toBe('session_revoked');
    expect(await use(owner)).toBe('session_revoked');
    expect(await codeOf(refresh(owner))).toBe('session_revoked');
    expect(events.filter(({ type }) => type === 'token.reused')).toMatchObject([
      {
        subject: { sid: pair.session.sid, uid: pair.user.uid },
        detail: { ip: '203.0.113.9', evidence: 'access_token' },
      },
    ]);
    expect(await rowsOf(pair, 'authn_token_reuse')).toMatchObject([
      { outcome: 'failure', ip: '203.0.113.9', detail: { evidence: 'access_token' } },
    ]);
  });

  test('ASVS 10.4.5 every way to verify a token is a sight: tickets, streams, logout by signature', async () => {
    const ways: readonly ((pair: TokenPair) => Promise<unknown>)[] = [
      (pair) => test_.engine.authentication.authenticate(pair.accessToken, { fresh: true }),
      (pair) => test_.engine.authentication.verifySignature(pair.accessToken),
      (pair) => test_.engine.events.connectionOf(pair.accessToken),
      async (pair) => test_.engine.sockets.issueTicket(await test_.callerOf(pair)),
    ];
    for (const way of ways) {
      const pair = await newPair();
      const got = await refresh(pair);
      await way(got);
      await test_.flush();
      await clock.advance(11_000);
      expect(await codeOf(refresh(pair))).toBe('session_revoked');
    }
  });

  test('sights outlast an outage of the record', async () => {
    const pair = await newPair();
    const got = await refresh(pair);
    network.reportsFail = true;
    expect(await use(got)).toBe('none');
    for (let second = 0; second < 60; second += 1) await clock.advance(1000);
    await test_.flush();
    network.reportsFail = false;
    await clock.advance(1000);
    await test_.flush();
    expect(await codeOf(refresh(pair))).toBe('session_revoked');
  });

  test('an answer that comes too late is not given: the repeat may have got another', async () => {
    const pair = await newPair();
    network.afterRotate = () => clock.advance(10_000);
    expect(await codeOf(refresh(pair))).toBe('store_unavailable');
    const again = await refresh(pair);
    expect(again.session.rot).toBe(2);
    network.afterRotate = () => clock.advance(9_000);
    const slow = await refresh(again);
    expect(await use(slow)).toBe('none');
    // Of a repeat near the end of its window as much is left as an answer may take.
    const repeated = await newPair();
    await refresh(repeated);
    await clock.advance(9_500);
    network.afterRotate = () => clock.advance(1_900);
    expect((await refresh(repeated)).session.rot).toBe(1);
    network.afterRotate = () => clock.advance(2_000);
    expect(await codeOf(refresh(repeated))).toBe('store_unavailable');
  });

  test('an answer that comes too late is not given where there is no window either', async () => {
    const { administration } = test_.engine;
    const { policy, version } = await administration.getPolicy(admin);
    await administration.putPolicy(admin, { ...policy, refresh_grace: 0 }, version);
    const pair = await newPair();
    network.afterRotate = async () => {
      await clock.advance(1_000);
      // The client has repeated it meanwhile, at another node, and has got another number.
      expect((await refresh(pair)).session.rot).toBe(2);
    };
    expect(await codeOf(refresh(pair))).toBe('store_unavailable');
    network.afterRotate = () => clock.advance(900);
    expect((await refresh(await newPair())).session.rot).toBe(1);
    await administration.putPolicy(admin, policy, version + 1);
  });
});

describe('re-authentication', () => {
  async function reauthenticated() {
    await test_.flush();
    events = [];
    count += 1;
    const { uid } = await test_.makeUser(admin, `again${count}@main.example`);
    const before = await test_.open('main', uid);
    const caller = await test_.callerOf(before);
    const after = await test_.engine.logins.reauthenticate(caller, PASSWORD);
    return { before, after };
  }

  test('ASVS 7.2.4 a refresh of the same device that raced it gets 401, and ends nothing', async () => {
    const { before, after } = await reauthenticated();
    expect(await use(after)).toBe('none');
    expect(await codeOf(refresh(before))).toBe('token_superseded');
    expect(await use(after)).toBe('none');
    expect((await refresh(after)).session.sid).toBe(before.session.sid);
    expect(types()).not.toContain('token.reused');
    await clock.advance(11_000);
    expect(await codeOf(refresh(before))).toBe('session_revoked');
    expect(types()).toContain('token.reused');
  });

  test('ASVS 7.2.4 whose answer was lost gives the old chain nothing, and is no theft', async () => {
    const { before } = await reauthenticated();
    await clock.advance(300_000);
    expect(await codeOf(refresh(before))).toBe('invalid_refresh_token');
    expect(types()).not.toContain('token.reused');
    expect(await rowsOf(before, 'authn_token_reuse')).toEqual([]);
    const row = await test_.record.sessions.get(tid, before.session.sid, clock.wallMs());
    expect(row?.state).toBe('active');
  });
});

describe('an expired session', () => {
  test('B14 is told to event streams once, however often its token comes', async () => {
    const pair = await newPair();
    await clock.advance(pair.session.expiresAtMs - test_.services.follower.wallNowMs() + 1000);
    for (let n = 0; n < 3; n += 1) expect(await codeOf(refresh(pair))).toBe('session_expired');
    expect(events.filter(({ type }) => type === 'session.expired')).toMatchObject([
      { subject: { sid: pair.session.sid }, detail: { why: 'absolute' } },
    ]);
  });
});
