import { decodeJwt } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { silentLog } from '../../src/observe/log.ts';
import { ISSUER_MUST } from '../../src/public-url.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import { createIssuer } from '../../src/session/issuer.ts';
import { createKeys, type Keys } from '../../src/session/keys.ts';
import { mintAccessToken } from '../../src/token/access-token.ts';
import { ISSUER_AHEAD_MS } from '../../src/token/issuer.ts';
import { PUBLISH_AHEAD_MS, RETIRED_KEY_MS } from '../../src/token/key-set.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { openSigner } from '../../src/token/signing-key.ts';
import { createTestClock } from '../support/clock.ts';
import {
  codeOf,
  ORIGIN,
  SECRET,
  startTestEngine,
  type TestEngine,
  type TestTenant,
} from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';

const clock = createTestClock();
let record: RecordStore;
let test_: TestEngine;
let main: TestTenant;

beforeAll(async () => {
  record = (await openTestRecord()).record;
  test_ = await startTestEngine({ clock, record });
  main = await test_.makeTenant('main');
});
afterAll(() => test_.close());

/** A second node's keys, on the same record. */
async function anotherNode(): Promise<Keys> {
  const { audience } = test_.engine;
  const wallNowMs = () => test_.services.follower.wallNowMs();
  const issuer = createIssuer({ store: record.keys, first: 'http://127.0.0.1:4000', wallNowMs });
  const keys = createKeys({
    ...{ store: record.keys, ring: createKeyRing(SECRET), issuer, audience, clock, wallNowMs },
    generation: () => test_.services.follower.status().generation,
    log: silentLog,
  });
  await keys.load();
  return keys;
}

async function newToken(): Promise<string> {
  return (await test_.open('main', main.admin.uid)).accessToken;
}

test('rotate: the next key is published before it signs, and nobody is logged out', async () => {
  const { operator } = test_.engine;
  const [first] = await operator.listKeys();
  expect(first).toMatchObject({ state: 'signing', alg: 'ES256', retiredAtMs: null });
  const made = await operator.rotateKeys({ aheadMs: null, alg: 'EdDSA' });
  expect(made).toMatchObject({ state: 'coming', alg: 'EdDSA' });
  const published = (await test_.engine.jwks()).keys.map(({ kid }) => kid);
  expect(published).toEqual(expect.arrayContaining([made.kid, first?.kid]));
  const before = await newToken();
  // One that would become active before the coming one is refused by nobody; one after it may come, too.
  const soon = operator.rotateKeys({ aheadMs: 1_000, alg: null });
  expect(await codeOf(soon)).toBe('validation_failed');
  expect(await codeOf(operator.rotateKeys({ aheadMs: 150_000, alg: null }))).toBe('conflict');

  await clock.advance(PUBLISH_AHEAD_MS);
  await test_.services.keys.refresh();
  expect((await operator.listKeys()).map(({ state }) => state)).toEqual(['signing', 'verifying']);
  const after = await newToken();
  expect((await test_.services.keys.verify(after)).kid).toBe(made.kid);
  expect((await test_.services.keys.verify(before)).kid).toBe(first?.kid);
  await clock.advance(RETIRED_KEY_MS);
  await test_.services.keys.refresh();
  expect((await operator.listKeys()).map(({ state }) => state)).toEqual(['signing', 'gone']);
  expect(await codeOf(test_.services.keys.verify(before))).toBe('invalid_token');
});

test('retire: another key signs at once; withdrawn, its tokens are refused', async () => {
  const { operator } = test_.engine;
  const other = await anotherNode();
  const token = await newToken();
  const { kid } = await test_.services.keys.verify(token);
  await other.verify(token);
  const retired = await operator.retireKey({ kid, withdraw: false });
  expect(retired).toMatchObject({ key: { kid, state: 'verifying' }, made: { state: 'signing' } });
  const next = await newToken();
  expect((await test_.services.keys.verify(next)).kid).toBe(retired.made?.kid);
  // A node that does not know the new key yet asks the record.
  expect((await other.verify(next)).kid).toBe(retired.made?.kid);
  await test_.services.keys.verify(token);

  const withdrawn = await operator.retireKey({ kid, withdraw: true });
  expect(withdrawn).toMatchObject({ key: { kid, state: 'gone' }, made: null });
  expect(await codeOf(test_.services.keys.verify(token))).toBe('invalid_token');
  await other.refresh();
  expect(await codeOf(other.verify(token))).toBe('invalid_token');
  await other.verify(next);
  expect(await codeOf(operator.retireKey({ kid: 'nothing', withdraw: false }))).toBe('not_found');
  other.close();
});

