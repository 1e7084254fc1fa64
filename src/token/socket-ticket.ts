import { z } from 'zod';
import { ID_PATTERN } from '../id.ts';
import type { TokenFacts } from '../revocation/types.ts';
import { fromBase64url, mac, macMatches } from './mac.ts';
import type { KeyRing } from './secrets.ts';

/** How long a ticket may be redeemed, seconds. */
export const TICKET_SECONDS = 30;

const MAX_TICKET_LENGTH = 8192;

const id = z.string().regex(ID_PATTERN);
const count = z.int().min(0);

/** Names are short, since a ticket travels in a header. */
const PAYLOAD = z.strictObject({
  jti: id,
  tid: id,
  uid: id,
  sid: id,
  cid: z.string().min(1),
  gen: z.string().min(1),
  ep: count,
  tep: count,
  rol: z.array(z.string()),
  aut: count,
  amr: z.array(z.string()),
  end: count,
  exp: count,
});

/** What a socket is opened with instead of an access token. Frozen. */
export interface SocketTicket extends TokenFacts {
  /** Redeemed once: the record remembers it. */
  readonly jti: string;
  readonly clientId: string;
  readonly roles: readonly string[];
  readonly authTimeSeconds: number;
  readonly amr: readonly string[];
  /** The session's absolute end, wall milliseconds: a socket outlives access tokens, not its session. */
  readonly sessionEndsAtMs: number;
  /** The ticket's own end, wall milliseconds. */
  readonly expiresAtMs: number;
}

/**
 * Makes a ticket (ASVS 4.4.3): `<claims>.<HMAC>`, both in base64url, so that it can be part of a WebSocket subprotocol,
 * which is a token of RFC 9110 section 5.6.2. It is good for 30 s on any node.
 */
export function makeSocketTicket(
  ring: KeyRing,
  ticket: Omit<SocketTicket, 'expiresAtMs'>,
  nowMs: number,
): string {
  const payload: z.infer<typeof PAYLOAD> = {
    jti: ticket.jti,
    tid: ticket.tid,
    uid: ticket.uid,
    sid: ticket.sid,
    cid: ticket.clientId,
    gen: ticket.generation,
    ep: ticket.epoch,
    tep: ticket.tokenEpoch,
    rol: [...ticket.roles],
    aut: ticket.authTimeSeconds,
    amr: [...ticket.amr],
    end: Math.floor(ticket.sessionEndsAtMs),
    exp: Math.floor(nowMs) + TICKET_SECONDS * 1000,
  };
  const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
  return `${body}.${mac(ring.newest, 'socket-ticket', body).toString('base64url')}`;
}

/**
 * Reads a ticket of this deployment; null when it is forged, malformed or older than 30 s. Whether it was used before, the
 * record knows; whether its session still stands, the view.
 */
export function readSocketTicket(
  ring: KeyRing,
  ticket: unknown,
  nowMs: number,
): SocketTicket | null {
  if (typeof ticket !== 'string' || ticket.length > MAX_TICKET_LENGTH) {
    return null;
  }
  const [body = '', tag = '', ...rest] = ticket.split('.');
  const presented = fromBase64url(tag);
  const bytes = fromBase64url(body);
  if (rest.length > 0 || presented === null || bytes === null) {
    return null;
  }
  if (!macMatches(ring, 'socket-ticket', body, presented)) {
    return null;
  }
  // One of ours, but perhaps of another release of ours, while both run.
  const { success, data: claims } = PAYLOAD.safeParse(JSON.parse(bytes.toString('utf8')));
  if (!success || nowMs >= claims.exp) {
    return null;
  }
  return Object.freeze({
    jti: claims.jti,
    tid: claims.tid,
    uid: claims.uid,
    sid: claims.sid,
    clientId: claims.cid,
    generation: claims.gen,
    epoch: claims.ep,
    tokenEpoch: claims.tep,
    roles: Object.freeze(claims.rol),
    authTimeSeconds: claims.aut,
    amr: Object.freeze(claims.amr),
    sessionEndsAtMs: claims.end,
    expiresAtMs: claims.exp,
  });
}
