import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint } from 'jose';
import { SekishoError } from '../errors.ts';
import type { StoredKey } from '../record/contract.ts';
import type { KeyRing, Purpose } from './secrets.ts';

/** JWS algorithms of access tokens. ES256 is the default; a key is good for one of them only (RFC 8725 section 3.1). */
export type SigningAlgorithm = StoredKey['alg'];

/** Under which purpose of the ring a private key is sealed: keys of access tokens, and those of the audit trail. */
type Sealing = Extract<Purpose, 'key-sealing' | 'audit-key-sealing'>;

/** A key that signs. The private key never leaves the object. */
export interface Signer {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly privateKey: KeyObject;
}

/** A key that verifies, and the one algorithm it may be used with. */
export interface Verifier {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  readonly publicKey: KeyObject;
}

/** A public key as it stands in the JWK Set (RFC 7517). */
export type PublicJwk = Readonly<Record<string, string>>;

/** What each type of public key consists of (RFC 7518 section 6, RFC 8037). Nothing else is ever published. */
const PUBLIC_MEMBERS = {
  ES256: ['kty', 'crv', 'x', 'y'],
  EdDSA: ['kty', 'crv', 'x'],
  RS256: ['kty', 'n', 'e'],
} as const satisfies Record<SigningAlgorithm, readonly (keyof JsonWebKey)[]>;

/** Layout of a sealed key: format, ring member, nonce, tag, ciphertext. */
const FORMAT = 1;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES;

const generate = promisify(generateKeyPair);

/**
 * Makes a signing key, ready for the record: public part as JWK, private part sealed under the newest member of the ring.
 * The `kid` is the key's thumbprint (RFC 7638). RSA keys have 3072 bit (128 bit of security, ASVS 11.2.3).
 *
 * @param activeFromMs wall milliseconds from which it signs; it is published from its creation on.
 */
export async function makeSigningKey(
  ring: KeyRing,
  activeFromMs: number,
  alg: SigningAlgorithm = 'ES256',
  sealing: Sealing = 'key-sealing',
): Promise<StoredKey> {
  const { publicKey, privateKey } = await generatePair(alg);
  const members = publicMembers(publicKey, alg);
  const kid = await calculateJwkThumbprint(members, 'sha256');
  return Object.freeze({
    kid,
    purpose: 'access',
    alg,
    publicJwk: Object.freeze({ ...members, kid, alg, use: 'sig' }),
    privateSealed: seal(ring, privateKey.export({ type: 'pkcs8', format: 'der' }), kid, sealing),
    activeFromMs,
    retiredAtMs: null,
  });
}

/**
 * Opens a stored key for signing.
 *
 * @throws SekishoError `invalid_configuration` when the ring lacks the member under which it was sealed, or the sealed
 *   key does not open.
 */
export function openSigner(
  ring: KeyRing,
  stored: Pick<StoredKey, 'kid' | 'alg' | 'privateSealed'>,
  sealing: Sealing = 'key-sealing',
): Signer {
  const der = unseal(ring, Buffer.from(stored.privateSealed), stored.kid, sealing);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  return Object.freeze({ kid: stored.kid, alg: stored.alg, privateKey });
}

/** The public half of a stored key. */
export function verifierOf(stored: Pick<StoredKey, 'kid' | 'alg' | 'publicJwk'>): Verifier {
  const publicKey = createPublicKey({ key: { ...publicJwkOf(stored) }, format: 'jwk' });
  return Object.freeze({ kid: stored.kid, alg: stored.alg, publicKey });
}

/**
 * A public key as `publicJwkOf` gave it, from wherever it was kept.
 *
 * @throws TypeError when it is none, or of an algorithm that is not ours.
 */
export function verifierOfJwk(jwk: PublicJwk): Verifier {
  const { kid, alg } = jwk;
  if (typeof kid !== 'string' || (alg !== 'ES256' && alg !== 'EdDSA' && alg !== 'RS256')) {
    throw new TypeError('A key must name itself (kid) and its algorithm (alg).');
  }
  return verifierOf({ kid, alg, publicJwk: jwk });
}

/** What the JWK Set shows of a stored key: its public members, `kid`, `alg` and `use`, picked one by one. */
export function publicJwkOf(stored: Pick<StoredKey, 'kid' | 'alg' | 'publicJwk'>): PublicJwk {
  return Object.freeze({
    ...pick(stored.publicJwk, stored.alg),
    kid: stored.kid,
    alg: stored.alg,
    use: 'sig',
  });
}

/** The id of the ring member under which a private key is sealed; null when the bytes are no sealed key. */
export function sealedUnder(sealed: Uint8Array): string | null {
  return sealed[0] === FORMAT && sealed.length > HEAD_BYTES + NONCE_BYTES + TAG_BYTES
    ? Buffer.from(sealed.subarray(1, HEAD_BYTES)).toString('base64url')
    : null;
}

/** AES-256-GCM with the head and the `kid` as associated data: a sealed key cannot be put under another's name. */
function seal(ring: KeyRing, der: Buffer, kid: string, sealing: Sealing): Uint8Array {
  const head = Buffer.concat([Buffer.from([FORMAT]), Buffer.from(ring.newest.keyId, 'base64url')]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', ring.newest.key(sealing), nonce);
  cipher.setAAD(Buffer.concat([head, Buffer.from(kid)]));
  const ciphertext = Buffer.concat([cipher.update(der), cipher.final()]);
  der.fill(0);
  return Buffer.concat([head, nonce, cipher.getAuthTag(), ciphertext]);
}

function unseal(ring: KeyRing, sealed: Buffer, kid: string, sealing: Sealing): Buffer {
  const keyId = sealedUnder(sealed);
  const member = keyId === null ? null : ring.find(keyId);
  if (member === null) {
    throw new SekishoError(
      'invalid_configuration',
      `SEKISHO_SECRET must still hold the secret under which signing key ${kid} was sealed (key id ${keyId ?? 'unknown'}).`,
    );
  }
  const nonce = sealed.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
  const tag = sealed.subarray(HEAD_BYTES + NONCE_BYTES, HEAD_BYTES + NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv('aes-256-gcm', member.key(sealing), nonce, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(Buffer.concat([sealed.subarray(0, HEAD_BYTES), Buffer.from(kid)]));
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(HEAD_BYTES + NONCE_BYTES + TAG_BYTES)),
      decipher.final(),
    ]);
  } catch {
    throw new SekishoError(
      'invalid_configuration',
      `Signing key ${kid} was altered: it does not open with its secret.`,
    );
  }
}

function generatePair(
  alg: SigningAlgorithm,
): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  switch (alg) {
    case 'ES256':
      return generate('ec', { namedCurve: 'P-256' });
    case 'EdDSA':
      return generate('ed25519');
    case 'RS256':
      return generate('rsa', { modulusLength: 3072 });
  }
}

function publicMembers(key: KeyObject, alg: SigningAlgorithm): Record<string, string> {
  return pick(key.export({ format: 'jwk' }), alg);
}

function pick(
  jwk: Readonly<Record<string, unknown>>,
  alg: SigningAlgorithm,
): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const member of PUBLIC_MEMBERS[alg]) {
    const value = jwk[member];
    if (typeof value !== 'string') {
      throw new SekishoError('internal', `A stored public key has no member ${member}.`);
    }
    picked[member] = value;
  }
  return picked;
}