test('RESTORE every key of before is good for nothing, a coming one too, and a node that has not looked yet asks first', async () => {
  const { operator } = test_.engine;
  const { keys } = test_.services;
  const stolen = createKeyRing(SECRET);
  const before = await newToken();
  const { kid } = await keys.verify(before);
  const coming = await operator.rotateKeys({ aheadMs: null, alg: null });
  const behind = await anotherNode();
  await behind.verify(before);

  await operator.declareRestored();
  const [made, ...older] = await operator.listKeys();
  expect(made).toMatchObject({ state: 'signing' });
  expect(older.map((key) => key.kid)).toEqual(expect.arrayContaining([kid, coming.kid]));
  expect(new Set(older.map(({ state }) => state))).toEqual(new Set(['gone']));
  expect(await codeOf(keys.verify(before))).toBe('invalid_token');

  // What the other node has by now is what it read before; it knows the old key, and not yet that it was withdrawn.
  expect(behind.jwks().keys.map((jwk) => jwk.kid)).toContain(kid);
  const after = await newToken();
  const { kid: _, ...claims } = await keys.verify(after);
  const named = { ...claims, issuer: test_.engine.issuer, audience: test_.engine.audience };
  const old = (await record.keys.list()).find((key) => key.kid === kid);
  if (old === undefined) throw new Error('the key is not in the record');
  const forged = await mintAccessToken(openSigner(stolen, old), named);
  expect(await codeOf(behind.verify(forged))).toBe('invalid_token');
  expect((await behind.verify(after)).kid).toBe(made?.kid);
  behind.close();

  // Nor does one sign with it that has not looked yet.
  const late = await anotherNode();
  const { follower } = test_.services;
  await test_.engine.operator.declareRestored();
  const { generation } = follower.status();
  if (generation === null) throw new Error('the node is in no generation');
  const signed = await late.sign({ ...claims, generation });
  expect((await keys.verify(signed)).kid).toBe((await operator.listKeys())[0]?.kid);
  late.close();
  // Rotation goes on from there.
  expect(await operator.rotateKeys({ aheadMs: null, alg: null })).toMatchObject({
    state: 'coming',
  });
});

test('issuer: one node alone mints as the new one at once; tokens of the old one live out their time', async () => {
  const { operator, authentication, logins } = test_.engine;
  const old = 'http://127.0.0.1:4000';
  expect(await operator.getIssuer()).toMatchObject({ issuer: old, newest: old, accepted: [old] });
  const pair = await test_.open('main', main.admin.uid);
  const next = 'https://id.example';
  const seen = await operator.changeIssuer({ issuer: next });
  const untilMs = seen.activeFromMs + RETIRED_KEY_MS;
  expect(seen).toMatchObject({ issuer: next, newest: next, accepted: [old, next] });
  expect(seen.ending).toEqual([{ issuer: old, untilMs }]);
  expect(test_.engine.issuer).toBe(next);
  await authentication.authenticate(pair.accessToken);
  const refreshed = await logins.refresh(pair.refreshToken, ORIGIN);
  expect(decodeJwt(refreshed.accessToken).iss).toBe(next);
  await authentication.authenticate(refreshed.accessToken);

  await clock.advance(RETIRED_KEY_MS + 1);
  expect(await operator.getIssuer()).toMatchObject({ accepted: [next], ending: [] });
  for (const wrong of [
    ...['id.example', 'ftp://id.example', 'https://id.example/?a', 'https://a/#b'],
    ...['http://id.example', 'http://10.0.0.7:4000', 'http://localhost.id.example', 'https://a@b'],
  ]) {
    // One rule with SEKISHO_ISSUER, in the same words.
    const refused = operator.changeIssuer({ issuer: wrong }).catch((error: unknown) => error);
    expect(await refused).toMatchObject({
      code: 'validation_failed',
      message: `issuer ${ISSUER_MUST}.`,
    });
    expect(() => readConfig({ issuer: wrong })).toThrow(ISSUER_MUST);
  }
  expect(await codeOf(operator.changeIssuer({ issuer: next }))).toBe('conflict');
});

test('issuer: with other nodes it is seen coming by all before one mints as it', async () => {
  const { operator } = test_.engine;
  const before = test_.engine.issuer;
  // Somebody else's row is enough: whether that node lives is not ours to guess.
  await record.members.join({
    ...{ id: 'another', leaseMs: 750, toleranceMs: 10_000, version: 1, address: null },
  });
  const next = 'https://later.example';
  const late = await anotherNode();
  const { activeFromMs, issuer } = await operator.changeIssuer({ issuer: next });
  expect(issuer).toBe(before);
  expect(activeFromMs).toBe(Math.floor(test_.services.follower.wallNowMs()) + ISSUER_AHEAD_MS);
  expect(decodeJwt(await newToken()).iss).toBe(before);
  await clock.advance(ISSUER_AHEAD_MS);
  const token = await newToken();
  expect(decodeJwt(token).iss).toBe(next);
  // A node that has not looked yet asks the record before it refuses a token of an issuer that it does not know.
  expect((await late.verify(token)).uid).toBe(main.admin.uid);
  late.close();
  await record.members.leave('another');
});

test('a key that was retired before its time has signed nothing, and nothing of it is verified', async () => {
  const { operator } = test_.engine;
  const { kid, state } = await operator.rotateKeys({ aheadMs: null, alg: null });
  expect(state).toBe('coming');
  const { key, made } = await operator.retireKey({ kid, withdraw: false });
  expect([key, made]).toMatchObject([{ kid, state: 'gone' }, null]);
  expect((await operator.listKeys()).find((one) => one.kid === kid)?.state).toBe('gone');
});
