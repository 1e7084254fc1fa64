import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '../../src/observe/log.ts';
import type { RecordStore } from '../../src/record/contract.ts';
import { createIssuer } from '../../src/session/issuer.ts';
import { createKeys, type Keys } from '../../src/session/keys.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { createTestClock } from '../support/clock.ts';
import { codeOf, SECRET, startTestEngine, type TestEngine } from '../support/engine.ts';
import { openTestRecord } from '../support/record.ts';

const DAY_MS = 86_400_000;
const clock = createTestClock();
let record: RecordStore;
let test_: TestEngine;

beforeAll(async () => {
  record = (await openTestRecord()).record;
  test_ = await startTestEngine({ clock, record });
});
afterAll(() => test_.close());

/** A second node's keys, on the same record. */
function anotherNode(secret = SECRET): Keys {
  const { issuer: first, audience } = test_.engine;
  const wallNowMs = () => test_.services.follower.wallNowMs();
  const issuer = createIssuer({ store: record.keys, first, wallNowMs });
  return createKeys({
    ...{ store: record.keys, ring: createKeyRing(secret), issuer, audience, clock },
    wallNowMs,
    generation: () => test_.services.follower.status().generation,
    log: silentLog,
  });
}

let tenants = 0;
async function newToken(): Promise<string> {
  tenants += 1;
  return (await test_.makeTenant(`t${tenants}`)).pair.accessToken;
}

test('nodes of one record verify each other’s tokens, and only with the right secret', async () => {
  const token = await newToken();
  const other = anotherNode();
  await other.load();
  expect((await other.verify(token)).kid).toBe((await test_.services.keys.verify(token)).kid);
  other.close();
  const stranger = anotherNode('another secret of the tests that is as long');
  expect(await codeOf(stranger.load())).toBe('invalid_configuration');
  stranger.close();
});

test('rotation: the next key is published before it signs, and the old one until its tokens have expired', async () => {
  const { keys } = test_.services;
  const before = await newToken();
  const { kid: old } = await keys.verify(before);
  const other = anotherNode();
  await other.load();

  await clock.advance(90 * DAY_MS - 30 * 60_000);
  await Promise.all([keys.refresh(), other.refresh()]);
  await Promise.all([keys.refresh(), other.refresh()]);
  const { keys: published } = keys.jwks();
  expect(published).toHaveLength(2);
  expect(other.jwks()).toEqual(keys.jwks());
  for (const jwk of published) {
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  }
  const between = await newToken();
  expect((await keys.verify(between)).kid).toBe(old);

  await clock.advance(61 * 60_000);
  await keys.refresh();
  const after = await newToken();
  const { kid } = await keys.verify(after);
  expect(kid).not.toBe(old);
  expect((await other.verify(after)).kid).toBe(kid);
  expect((await keys.verify(between)).kid).toBe(old);
  await clock.advance(20 * 60_000);
  await keys.refresh();
  expect(keys.jwks().keys.map((jwk) => jwk.kid)).toEqual([kid]);
  expect(await codeOf(test_.engine.authentication.authenticate(between))).toBe('invalid_token');
  other.close();
});
