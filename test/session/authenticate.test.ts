import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import { newId } from '../../src/id.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import type {
  AuthenticateOptions,
  Caller,
  Session,
  TokenPair,
} from '../../src/session/contract.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, ORIGIN, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';

const OPTIONS = { reason: null, waitMs: 2_000, includeSelf: false, idempotency: null };
const clock = createTestClock();
const outage = { on: false };
let record: RecordStore;
let test_: TestEngine;
let admin: Caller;
let uid: string;

/** The same record, whose heartbeats get lost during an outage. */
function breakable(real: RecordStore): RecordStore {
  return {
    ...real,
    members: {
      ...real.members,
      heartbeat: async (...given) => {
        if (outage.on) throw new SekishoError('store_unavailable', 'An outage of the test.');
        return real.members.heartbeat(...given);
      },
    },
  };
}

beforeAll(async () => {
  record = (await openTestRecord()).record;
  test_ = await startTestEngine({ clock, record: breakable(record) });
  admin = (await test_.makeTenant('main')).caller;
  uid = (await test_.makeUser(admin, 'noor@main.example')).uid;
});
afterAll(() => test_.close());
beforeEach(async () => {
  outage.on = false;
  await prove();
});

/** The node is within its lease again. */
async function prove(): Promise<void> {
  await inTime(test_.services.follower.awaitProof(10_000));
}

/** The administrator, with a token that has not expired. */
async function administrator(): Promise<Caller> {
  return test_.callerOf(await test_.open('main', admin.session.userId));
}

function authenticate(pair: Pick<TokenPair, 'accessToken'>, options?: AuthenticateOptions) {
  return test_.engine.authentication.authenticate(pair.accessToken, options);
}

/** Lets time pass, no faster than the record answers, until `work` is done. */
async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  let done = false;
  const end = (): void => {
    done = true;
  };
  work.then(end, end);
  for (let n = 0; n < 1000 && !done; n += 1) {
    await clock.advance(5);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return work;
}

/** Asks again while a busy machine's record answers later than a request waits. */
async function soon(pair: Pick<TokenPair, 'accessToken'>): Promise<Session> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await inTime(authenticate(pair));
    } catch (error) {
      if (attempt === 20 || (await codeOf(Promise.reject(error))) !== 'store_unavailable')
        throw error;
    }
  }
}

describe('ANSWER', () => {
  test('B8: a token seen before costs the record nothing, and no new object', async () => {
    const pair = await test_.open('main', uid);
    const first = await authenticate(pair);
    const statements = record.statementCount();
    for (let n = 0; n < 1_000; n += 1) expect(await authenticate(pair)).toBe(first);
    expect(record.statementCount()).toBe(statements);
  });

  test('in an outage it answers on for lease and tolerance, marked stale; then 503 and never 401', async () => {
    const pair = await test_.open('main', uid);
    const unseen = await test_.open('main', uid);
    // A proof of this very moment, so that the lease begins here: the clock stands still until it has come.
    expect((await authenticate(pair, { fresh: true })).freshness).toBe('fresh');
    outage.on = true;
    await clock.advance(650);
    expect((await authenticate(pair)).freshness).toBe('fresh');
    await clock.advance(150);
    expect((await authenticate(pair)).freshness).toBe('stale');
    expect((await authenticate(unseen)).freshness).toBe('stale');
    await clock.advance(10_000);
    const refused = await inTime(authenticate(pair).catch((error: unknown) => error));
    expect(refused).toMatchObject({ code: 'store_unavailable', status: 503, retryAfterSeconds: 1 });
    outage.on = false;
    // The request waits for a heartbeat, and that one comes.
    expect((await soon(pair)).freshness).toBe('fresh');
  });

  test('ASVS 16.5.2: forged, expired and revoked are 401 in every state', async () => {
    const revoked = await test_.open('main', uid);
    await authenticate(revoked);
    const by = await administrator();
    await test_.engine.administration.revokeSession(by, revoked.session.sid, OPTIONS);
    const expired = await test_.open('main', uid);
    const { accessToken } = expired;
    const forged = { accessToken: `${accessToken.slice(0, -8)}AAAAAAAA` };
    outage.on = true;
    await clock.advance(20_000);
    expect(await codeOf(authenticate(revoked))).toBe('session_revoked');
    expect(await codeOf(authenticate(revoked, { fresh: true }))).toBe('session_revoked');
    expect(await codeOf(authenticate(forged))).toBe('invalid_token');
    await clock.advance(281_000);
    expect(await codeOf(authenticate(expired))).toBe('token_expired');
  });

  test('FRESH: asks for a newer proof, and in an outage gives no answer rather than an old one', async () => {
    const pair = await test_.open('main', uid);
    expect((await authenticate(pair, { fresh: true })).freshness).toBe('fresh');
    outage.on = true;
    expect((await authenticate(pair)).freshness).toBe('fresh');
    expect(await inTime(codeOf(authenticate(pair, { fresh: true })))).toBe('store_unavailable');
  });

  test('a token of an unknown generation is superseded after a newer proof, and 503 before', async () => {
    const pair = await test_.open('main', uid);
    const { session, user } = pair;
    const now = Math.floor(test_.services.follower.wallNowMs() / 1000);
    const accessToken = await test_.services.keys.sign({
      tid: admin.session.tenantId,
      uid: user.uid,
      sid: session.sid,
      generation: newId(),
      epoch: session.epoch,
      tokenEpoch: session.epoch,
      rot: 0,
      roles: user.roles,
      authTimeSeconds: now,
      amr: ['pwd'],
      clientId: 'sekisho',
      issuedAtSeconds: now,
      expiresAtSeconds: now + 300,
      jti: newId(),
    });
    expect(await codeOf(authenticate({ accessToken }))).toBe('token_superseded');
    outage.on = true;
    expect(await inTime(codeOf(authenticate({ accessToken })))).toBe('store_unavailable');
  });

  test('a cached judgement is good for one version of the view', async () => {
    const pair = await test_.open('main', uid);
    const other = await test_.open('main', uid);
    await authenticate(pair);
    const { version } = test_.services.follower;
    const by = await administrator();
    await test_.engine.administration.revokeSession(by, pair.session.sid, OPTIONS);
    expect(test_.services.follower.version).not.toBe(version);
    expect(await codeOf(authenticate(pair))).toBe('session_revoked');
    expect(await codeOf(authenticate(other))).toBe('none');
  });
});

