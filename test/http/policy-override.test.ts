import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_POLICY } from '../../src/tenant/policy.ts';
import { createTestClock } from '../support/clock.ts';
import { startTestApp, type TestApp } from '../support/http.ts';
import { request } from '../support/requests.ts';

/** Moved by hand, so that an override ends when the test says. */
const clock = createTestClock();
let http: TestApp;

beforeAll(async () => {
  http = await startTestApp({ clock }, { clock });
});
afterAll(() => http.close());

const inSeconds = (seconds: number) => new Date(clock.wallMs() + seconds * 1000).toISOString();

/** An administrator of a tenant of its own, with a token that is never old. */
async function administrator(slug: string) {
  const made = await http.engine.makeTenant(slug);
  const token = async () => (await http.engine.open(slug, made.admin.uid)).accessToken;
  return {
    ...made,
    get: async () => http.send('GET', '/v1/admin/policy', { token: await token() }),
    put: async (json: object, headers: Record<string, string> = {}) =>
      http.send('PUT', '/v1/admin/policy', { token: await token(), json, headers }),
  };
}

test('A8 B13 an override is shown with what comes after, and is over at its end by itself', async () => {
  const own = await administrator('for-a-while');
  const short = { ...DEFAULT_POLICY, access_ttl: 60, max_sessions_per_user: 20 };
  const first = await own.get();
  const override_until = inSeconds(120);
  const put = await own.put(
    { ...short, override_until },
    { 'if-match': first.headers.get('etag') ?? '' },
  );
  expect(put.status).toBe(200);
  expect(put.body).toEqual({
    policy: { ...short, override_until },
    after: DEFAULT_POLICY,
    // Tokens of the longer one are superseded.
    revocation: expect.objectContaining({ scope: 'reissue', effective: 'everywhere' }),
  });
  const during = await own.get();
  expect(during.body).toEqual({ policy: { ...short, override_until }, after: DEFAULT_POLICY });
  expect(during.headers.get('etag')).toBe(put.headers.get('etag'));
  expect((await http.engine.open('for-a-while', own.admin.uid)).expiresInSeconds).toBe(60);

  for (let n = 0; n < 13; n += 1) await clock.advance(10_000);
  const after = await own.get();
  expect(after.body).toEqual({ policy: DEFAULT_POLICY });
  // What is shown is another thing now: whoever has seen the override has not seen this (RFC 9110 section 13.1.1).
  expect(after.headers.get('etag')).not.toBe(during.headers.get('etag'));
  const late = await own.put(DEFAULT_POLICY, { 'if-match': during.headers.get('etag') ?? '' });
  expect([late.status, late.body.code]).toEqual([412, 'precondition_failed']);
  const right = await own.put(DEFAULT_POLICY, { 'if-match': after.headers.get('etag') ?? '' });
  expect(right.status).toBe(200);
  expect(right.body).toEqual({ policy: DEFAULT_POLICY });
  expect((await http.engine.open('for-a-while', own.admin.uid)).expiresInSeconds).toBe(300);
});

test('A8 a second override keeps what is there for good; a PUT without one takes the place of both', async () => {
  const own = await administrator('again-and-again');
  const lasting = { ...DEFAULT_POLICY, access_ttl: 200 };
  await own.put(lasting);
  await own.put({ ...DEFAULT_POLICY, access_ttl: 100, override_until: inSeconds(60) });
  const second = { ...DEFAULT_POLICY, access_ttl: 150, override_until: inSeconds(90) };
  expect((await own.put(second)).body).toMatchObject({ policy: second, after: lasting });
  const other = { ...DEFAULT_POLICY, access_ttl: 250 };
  expect((await own.put(other)).body).toEqual({ policy: other });
  expect((await own.get()).body).toEqual({ policy: other });
});

