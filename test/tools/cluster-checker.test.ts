import { describe, expect, test } from 'vitest';
import { type CheckOptions, checkHistory } from '../../tools/cluster/checker.mjs';
import {
  History,
  type RequestFact,
  type RevocationFact,
  type SessionFact,
  type SocketFact,
  type TokenFact,
} from '../../tools/cluster/history.mjs';
import type { Reply } from '../../tools/cluster/http.mjs';
import { report, summarize } from '../../tools/cluster/report.mjs';

/** A history written by hand; times are milliseconds, the begin is 0. */
function story() {
  const history = new History();
  history.beganMs = 0;
  history.endedMs = 10_000;

  const session = (fact: Partial<SessionFact> = {}): SessionFact => ({
    ...{ sid: 'sid-1', tid: 'tid-1', uid: 'uid-1', generation: 'g1', epoch: 4 },
    ...{ beginMs: 10, endMs: 20 },
    ...fact,
  });
  const token = (of: SessionFact, fact: Partial<TokenFact> = {}): TokenFact =>
    history.token({
      ...{ session: of, generation: of.generation, tokenEpoch: of.epoch, rot: 0 },
      ...{ beginMs: of.beginMs, endsMs: 900_000 },
      ...fact,
    });
  const request = (of: SessionFact | null, fact: Partial<RequestFact>): RequestFact =>
    history.request({
      ...{ kind: 'authenticate', node: 'node-2', beginMs: 0, endMs: (fact.beginMs ?? 0) + 5 },
      ...{ session: of, token: null, status: 200, code: null },
      ...fact,
    });
  /** Sent at 100, answered at 200 with `everywhere`, at position 5. */
  const revocation = (fact: Partial<RevocationFact> = {}): RevocationFact => {
    const made = history.revocation({
      ...{ scope: 'user', node: 'node-1', tid: 'tid-1', uid: 'uid-1' },
      ...fact,
    });
    return Object.assign(made, {
      ...{ beginMs: 100, endMs: 200, position: 5, id: 'operation-1' },
      ...{ outcome: 'everywhere', firstOutcome: 'everywhere', everywhereMs: 200 },
      ...fact,
    });
  };
  const socket = (of: SessionFact, fact: Partial<SocketFact> = {}): void => {
    history.sockets.push({
      ...{ node: 'node-3', session: of, token: token(of), beginMs: 30, openedMs: 40 },
      ...{ closedMs: null, code: null, byClient: false },
      ...fact,
    });
  };
  const rules = (options?: CheckOptions) =>
    checkHistory(history, options).violations.map(({ rule }) => rule);
  return { history, session, token, request, revocation, socket, rules };
}

const refused = { status: 401, code: 'session_revoked' };

describe('a revoked token that is accepted is found', () => {
  test.each(['authenticate', 'session', 'refresh', 'ticket', 'ping'] as const)(
    '%s, begun after everywhere',
    (kind) => {
      const { session, revocation, request, rules } = story();
      const one = session();
      revocation();
      request(one, { kind, beginMs: 200.1 });
      expect(rules()).toEqual(['accepted']);
    },
  );

  test.each([
    ['all', { tid: null, uid: null }],
    ['tenant', { uid: null }],
    ['user', {}],
    ['session', { uid: null, sid: 'sid-1' }],
  ] as const)('whatever the scope: %s', (scope, subject) => {
    const { session, revocation, request, rules } = story();
    revocation({ scope, ...subject });
    request(session(), { beginMs: 300 });
    expect(rules()).toEqual(['accepted']);
  });

  test('also when somebody who asked later was the first to be told everywhere', () => {
    const { session, revocation, request, rules } = story();
    const one = session();
    revocation({ firstOutcome: 'pending', everywhereMs: 700 });
    request(one, { beginMs: 600 });
    expect(rules()).toEqual([]);
    request(one, { beginMs: 701 });
    expect(rules()).toEqual(['accepted']);
  });

  test('also of a session begun while the call ran, when its epoch is older than the floor', () => {
    const { session, revocation, request, rules } = story();
    revocation();
    request(session({ beginMs: 110, endMs: 150, epoch: 4 }), { beginMs: 300 });
    expect(rules()).toEqual(['accepted']);
  });

  test('on a socket that opens afterwards, and on one that stays open', () => {
    const { session, revocation, socket, rules } = story();
    revocation();
    socket(session(), { beginMs: 250, openedMs: 260, closedMs: 300, code: 1006 });
    expect(rules()).toEqual(['accepted']);
    socket(session(), { closedMs: null });
    expect(rules().sort()).toEqual(['accepted', 'socket_open']);
  });
});

