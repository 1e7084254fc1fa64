import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { SekishoError } from '../errors.ts';

/** Shortest member of a key ring, in bytes of UTF-8. */
const MIN_SECRET_BYTES = 32;

/** Most members of a key ring: every refresh is derived under each of them. */
const MAX_RING_MEMBERS = 8;

/** What a derived key is for. One key never serves two purposes (NIST SP 800-57 part 1, section 5.2). */
export type Purpose =
  | 'refresh-token'
  | 'key-sealing'
  | 'device-token'
  | 'socket-ticket'
  | 'page-cursor'
  | 'hub-message'
  | 'login-attempt-name'
  | 'audit-key-sealing'
  | 'backup';

/** One secret of the ring. The secret itself stays inside; a log line that prints a member shows nothing. */
export interface RingMember {
  /** Short and stable: 11 characters of base64url, derived one way, so that it tells nothing of the secret. */
  readonly keyId: string;
  /** The 256-bit key for one purpose, by HKDF-SHA-256 (RFC 5869). */
  key(purpose: Purpose): KeyObject;
}

/** The secrets of a deployment, newest first: the newest makes, all of them check. */
export interface KeyRing {
  readonly newest: RingMember;
  readonly members: readonly RingMember[];
  /** The member with that id, or null when this node does not have it. */
  find(keyId: string): RingMember | null;
}

const SALT = 'sekisho key ring v1';
const KEY_BYTES = 32;
const KEY_ID_BYTES = 8;

/**
 * Reads `SEKISHO_SECRET`: one secret or a comma-separated list, newest first; blanks around a member do not count.
 *
 * A new secret is deployed as the second member first and as the first one after that: until every node has it, some
 * could not follow a refresh token that was made under it, and would answer 503.
 *
 * @throws SekishoError `invalid_configuration` when a member is shorter than 32 bytes, stands there twice, or there are
 *   more than 8. The message names the variable and never the value.
 */
export function createKeyRing(secret: string): KeyRing {
  const texts = secret.split(',').map((text) => text.trim());
  if (texts.some((text) => Buffer.byteLength(text, 'utf8') < MIN_SECRET_BYTES)) {
    throw invalid(
      `must be at least ${MIN_SECRET_BYTES} bytes long, and so must each member of a comma-separated list`,
    );
  }
  if (new Set(texts).size !== texts.length) {
    throw invalid('must not name the same secret twice');
  }
  if (texts.length > MAX_RING_MEMBERS) {
    throw invalid(`must have at most ${MAX_RING_MEMBERS} members`);
  }
  const members = Object.freeze(texts.map(createMember));
  const newest = members[0];
  if (newest === undefined) {
    throw invalid(`must be at least ${MIN_SECRET_BYTES} bytes long`);
  }
  return Object.freeze({
    newest,
    members,
    find: (keyId: string) => members.find((member) => member.keyId === keyId) ?? null,
  });
}

/** A new secret for a deployment that has none: 256 random bits in base64url (43 characters). */
export function makeSecret(random: (bytes: number) => Buffer = randomBytes): string {
  return random(KEY_BYTES).toString('base64url');
}

function createMember(text: string): RingMember {
  const secret = Buffer.from(text, 'utf8');
  const derive = (info: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secret, SALT, info, bytes));
  const keys = new Map<Purpose, KeyObject>();
  return Object.freeze({
    keyId: derive('key id', KEY_ID_BYTES).toString('base64url'),
    key(purpose: Purpose): KeyObject {
      let key = keys.get(purpose);
      if (key === undefined) {
        key = createSecretKey(derive(`key for ${purpose}`, KEY_BYTES));
        keys.set(purpose, key);
      }
      return key;
    },
  });
}

function invalid(what: string): SekishoError {
  return new SekishoError('invalid_configuration', `SEKISHO_SECRET ${what}.`);
}
