import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyRing, RingMember } from '../token/secrets.ts';
import { type HubMessage, pack, unpack } from './message-content.ts';

export type { HubMessage } from './message-content.ts';

/**
 * Longest message in bytes of UTF-8: what PostgreSQL's NOTIFY takes, and far more than an entry needs. What is longer is
 * not sent (`seal`) and not read (`open`).
 */
export const MAX_MESSAGE_BYTES = 7_999;

/** Puts messages into text with a MAC, and reads those whose MAC is right. Neither verb ever throws. */
export interface HubCodec {
  /** The message as text; `from` says which node sends it. Null: it is longer than `MAX_MESSAGE_BYTES`. */
  seal(from: string, message: HubMessage): string | null;
  /** Null for whatever does not verify, is of another deployment, is malformed or too long. */
  open(text: string): { readonly from: string; readonly message: HubMessage } | null;
}

const VERSION = '1';
const LETTERS = { entry: 'e', head: 'h', acknowledgement: 'a', event: 'v', nonce: 'n' } as const;
const KINDS = new Map(
  Object.entries(LETTERS).map(([kind, letter]) => [letter, kind as HubMessage['kind']]),
);

/** `<version><kind><key id><MAC><content>`: all but the last are of fixed length. */
const KEY_ID_AT = 2;
const MAC_AT = KEY_ID_AT + 11;
const CONTENT_AT = MAC_AT + 43;

/**
 * The codec that all hubs share (ANNOUNCE). The MAC is HMAC-SHA-256 (RFC 2104) under the ring's key for `hub-message`,
 * over version, deployment, kind and content; generation and position are part of the content. The newest member of the
 * ring makes it, every member is accepted, so that a new secret can be deployed node by node.
 *
 * A message that was recorded and is sent again passes, and does no harm: an entry or an acknowledgement stays true for
 * ever, and a nonce counts once. An event would be shown again, with its id and time of then.
 */
export function createHubCodec(ring: KeyRing, deploymentId: string): HubCodec {
  function macOf(member: RingMember, kind: string, content: string): string {
    return createHmac('sha256', member.key('hub-message'))
      .update(JSON.stringify(['sekisho hub', VERSION, deploymentId, kind]))
      .update(content)
      .digest('base64url');
  }

  return {
    seal(from, message) {
      const letter = LETTERS[message.kind];
      const content = stringify([from, ...pack(message)]);
      if (content === null) return null;
      const { newest } = ring;
      const text = `${VERSION}${letter}${newest.keyId}${macOf(newest, letter, content)}${content}`;
      return Buffer.byteLength(text) > MAX_MESSAGE_BYTES ? null : text;
    },
    open(text) {
      // Characters first: they are never more than the bytes.
      if (text.length > MAX_MESSAGE_BYTES || Buffer.byteLength(text) > MAX_MESSAGE_BYTES)
        return null;
      const letter = text.charAt(1);
      const kind = KINDS.get(letter as (typeof LETTERS)[keyof typeof LETTERS]);
      const member = ring.find(text.slice(KEY_ID_AT, MAC_AT));
      if (text.charAt(0) !== VERSION || kind === undefined || member === null) return null;
      const content = text.slice(CONTENT_AT);
      if (!same(text.slice(MAC_AT, CONTENT_AT), macOf(member, letter, content))) return null;
      const parts = parse(content);
      if (!Array.isArray(parts)) return null;
      const [from, ...rest] = parts as unknown[];
      const message = unpack(kind, rest);
      return typeof from === 'string' && message !== null ? { from, message } : null;
    },
  };
}

/** In a time that does not tell how much of it is right. */
function same(presented: string, expected: string): boolean {
  const [a, b] = [Buffer.from(presented), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function stringify(parts: readonly unknown[]): string | null {
  try {
    return JSON.stringify(parts);
  } catch {
    return null; // an event's detail that JSON cannot say
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
