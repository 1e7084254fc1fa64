import { expect, test } from 'vitest';
import { createTrailSigning } from '../../src/audit/signing.ts';
import type { AuditKey } from '../../src/record/trail-contract.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { SECRET } from '../support/engine.ts';

/** Keys in memory; `add` keeps one key as the record does. */
function startSigning(secret = SECRET, keys: AuditKey[] = []) {
  let ahead = 0;
  const signing = createTrailSigning({
    store: {
      keys: async () => [...keys],
      async addKey(key, unless) {
        if (keys.some(({ activeFromMs }) => activeFromMs >= unless)) return false;
        keys.push({ ...key, retiredAtMs: null });
        return true;
      },
      async retireKey(kid, atMs) {
        const index = keys.findIndex((key) => key.kid === kid);
        const key = keys[index];
        if (key !== undefined) keys[index] = { ...key, retiredAtMs: atMs };
      },
    },
    ring: createKeyRing(secret),
    wallNowMs: () => Date.now() + ahead,
  });
  return {
    ...{ keys, signing },
    wait: (ms: number) => {
      ahead += ms;
    },
  };
}

test('ASVS 16.4.2 who verifies a trail that nobody has signed yet keeps nobody from signing it', async () => {
  const { keys, signing } = startSigning();
  expect((await signing.verifiers())('none')).toBeNull();
  expect(keys).toEqual([]);
  const { kid } = await signing.signer();
  expect((await signing.verifiers())(kid)).not.toBeNull();
});

test('ASVS 16.4.2 two that want to sign while the first key is being made both get it', async () => {
  const { keys, signing } = startSigning();
  const signers = await Promise.all([signing.signer(), signing.signer(), signing.signer()]);
  expect(keys).toHaveLength(1);
  expect(signers.map(({ kid }) => kid)).toEqual(keys.flatMap(({ kid }) => [kid, kid, kid]));
});

test('ASVS 16.4.2 11.1.1 a key is replaced at once, also where the one before opens no more; the next ones come as ever', async () => {
  const { keys, signing } = startSigning();
  const before = await signing.signer();
  // One that is coming was sealed under the same secret.
  const coming = startSigning(SECRET);
  await coming.signing.signer();
  keys.push(...coming.keys.map((key) => ({ ...key, activeFromMs: Date.now() + 3_600_000 })));
  const after = startSigning('another secret of the tests of thirty-two bytes and more', keys);
  await expect(after.signing.signer()).rejects.toMatchObject({ code: 'invalid_configuration' });
  const { kid, retired } = await after.signing.rotate();
  expect(retired).toEqual([before.kid, ...coming.keys.map((key) => key.kid)]);
  expect((await after.signing.signer()).kid).toBe(kid);
  const open = await after.signing.verifiers();
  expect([open(kid) === null, open(before.kid)]).toEqual([false, null]);
  // What a file is verified with elsewhere is what opens, whatever the record says of it.
  keys.splice(0, keys.length, ...keys.map((key) => ({ ...key, publicJwk: { kty: 'EC' } })));
  const jwks = await after.signing.publicKeys();
  expect(jwks.map((jwk) => [jwk.kid, typeof jwk.x])).toEqual([[kid, 'string']]);
  after.wait(90 * 86_400_000);
  await after.signing.signer();
  expect(keys).toHaveLength(4);
});