// Tokens and sockets know of the end that they had when they were made. Each line: what is in force for good, what overrides
// it for so many seconds, what is put then for so many, and whether something ends earlier by that.
const [S, M, L] = [60, 180, 300];
test.each([
  ['a shorter override', M, null, [S, 60], true],
  ['a longer override', M, null, [L, 60], false],
  ['the same for a while', M, null, [M, 60], false],
  ['a shorter override, made longer', M, [S, 60], [M, 60], false],
  ['a shorter override, ended', M, [S, 60], [M, null], false],
  ['a longer override, ended', M, [L, 60], [M, null], true],
  ['a longer override that ends sooner', M, [L, 60], [L, 30], true],
  ['a longer override that lasts', M, [L, 30], [L, 60], false],
  ['a shorter override that lasts', M, [S, 30], [S, 60], true],
  ['a shorter override that ends sooner', M, [S, 60], [S, 30], false],
  ['an override for good', S, [L, 60], [L, null], false],
] as const)(
  'A8 ASVS 7.4.1 %s: what lives longer is superseded, and nothing else',
  async (name, lasting, override, put, shorter) => {
    const own = await administrator(name.replaceAll(/[ ,]+/g, '-').slice(0, 40));
    const policy = ([access_ttl, seconds]: readonly [number, number | null]) => ({
      ...{ ...DEFAULT_POLICY, access_ttl },
      ...(seconds === null ? {} : { override_until: inSeconds(seconds) }),
    });
    await own.put(policy([lasting, null]));
    if (override !== null) await own.put(policy(override));
    const { status, body } = await own.put(policy(put));
    expect([status, body.revocation !== undefined]).toEqual([200, shorter]);
  },
);

test('A8 B14 it is audited, with its end', async () => {
  const own = await administrator('noted');
  const override_until = inSeconds(60);
  await own.put({ ...DEFAULT_POLICY, access_ttl: 61, override_until });
  const { caller } = own;
  const page = { limit: 5, cursor: null };
  const rows = await http.engine.engine.administration.listAudit(
    caller,
    { action: 'policy_changed' },
    page,
  );
  expect(rows[0]).toMatchObject({
    actor: { kind: 'user', uid: own.admin.uid },
    detail: { access_ttl: 61, override_until, shorter: true },
  });
});

test.each([
  ['a time that is over', () => inSeconds(-1)],
  ['now', () => inSeconds(0)],
  ['a time that is far', () => inSeconds(30 * 86_400 + 10)],
  ['no time', () => 'tomorrow'],
  ['a time without its offset', () => '2031-01-01T00:00:00'],
  ['a number', () => 1_900_000_000],
  ['null', () => null],
])('ASVS 2.2.1 A8 override_until: %s is 422, and changes nothing', async (name, value) => {
  const own = await administrator(`no-${name.replaceAll(' ', '-')}`);
  const { status, body } = await own.put({ ...DEFAULT_POLICY, override_until: value() });
  expect([status, body.code]).toEqual([422, 'validation_failed']);
  expect(body.errors).toMatchObject([{ pointer: '/override_until' }]);
  expect((await own.get()).body).toEqual({ policy: DEFAULT_POLICY });
});

test('A8 ASVS 15.2.2 time-outs that become longer again and again are refused, and it says what is not', async () => {
  const own = await administrator('without-end');
  const lives = (seconds: number) => ({
    ...{ ...DEFAULT_POLICY, idle_timeout: 1_000 + seconds, absolute_timeout: 2_000 + seconds },
  });
  const { tid } = own.tenant;
  const puts = Array.from({ length: 101 }, (_, n) => {
    const change = { kind: 'policy_put', tid, policy: lives(n), overrideUntilMs: null } as const;
    return request({ nowMs: clock.wallMs(), change: { ...change, ifVersion: null } });
  });
  for (const { kind } of await http.engine.record.log.commit(puts)) expect(kind).toBe('committed');
  const refused = await own.put(lives(101));
  expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
  expect(refused.body.detail).toContain('They can be made shorter');
  expect((await own.get()).body).toEqual({ policy: lives(100) });
  // Where somebody else changed it meanwhile, that is what is said.
  expect((await own.put(lives(101), { 'if-match': '"1"' })).status).toBe(412);
  expect((await own.put({ ...lives(100), max_sessions_per_user: 20 })).status).toBe(200);
  expect((await own.put(lives(40))).status).toBe(200);
});
