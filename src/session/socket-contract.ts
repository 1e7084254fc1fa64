import type { Connection, Judgement } from '../revocation/contract.ts';
import type { Subscriber } from './events.ts';
import type { Caller, Session } from './types.ts';

export interface Sockets {
  issueTicket(
    caller: Caller,
  ): Promise<{ readonly ticket: string; readonly expiresInSeconds: number }>;
  /** Redeems a ticket once. @throws `invalid_token` when it is unknown, used or too old. */
  redeemTicket(ticket: string): Promise<SocketSession>;
  /**
   * SOCKETS: registers a long-lived connection (a socket, an event stream) and judges it in one synchronous block. `kill`
   * is called synchronously when it may no longer live, before any acknowledgement, and must cut it before it returns; it
   * is called at most once, and never after `disconnect`. A judgement other than `pass` registers nothing.
   */
  connect(session: SocketSession, kill: Connection['kill']): LiveConnection;
}

/** A registered connection. */
export interface LiveConnection {
  readonly judgement: Judgement;
  /**
   * Judges one frame, in or out, like a request. A verdict other than `pass` means: cut it. `activity`: the frame came from
   * the person, so it moves last-seen (a ping or a notification does not). Default false.
   */
  checkNow(activity?: boolean): Judgement | { readonly kind: 'ended' };
  disconnect(): void;
}

/** What a ticket stands for: enough to judge a connection without its access token. */
export interface SocketSession {
  readonly session: Session;
  readonly generation: string;
  readonly epoch: number;
  readonly tokenEpoch: number;
  /** The session's absolute end, wall milliseconds. */
  readonly endsAtMs: number;
}

export interface Events {
  /**
   * The tenant's events from now on, or behind the event that some node gave the id `after`, for as long as nobody calls the
   * returned function.
   */
  subscribe(tenantId: string, after: string | null, subscriber: Subscriber): () => void;
  /** The facts by which a long-lived answer (an event stream) opened with `token` is judged. */
  connectionOf(token: string): Promise<SocketSession>;
}