test('B11 every judgement is counted by its outcome, and each signature that was verified', async () => {
  const before = test_.engine.tokens.status();
  const pair = await test_.open('main', uid);
  await authenticate(pair);
  await authenticate(pair);
  expect(await codeOf(authenticate({ accessToken: 'hidden' }))).toBe('invalid_token');
  expect(await codeOf(authenticate(pair, { roles: ['admin'] }))).toBe('insufficient_role');
  const after = test_.engine.tokens.status();
  const counted = (code: string) =>
    (after.refused.get(code) ?? 0) - (before.refused.get(code) ?? 0);
  expect({
    passed: after.passed - before.passed,
    added: after.added - before.added,
    invalid: counted('invalid_token'),
    denied: counted('insufficient_role'),
  }).toEqual({ passed: 2, added: 1, invalid: 1, denied: 1 });
});

describe('order', () => {
  test('revoked comes before roles and age; roles after age', async () => {
    const pair = await test_.open('main', uid);
    const options = { roles: ['owner'], maxAuthAgeSeconds: 10 };
    await clock.advance(11_000);
    await prove();
    expect(await codeOf(authenticate(pair, options))).toBe('reauthentication_required');
    expect(await codeOf(authenticate(pair, { roles: ['owner'] }))).toBe('insufficient_role');
    expect(await codeOf(authenticate(pair, { roles: ['owner', 'member'] }))).toBe('none');
    const by = await administrator();
    await test_.engine.administration.revokeSession(by, pair.session.sid, OPTIONS);
    expect(await codeOf(authenticate(pair, options))).toBe('session_revoked');
  });
});

describe('floods', () => {
  test('A7: unknown key ids make nobody ask the record again and again', async () => {
    await clock.advance(10_000);
    await prove();
    const statements = record.statementCount();
    const forged = (n: number) => {
      const header = { alg: 'ES256', typ: 'at+jwt', kid: `kid-${n}` };
      const part = Buffer.from(JSON.stringify(header)).toString('base64url');
      return { accessToken: `${part}.e30.${'A'.repeat(86)}` };
    };
    for (let n = 0; n < 200; n += 1)
      expect(await codeOf(authenticate(forged(n)))).toBe('invalid_token');
    // Far fewer than tokens; what the passing time has begun is among them.
    expect(record.statementCount() - statements).toBeLessThan(20);
  });

  test('A7, ASVS 16.3.2: refused tokens and denied requests become few rows', async () => {
    const pair = await test_.open('main', uid);
    const by = await administrator();
    for (let n = 0; n < 50; n += 1) {
      await codeOf(authenticate(pair, { roles: ['owner'], origin: ORIGIN }));
      await codeOf(authenticate({ accessToken: 'nonsense' }));
    }
    await test_.flush();
    const rows = (action: string) =>
      test_.engine.administration.listAudit(by, { action }, { limit: 200, cursor: null });
    const mine = (await rows('authz_fail')).filter(
      ({ actor, detail }) => actor.sid === pair.session.sid || detail.count === 49,
    );
    expect(mine.map(({ ip, detail }) => [ip, detail.needed ?? detail.count]).sort()).toEqual(
      [
        [ORIGIN.ip, 'owner'],
        [null, 49],
      ].sort(),
    );
    // Forged tokens name no tenant that could be believed.
    expect(JSON.stringify(await rows('authn_token_refused'))).not.toContain('invalid_token');
  });
});

test('ASVS 16.5.2 the end of the embedded database is an error in the log, not a silence', async () => {
  const lines: [fields: object, message: string][] = [];
  const opened = await openTestRecord();
  let crash = (_error: Error): void => {};
  const crashed = new Promise<Error>((resolve) => {
    crash = resolve;
  });
  const engine = await startTestEngine({
    record: { ...opened.record, crashed },
    log: { ...silentLog, error: (fields, message) => lines.push([fields, message]) },
  });
  expect(lines).toEqual([]);
  const error = new Error('unreachable');
  crash(error);
  await crashed;
  expect(lines).toEqual([[{ err: error }, expect.stringContaining('start this process anew')]]);
  await engine.close();
});
