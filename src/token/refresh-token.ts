import { randomBytes } from 'node:crypto';
import { isId } from '../id.ts';
import type { RefreshCandidate, RefreshSlots } from '../record/contract.ts';
import { fromBase64url, mac, sha256 } from './mac.ts';
import type { KeyRing, RingMember } from './secrets.ts';
import { SECRET_BYTES } from './tenant-secret.ts';

/** `<tid>.<sid>.<secret>`: 22 + 1 + 22 + 1 + 43 characters. */
const TOKEN_LENGTH = 89;

/** What a refresh token says of itself; whether it was ever issued, the record knows. */
export interface ParsedRefreshToken {
  readonly tid: string;
  readonly sid: string;
}

/** The first token of a chain: `<tid>.<sid>.<256 random bits>`. */
export function makeRefreshToken(
  tid: string,
  sid: string,
  random: (bytes: number) => Buffer = randomBytes,
): string {
  return `${tid}.${sid}.${random(SECRET_BYTES).toString('base64url')}`;
}

/** Reads a refresh token; null for anything but its one exact spelling. */
export function parseRefreshToken(token: unknown): ParsedRefreshToken | null {
  if (typeof token !== 'string' || token.length !== TOKEN_LENGTH) {
    return null;
  }
  const [tid, sid, secret, ...rest] = token.split('.');
  if (!isId(tid) || !isId(sid) || secret === undefined || rest.length > 0) {
    return null;
  }
  return fromBase64url(secret)?.length === SECRET_BYTES ? { tid, sid } : null;
}

/** What the record keeps of a token: SHA-256, 32 bytes. */
export function hashRefreshToken(token: string): Buffer {
  return sha256(token);
}

/**
 * What the record keeps when `token` is issued as the first of a chain: its hash, and that of its successor under the
 * newest key of the ring.
 */
export function issueSlots(ring: KeyRing, token: string): RefreshSlots {
  return {
    currentHash: hashRefreshToken(token),
    successorHash: hashRefreshToken(successorOf(ring.newest, token)),
    successorKeyId: ring.newest.keyId,
  };
}

/**
 * What the presented token's successor would be, once a key of the ring and newest first. The record picks the one whose
 * key its row names; `afterHash` is the hash that it then stores as the next successor, under the newest key.
 */
export function candidates(ring: KeyRing, token: string): readonly RefreshCandidate[] {
  return ring.members.map((member) => {
    const successor = successorOf(member, token);
    return {
      keyId: member.keyId,
      successorHash: hashRefreshToken(successor),
      afterHash: hashRefreshToken(successorOf(ring.newest, successor)),
    };
  });
}

/**
 * Derives the live token from a presented one: one successor a key id, in order. The outcome of the record's `rotate`
 * gives the key ids.
 *
 * Since a successor is a function of the token before it, a repeat is answered with the same token on every node, and the
 * chain cannot fork (ASVS 10.4.5, 15.4.2).
 *
 * @returns null when the ring lacks one of the keys: the caller answers 503.
 */
export function follow(ring: KeyRing, token: string, keyIds: readonly string[]): string | null {
  let live = token;
  for (const keyId of keyIds) {
    const member = ring.find(keyId);
    if (member === null) {
      return null;
    }
    live = successorOf(member, live);
  }
  return live;
}

/** The whole token goes into the HMAC, so that a successor belongs to one session of one tenant. */
function successorOf(member: RingMember, token: string): string {
  const ids = token.slice(0, token.lastIndexOf('.'));
  return `${ids}.${mac(member, 'refresh-token', token).toString('base64url')}`;
}
