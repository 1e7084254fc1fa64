import { createPublicKey, sign, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { jwksAt } from '../../src/token/key-set.ts';
import {
  makeSigningKey,
  openSigner,
  publicJwkOf,
  type SigningAlgorithm,
  sealedUnder,
  verifierOf,
} from '../../src/token/signing-key.ts';
import { testRing, testSigningKey } from '../support/tokens.ts';

const ALGORITHMS: readonly SigningAlgorithm[] = ['ES256', 'EdDSA', 'RS256'];

/** Every private member that RFC 7518 section 6 and RFC 8037 know. */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

describe('signing keys', () => {
  test.each(ALGORITHMS)(
    '%s: the public half verifies what the opened private half signs',
    async (alg) => {
      const stored = await testSigningKey(alg);
      const signer = openSigner(testRing(), stored);
      const hash = alg === 'EdDSA' ? null : 'sha256';
      const signature = sign(hash, Buffer.from('text'), signer.privateKey);
      expect(signer).toMatchObject({ kid: stored.kid, alg });
      expect(verify(hash, Buffer.from('text'), verifierOf(stored).publicKey, signature)).toBe(true);
      const jwk = createPublicKey({ key: { ...publicJwkOf(stored) }, format: 'jwk' });
      expect(verify(hash, Buffer.from('text'), jwk, signature)).toBe(true);
    },
  );

  test.each(ALGORITHMS)(
    'RFC 7517, %s: a JWK has kid, alg and use, and no private member',
    async (alg) => {
      const stored = await testSigningKey(alg);
      // Even if a private member had got into the record.
      const spoilt = {
        ...stored,
        publicJwk: { ...stored.publicJwk, d: 'secret', k: 'secret', oth: [] },
      };
      for (const jwk of [publicJwkOf(stored), publicJwkOf(spoilt), ...jwksAt([spoilt], 0).keys]) {
        expect(jwk).toMatchObject({ kid: stored.kid, alg, use: 'sig' });
        expect(PRIVATE.filter((member) => member in jwk)).toEqual([]);
      }
    },
  );

  test('ASVS 11.2.3: RSA keys have 3072 bit', async () => {
    const { publicKey } = verifierOf(await testSigningKey('RS256'));
    expect(publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072);
  });

  test('the kid is the thumbprint, so that two keys never share one', async () => {
    const [a, b] = await Promise.all([
      makeSigningKey(testRing(), 0),
      makeSigningKey(testRing(), 0),
    ]);
    expect(a.kid).toMatch(/^[\w-]{43}$/);
    expect(a.kid).not.toBe(b.kid);
  });

  test('a private key is sealed: it opens with a ring that holds its member, old or new', async () => {
    const stored = await makeSigningKey(testRing('old'), 0);
    expect(sealedUnder(stored.privateSealed)).toBe(testRing('old').newest.keyId);
    expect(openSigner(testRing('new', 'old'), stored).kid).toBe(stored.kid);
    expect(() => openSigner(testRing('new'), stored)).toThrow(
      /^SEKISHO_SECRET must still hold the secret under which signing key [\w-]+ was sealed/,
    );
  });

  test('a sealed key that was altered anywhere, or put under another name, does not open', async () => {
    const stored = await makeSigningKey(testRing(), 0);
    for (const at of [0, 1, 9, 20, 21, 36, 37, stored.privateSealed.length - 1]) {
      const privateSealed = Uint8Array.from(stored.privateSealed);
      privateSealed[at] = (privateSealed[at] ?? 0) ^ 1;
      expect(() => openSigner(testRing(), { ...stored, privateSealed })).toThrow(
        expect.objectContaining({ code: 'invalid_configuration' }),
      );
    }
    const other = await makeSigningKey(testRing(), 0);
    const swapped = { ...stored, privateSealed: other.privateSealed };
    expect(() => openSigner(testRing(), swapped)).toThrow(/was altered/);
    for (const privateSealed of [new Uint8Array(), stored.privateSealed.slice(0, 30)]) {
      expect(() => openSigner(testRing(), { ...stored, privateSealed })).toThrow(
        expect.objectContaining({ code: 'invalid_configuration' }),
      );
    }
  });

  test('neither a stored key nor a signer shows its private half when printed', async () => {
    const stored = await testSigningKey();
    const { privateKey } = openSigner(testRing(), stored);
    const { d } = privateKey.export({ format: 'jwk' });
    const der = privateKey.export({ type: 'pkcs8', format: 'der' }).toString('hex');
    const signer = openSigner(testRing(), stored);
    const printed = inspect([stored, signer], { depth: 10 }) + JSON.stringify([stored, signer]);
    expect(d).toEqual(expect.any(String));
    expect(printed).not.toContain(String(d));
    expect(Buffer.from(stored.privateSealed).toString('hex')).not.toContain(der.slice(72, 136));
  });
});
