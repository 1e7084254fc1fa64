import { expect, test } from 'vitest';
import { createTrailSigning } from '../../src/audit/signing.ts';
import type { AuditKey } from '../../src/record/trail-contract.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { SECRET } from '../support/engine.ts';

/** Keys in memory; `add` keeps one key as the record does. */
function startSigning() {
  const keys: AuditKey[] = [];
  const signing = createTrailSigning({
    store: {
      keys: async () => [...keys],
      async addKey(key) {
        if (keys.length > 0) return false;
        keys.push({ ...key, retiredAtMs: null });
        return true;
      },
      retireKey: async () => undefined,
    },
    ring: createKeyRing(SECRET),
    wallNowMs: () => Date.now(),
  });
  return { keys, signing };
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