describe('what no promise forbids is left alone', () => {
  test('a request that began before the call returned, or of whom it never said everywhere', () => {
    const { session, revocation, request, rules } = story();
    const one = session();
    revocation();
    request(one, { beginMs: 199, endMs: 400 });
    revocation({
      ...{ scope: 'tenant', uid: null },
      ...{ firstOutcome: 'pending', outcome: 'pending', everywhereMs: null },
    });
    expect(rules()).toEqual([]);
  });

  test('other people, other tenants, the spared session, sessions begun afterwards', () => {
    const { session, revocation, request, rules } = story();
    revocation({ scope: 'tenant', uid: null, sparedSid: 'spared' });
    for (const one of [
      session({ tid: 'tid-2' }),
      session({ sid: 'spared' }),
      session({ beginMs: 210, endMs: 260, epoch: 5 }),
      session({ beginMs: 110, endMs: 150, epoch: 5 }),
    ]) {
      request(one, { beginMs: 300 });
    }
    expect(rules()).toEqual([]);
  });

  test('a refused revoked token, and one whose revocation has an unknown outcome', () => {
    const { session, revocation, request, rules } = story();
    revocation({ firstOutcome: 'unknown', outcome: 'unknown', everywhereMs: null, position: null });
    request(session(), { beginMs: 300, ...refused });
    request(session(), { beginMs: 300 });
    expect(rules()).toEqual([]);
  });

  test('sessions begun while the call ran, where two generations leave their order open', () => {
    const { session, token, revocation, request, rules } = story();
    token(session({ generation: 'g2' }));
    token(session());
    revocation();
    request(session({ beginMs: 110, endMs: 150, epoch: 4 }), { beginMs: 300 });
    request(session({ beginMs: 110, endMs: 150, epoch: 4 }), { beginMs: 300, ...refused });
    expect(rules()).toEqual([]);
  });
});

describe('a valid token that is refused is found', () => {
  test.each(['authenticate', 'session', 'refresh', 'ticket'] as const)('%s', (kind) => {
    const { session, revocation, request, rules } = story();
    revocation({ uid: 'uid-2' });
    request(session(), { kind, beginMs: 300, ...refused });
    expect(rules()).toEqual(['refused']);
  });

  test('a refusal before the revoking call was sent is one, too', () => {
    const { session, revocation, request, rules } = story();
    const one = session();
    revocation();
    request(one, { beginMs: 90, endMs: 99, ...refused });
    expect(rules()).toEqual(['refused']);
    request(one, { beginMs: 95, endMs: 101, ...refused });
    expect(rules()).toEqual(['refused']);
  });

  test('after a revocation that was refused, and of a session begun afterwards', () => {
    const { session, revocation, request, rules } = story();
    revocation({ firstOutcome: 'refused', outcome: 'refused', everywhereMs: null, position: null });
    request(session(), { beginMs: 300, ...refused });
    expect(rules()).toEqual(['refused']);
    revocation({ uid: 'uid-2' });
    request(session({ uid: 'uid-2', beginMs: 201, endMs: 250 }), { beginMs: 310, ...refused });
    expect(rules()).toEqual(['refused', 'refused']);
  });

  test('superseded and expired count unless they are so; the case says what is excused', () => {
    const { session, token, request, rules } = story();
    const one = session();
    const superseded = { token: token(one), status: 401, code: 'token_superseded' };
    const soon = { token: token(one, { endsMs: 5000 }), status: 401, code: 'token_expired' };
    request(one, { beginMs: 300, ...superseded });
    request(one, { beginMs: 400, ...soon });
    request(one, { beginMs: 4500, ...soon });
    expect(rules()).toEqual(['refused', 'refused']);
    expect(rules({ superseded: true })).toEqual(['refused']);
    expect(rules({ excused: ({ beginMs }) => beginMs === 400 })).toEqual(['refused']);
  });

  test('a login with the right password, and a socket closed as revoked', () => {
    const { session, request, socket, rules } = story();
    request(null, { kind: 'login', beginMs: 300, status: 401, code: 'invalid_credentials' });
    expect(rules()).toEqual(['refused']);
    socket(session(), { closedMs: 500, code: 4401 });
    socket(session(), { closedMs: 500, code: 1001 });
    expect(rules()).toEqual(['refused', 'refused']);
  });
});

