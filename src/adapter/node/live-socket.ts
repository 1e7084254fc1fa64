import { isSekishoError } from '../../errors.ts';
import type { KillReason } from '../../revocation/contract.ts';
import type { LiveConnection, Session } from '../../session/contract.ts';
import type { SocketBytes, WsLike } from './ws-like.ts';

/** Close codes of `/v1/socket` (RFC 6455 section 7.4.2: 4000 to 4999 are the application's). */
export const CLOSE = {
  revoked: 4401,
  ended: 4403,
  badTicket: 4408,
  superseded: 4409,
  /** 1013, try again later (IANA registry). */
  unavailable: 1013,
  goingAway: 1001,
  policy: 1008,
  internal: 1011,
} as const;

/** What the socket is told before it closes: `{type, session_id, reason}`. */
const NOTICE = {
  revoked: 'session.revoked',
  ended: 'session.expired',
  superseded: 'session.superseded',
  unavailable: 'session.unavailable',
} as const;

/** Bytes that may wait for a peer that does not read; beyond, the socket is cut. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** How long a peer may take to answer a close frame that is no revocation's. */
const CLOSE_WAIT_MS = 1000;

/** An authenticated socket as an application sees it. Every frame, in or out, is judged like a request. */
export interface LiveSocket {
  readonly session: Session;
  /** Sends one message. False when the socket is closed, or the session may no longer be served: then it is cut. */
  send(data: string | Uint8Array): boolean;
  /** Calls `listener` with each message: text as string, binary as bytes. Register it before `onConnection` returns. */
  onMessage(listener: (data: string | Uint8Array) => void): void;
  /** Calls `listener` once, when the socket is closed, by whomever. */
  onClose(listener: () => void): void;
  /** Closes with `code` (1000, or 4000 to 4999; default 1000) and a reason of at most 123 bytes. */
  close(code?: number, reason?: string): void;
}

/** SOCKETS: the server's side of one authenticated connection. */
export class CheckedSocket implements LiveSocket {
  readonly session: Session;
  readonly #ws: WsLike;
  #live: LiveConnection | undefined;
  #dead = false;
  readonly #messageListeners: ((data: string | Uint8Array) => void)[] = [];
  readonly #closeListeners: (() => void)[] = [];

  constructor(ws: WsLike, session: Session) {
    this.#ws = ws;
    this.session = session;
    ws.once('close', () => this.#end());
  }

  /**
   * Hands over the registration; without one no frame passes. `limit` says whether one more message is allowed,
   * `isActivity` whether a message shows that somebody is there.
   */
  open(
    live: LiveConnection,
    limit: () => boolean,
    isActivity: (message: string | Uint8Array) => boolean = () => true,
  ): void {
    this.#live = live;
    this.#ws.on('message', (data, isBinary) => {
      if (this.#dead) return;
      if (!limit()) this.close(CLOSE.policy, 'too many messages');
      const bytes = toBuffer(data);
      const message = isBinary ? bytes : bytes.toString('utf8');
      if (!this.#passes(isActivity(message))) return;
      for (const listener of this.#messageListeners) listener(message);
    });
  }

  /**
   * SOCKETS: cuts the connection before it returns. From then on no frame passes in either direction, and what of earlier
   * frames is still in this process is destroyed. The peer is told if it can be, and not awaited: the connection is only
   * left to the kernel for a moment, since destroying it with something unread in it would reset it (RFC 9293 section
   * 3.6.1), and the peer would lose the notice.
   */
  cut(why: KillReason): void {
    if (this.#dead) return;
    const ws = this.#ws;
    const unsent = ws.bufferedAmount > 0;
    this.#end();
    farewell(ws, why, this.session.sessionId);
    if (unsent) ws.terminate();
    else closeSoon(ws, CLOSE[why], why);
  }

  send(data: string | Uint8Array): boolean {
    if (!this.#passes(false)) return false;
    if (this.#ws.bufferedAmount > MAX_WAITING_BYTES) {
      this.#end();
      this.#ws.terminate();
      return false;
    }
    this.#ws.send(data);
    return true;
  }

  onMessage(listener: (data: string | Uint8Array) => void): void {
    this.#messageListeners.push(listener);
  }

  onClose(listener: () => void): void {
    this.#closeListeners.push(listener);
  }

  close(code = 1000, reason = ''): void {
    if (this.#dead) return;
    this.#end();
    closeSoon(this.#ws, code, reason);
  }

  /** The check of ANSWER for one frame; cuts the connection when it does not pass. */
  #passes(activity: boolean): boolean {
    if (this.#dead || this.#live === undefined) return false;
    const verdict = this.#live.checkNow(activity).kind;
    if (verdict === 'pass') return !this.#dead;
    this.cut(cutReasonOf(verdict));
    return false;
  }

  #end(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#live?.disconnect();
    for (const listener of this.#closeListeners) listener();
  }
}

/** `unknown_generation` means for a socket what `superseded` does: the record decides, at the next ticket. */
export function cutReasonOf(
  verdict: 'revoked' | 'superseded' | 'unknown_generation' | 'unavailable' | 'ended',
): KillReason {
  return verdict === 'unknown_generation' ? 'superseded' : verdict;
}

/** Tells the peer why; awaits nothing. */
function farewell(ws: WsLike, why: KillReason, sessionId: string): void {
  if (ws.readyState !== ws.OPEN) return;
  ws.send(JSON.stringify({ type: NOTICE[why], session_id: sessionId, reason: why }));
}

/** A close in good order: a peer that does not answer it in time is cut off. */
export function closeSoon(ws: WsLike, code: number, reason: string): void {
  // A paused socket would never see the peer's answer.
  ws.resume();
  ws.close(code, reason);
  const timer = setTimeout(() => ws.terminate(), CLOSE_WAIT_MS);
  timer.unref();
  ws.once('close', () => clearTimeout(timer));
}

/** The close code for a ticket that could not be redeemed. */
export function closeCodeOf(error: unknown): number {
  if (!isSekishoError(error)) return CLOSE.internal;
  if (error.code === 'session_revoked') return CLOSE.revoked;
  if (error.code === 'session_expired') return CLOSE.ended;
  if (error.code === 'token_superseded') return CLOSE.superseded;
  return error.status === 503 ? CLOSE.unavailable : CLOSE.badTicket;
}

function toBuffer(data: SocketBytes): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
