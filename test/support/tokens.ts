import { newId } from '../../src/id.ts';
import type { StoredKey } from '../../src/record/contract.ts';
import type { AccessClaims } from '../../src/token/access-token.ts';
import { createKeyRing, type KeyRing } from '../../src/token/secrets.ts';
import { makeSigningKey, type SigningAlgorithm } from '../../src/token/signing-key.ts';

/** A ring of secrets that are nobody's, newest first. */
export function testRing(...names: readonly string[]): KeyRing {
  const list = names.length === 0 ? ['one'] : names;
  return createKeyRing(
    list
      .map((name) => `a secret for tests, named ${name}`.replace(',', '').padEnd(40, '.'))
      .join(','),
  );
}

/** 2030-01-01T00:00:00Z in seconds. */
export const NOW_SECONDS = 1_893_456_000;

export const ISSUER = 'https://sessions.example';
export const AUDIENCE = 'orders';

/** Claims of a good token, minted now for five minutes. */
export function accessClaims(changes: Partial<AccessClaims> = {}): AccessClaims {
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    clientId: 'sekisho',
    tid: newId(),
    uid: newId(),
    sid: newId(),
    generation: newId(),
    epoch: 3,
    tokenEpoch: 5,
    rot: 2,
    roles: ['admin', 'member'],
    authTimeSeconds: NOW_SECONDS - 60,
    amr: ['pwd'],
    issuedAtSeconds: NOW_SECONDS,
    expiresAtSeconds: NOW_SECONDS + 300,
    jti: newId(),
    ...changes,
  };
}

const made = new Map<string, Promise<StoredKey>>();

/** A signing key of that algorithm, the same one at each call with the same name: RSA keys take long to make. */
export function testSigningKey(alg: SigningAlgorithm = 'ES256', name = 'a'): Promise<StoredKey> {
  const key = made.get(alg + name) ?? makeSigningKey(testRing(), 0, alg);
  made.set(alg + name, key);
  return key;
}
