import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller, SocketSession } from '../../src/session/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';

const OPTIONS = { reason: null, waitMs: 2_000, includeSelf: false, idempotency: null };
const clock = createTestClock();
let test_: TestEngine;
let admin: Caller;
let uid: string;

beforeAll(async () => {
  test_ = await startTestEngine({ clock });
  admin = (await test_.makeTenant('main')).caller;
  uid = (await test_.makeUser(admin, 'noor@main.example')).uid;
});
afterAll(() => test_.close());

async function open(): Promise<{ caller: Caller; socket: SocketSession; sid: string }> {
  const pair = await test_.open('main', uid);
  const caller = await test_.callerOf(pair);
  const { ticket, expiresInSeconds } = await test_.engine.sockets.issueTicket(caller);
  expect(expiresInSeconds).toBe(30);
  return { caller, socket: await test_.engine.sockets.redeemTicket(ticket), sid: pair.session.sid };
}

function connect(socket: SocketSession) {
  const kills: string[] = [];
  const live = test_.engine.sockets.connect(socket, (why) => kills.push(why));
  return { kills, live };
}

test('ASVS 4.4.3: a ticket is good once, for 30 s, and stands for its session', async () => {
  const { caller, socket, sid } = await open();
  expect(socket.session).toMatchObject({ sessionId: sid, userId: uid, roles: ['member'] });
  const { ticket } = await test_.engine.sockets.issueTicket(caller);
  const tries = await Promise.all(
    [1, 2, 3].map(() => codeOf(test_.engine.sockets.redeemTicket(ticket))),
  );
  expect(tries.sort()).toEqual(['invalid_token', 'invalid_token', 'none']);
  const late = await test_.engine.sockets.issueTicket(caller);
  await clock.advance(30_000);
  expect(await codeOf(test_.engine.sockets.redeemTicket(late.ticket))).toBe('invalid_token');
  expect(await codeOf(test_.engine.sockets.redeemTicket('nonsense'))).toBe('invalid_token');
});

test('B12: a forced logout has cut the socket before it returns; other devices stay', async () => {
  const one = await open();
  const two = await open();
  const cut = connect(one.socket);
  const stays = connect(two.socket);
  expect(cut.live.judgement).toEqual({ kind: 'pass', freshness: 'fresh' });
  await test_.engine.administration.revokeSession(admin, one.sid, OPTIONS);
  expect(cut.kills).toEqual(['revoked']);
  expect(stays.kills).toEqual([]);
  expect(cut.live.checkNow()).toMatchObject({ kind: 'revoked' });
  expect(stays.live.checkNow()).toMatchObject({ kind: 'pass' });
  // A ticket that was issued before opens nothing after.
  const again = connect(one.socket);
  expect(again.live.judgement.kind).toBe('revoked');
  expect(again.kills).toEqual([]);
  stays.live.disconnect();
});

test('B12: changed roles cut it with another word; a refresh does not; nor the end of an access token', async () => {
  const pair = await test_.open('main', uid);
  const caller = await test_.callerOf(pair);
  const { ticket } = await test_.engine.sockets.issueTicket(caller);
  const { kills, live } = connect(await test_.engine.sockets.redeemTicket(ticket));
  await test_.engine.logins.refresh(pair.refreshToken, ORIGIN);
  await clock.advance(700);
  expect(live.checkNow()).toMatchObject({ kind: 'pass' });
  expect(kills).toEqual([]);
  await test_.engine.administration.patchUser(admin, uid, { roles: ['member', 'buyer'] }, null);
  expect(kills).toEqual(['superseded']);
});

test('SOCKETS: it ends with its session, by the clock alone', async () => {
  const pair = await test_.open('main', uid);
  const token = pair.accessToken;
  const stream = await test_.engine.events.connectionOf(token);
  expect(stream.endsAtMs).toBe(pair.session.expiresAtMs);
  const endsAtMs = test_.services.follower.wallNowMs() + 500;
  const { live } = connect({ ...stream, endsAtMs });
  expect(live.checkNow()).toMatchObject({ kind: 'pass' });
  await clock.advance(510);
  expect(live.checkNow()).toEqual({ kind: 'ended' });
});

test('an event stream is opened by a token that is good, and by no other', async () => {
  const pair = await test_.open('main', uid);
  expect(await codeOf(test_.engine.events.connectionOf('nonsense'))).toBe('invalid_token');
  await test_.engine.administration.revokeUser(admin, uid, OPTIONS);
  expect(await codeOf(test_.engine.events.connectionOf(pair.accessToken))).toBe('session_revoked');
});