test('what this load cannot bring about is found; outages only where none was announced', () => {
  const { session, request, rules } = story();
  for (const status of [500, 404, 422, 429]) request(session(), { beginMs: 50, status });
  expect(rules()).toEqual(Array(4).fill('unexpected'));
  for (const status of [503, 502, null]) request(session(), { beginMs: 60, status });
  request(session(), { kind: 'ping', beginMs: 70, status: null });
  expect(rules()).toHaveLength(4);
  expect(rules({ uninterrupted: true })).toHaveLength(7);
});

test('where entries were lost, a case says from when a revocation counts', () => {
  const { session, revocation, request, rules } = story();
  const one = session();
  revocation();
  request(one, { beginMs: 300 });
  expect(rules({ countsFromMs: () => 400 })).toEqual([]);
  expect(rules({ countsFromMs: () => null })).toEqual([]);
  expect(rules({ countsFromMs: ({ everywhereMs }) => everywhereMs })).toEqual(['accepted']);
});

test('a verdict says on how much it rests', () => {
  const { history, session, revocation, request } = story();
  const one = session();
  revocation();
  request(one, { beginMs: 50 });
  request(one, { beginMs: 150, ...refused });
  request(one, { beginMs: 300, ...refused });
  const { evidence } = checkHistory(history);
  expect(evidence).toEqual({ revokedTried: 1, validTried: 1, undecided: 1 });
});

describe('what an answer makes of a revocation', () => {
  const reply = (fact: Partial<Reply>): Reply => ({
    ...{ status: 200, code: null, body: null, headers: {}, beginMs: 0, endMs: 50 },
    ...fact,
  });
  const said = (effective: string) => ({ revocation: { id: 'op', position: 7, effective } });

  test('everywhere, pending and then everywhere, logout', () => {
    const { history } = story();
    const one = history.revocation({ scope: 'user', node: 'node-1' });
    history.answered(one, reply({ status: 202, body: said('pending') }));
    expect(one).toMatchObject({ outcome: 'pending', position: 7, id: 'op', everywhereMs: null });
    history.answered(one, reply({ body: said('everywhere'), endMs: 90 }));
    expect(one).toMatchObject({ firstOutcome: 'pending', outcome: 'everywhere', endMs: 50 });
    expect(one.everywhereMs).toBe(90);
    const logout = history.revocation({ scope: 'session', node: 'node-1' });
    history.answered(logout, reply({ status: 204 }));
    expect(logout).toMatchObject({ outcome: 'everywhere', everywhereMs: 50 });
  });

  test('lost, unknown, refused; unknown ends when somebody was told', () => {
    const { history } = story();
    const lost = history.revocation({ scope: 'user', node: 'node-1' });
    history.answered(lost, reply({ status: null, code: 'ECONNRESET' }));
    expect(lost.outcome).toBe('unknown');
    const unknown = history.revocation({ scope: 'user', node: 'node-1' });
    history.answered(unknown, reply({ status: 503, code: 'outcome_unknown', body: { id: 'op' } }));
    expect(unknown).toMatchObject({ outcome: 'unknown', id: 'op' });
    history.answered(unknown, reply({ status: 503, code: 'store_unavailable' }));
    expect(unknown.outcome).toBe('unknown');
    history.answered(unknown, reply({ status: 404, code: 'not_found' }));
    expect(unknown.outcome).toBe('refused');
    const refused = history.revocation({ scope: 'user', node: 'node-1' });
    history.answered(refused, reply({ status: 503, code: 'store_unavailable' }));
    expect(refused.outcome).toBe('refused');
  });
});

test('the report names the longest time until everywhere, and shows every violation', () => {
  const { history, session, revocation, request } = story();
  revocation();
  revocation({ beginMs: 300, everywhereMs: 4300, firstOutcome: 'pending' });
  request(session(), { beginMs: 300, freshness: 'stale' });
  expect(summarize(history)).toMatchObject({
    longestUntilEverywhereMs: 4000,
    pending: 1,
    stale: 1,
  });
  const text = report('a case', history, checkHistory(history));
  expect(text).toContain('until everywhere, longest: 4000.0 ms');
  expect(text).toContain('0.300 s accepted: authenticate at node-2: 200');
});
