import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyRing, RingMember } from '../../token/secrets.ts';
import type { NotifyCodec } from './hub.ts';

const MAC_LENGTH = 43;

/** ANNOUNCE: every message carries a MAC over deployment, sender and content. */
export function createCodec(ring: KeyRing, deployment: string): NotifyCodec {
  const macOf = (member: RingMember, body: string): string =>
    createHmac('sha256', member.key('hub-message'))
      .update(`${deployment}\n${body}`, 'utf8')
      .digest('base64url');
  return {
    seal(from, message) {
      const body = JSON.stringify({ from, message });
      return macOf(ring.newest, body) + body;
    },
    open(text) {
      const presented = Buffer.from(text.slice(0, MAC_LENGTH));
      const body = text.slice(MAC_LENGTH);
      const good = ring.members.some((member) => {
        const expected = Buffer.from(macOf(member, body));
        return expected.length === presented.length && timingSafeEqual(expected, presented);
      });
      return good ? JSON.parse(body) : null;
    },
  };
}
