import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { LONGEST_TIMER_MS } from '../../clock.ts';
import type { Session, SocketSession, Sockets } from '../../session/contract.ts';
import { reportError } from './guard.ts';
import {
  CheckedSocket,
  CLOSE,
  closeCodeOf,
  closeSoon,
  cutReasonOf,
  type LiveSocket,
} from './live-socket.ts';
import { headOf } from './request.ts';
import { ignoreUpgrade, isSocketRequest, refuseUpgrade } from './upgrade.ts';

/** What sockets use of a Sekisho instance; `createSekisho` returns all of it. */
export interface SocketHost {
  /** Where the routes are mounted: empty, or a path such as `/auth` without a slash at its end. */
  readonly basePath: string;
  readonly sockets: Pick<Sockets, 'redeemTicket' | 'connect'>;
  /**
   * Whether a page of `origin` may open a socket: the request's own origin or one of the allowed (ASVS 4.4.2). `peer` is
   * the address at the other end of the connection.
   */
  allowsOrigin(origin: string, request: Request, peer: string | null): boolean;
}

/** What `attachSocket` takes. All of it is optional. */
export interface SocketOptions {
  /** Called for each authenticated socket; without it sockets carry Sekisho's notices and nothing else. */
  readonly onConnection?: (socket: LiveSocket, session: Session) => void;
  /**
   * Whether a message shows that somebody is there, and so puts off the session's idle time-out. Default: every message
   * does. A page that asks for signs of life by itself does not.
   */
  readonly isActivity?: (message: string | Uint8Array) => boolean;
  /** Default: `basePath` + `/v1/socket`. */
  readonly path?: string;
  /** Sockets of one session at a time; one more is closed with 1008. Default 16. */
  readonly maxPerSession?: number;
  /** Sockets that have shown no good ticket yet, all together; one more is answered 503. Default 256. */
  readonly maxUnauthenticated?: number;
  /** Messages a second that one socket may send; beyond, it is closed with 1008. Default 50. */
  readonly maxMessagesPerSecond?: number;
  /** How long a socket may take to show its ticket before it is closed with 4408. Seconds, default 5. */
  readonly ticketSeconds?: number;
  /**
   * A ping goes out this often; a peer that showed no life since the last one is cut off. Seconds, default 30, at most 24
   * days.
   */
  readonly pingSeconds?: number;
}

/** What `attachSocket` returns. */
export interface AttachedSockets {
  /** Open sockets, authenticated or not. */
  readonly size: number;
  /** Takes no more sockets and closes the open ones with 1001. */
  close(): void;
}

const PROTOCOL = 'sekisho.v1';
const TICKET_PROTOCOL = 'sekisho.ticket.';
const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_EARLY_MESSAGES = 16;

/**
 * Serves `GET /v1/socket` on `server`. A socket shows its ticket (`POST /v1/socket-ticket`) as the subprotocol
 * `sekisho.ticket.<ticket>` beside `sekisho.v1`, or as its first message `{"ticket": …}`. When its session is revoked it
 * is cut before the revoking call returns. Upgrades for other paths are left to other listeners, or ignored.
 *
 * @example
 * const server = http.createServer(nodeHandler(sekisho)).listen(4000);
 * attachSocket(server, sekisho, {
 *   onConnection(socket, session) { socket.onMessage((text) => socket.send(`${session.userId}: ${text}`)); },
 * });
 */
export function attachSocket(
  server: Server,
  sekisho: SocketHost,
  options: SocketOptions = {},
): AttachedSockets {
  return new SocketServer(server, sekisho, options);
}

class SocketServer implements AttachedSockets {
  readonly #server: Server;
  readonly #sekisho: SocketHost;
  readonly #options: SocketOptions;
  readonly #path: string;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    // Compressed frames are written later than they are sent: a cut could not be synchronous.
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  });
  readonly #alive = new WeakSet<WebSocket>();
  readonly #perSession = new Map<string, number>();
  readonly #pings: NodeJS.Timeout;
  readonly #onUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => void;
  #unauthenticated = 0;

  constructor(server: Server, sekisho: SocketHost, options: SocketOptions) {
    this.#server = server;
    this.#sekisho = sekisho;
    this.#options = options;
    this.#path = options.path ?? `${sekisho.basePath}/v1/socket`;
    this.#onUpgrade = (req, socket, head) => this.#upgrade(req, socket, head);
    this.#pings = setInterval(() => this.#ping(), timerMs(options.pingSeconds ?? 30));
    this.#pings.unref();
    server.on('upgrade', this.#onUpgrade);
  }

  get size(): number {
    return this.#sockets.clients.size;
  }

  close(): void {
    clearInterval(this.#pings);
    this.#server.off('upgrade', this.#onUpgrade);
    for (const ws of this.#sockets.clients) closeSoon(ws, CLOSE.goingAway, 'going away');
    this.#sockets.close();
  }

  #upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (!isSocketRequest(req, this.#path)) {
      const alone = this.#server.listenerCount('upgrade') === 1;
      if (alone) ignoreUpgrade(this.#server, req, socket, head);
    } else if (!this.#allowsOrigin(req)) {
      refuseUpgrade(socket, 403, 'origin_denied', 'Sockets from this origin are not allowed.');
    } else if (this.#unauthenticated >= (this.#options.maxUnauthenticated ?? 256)) {
      const detail = 'Too many sockets are waiting to be authenticated.';
      refuseUpgrade(socket, 503, 'not_ready', detail, { 'Retry-After': '5' });
    } else {
      this.#sockets.handleUpgrade(req, socket, head, (ws) => this.#greet(ws, ticketOffered(req)));
    }
  }

  /** No browser leaves `Origin` out (RFC 6455 section 4.1); who does has no cookies of somebody else to misuse. */
  #allowsOrigin(req: IncomingMessage): boolean {
    const { origin } = req.headers;
    const peer = req.socket.remoteAddress ?? null;
    return origin === undefined || this.#sekisho.allowsOrigin(origin, headOf(req), peer);
  }

  #greet(ws: WebSocket, ticket: string | null): void {
    ws.on('error', () => ws.terminate());
    ws.on('pong', () => this.#alive.add(ws));
    ws.on('message', () => this.#alive.add(ws));
    this.#alive.add(ws);
    this.#authenticate(ws, ticket).catch(reportError);
  }

  /** Waits for the ticket, redeems it, and opens the socket; whatever goes wrong closes it. */
  async #authenticate(ws: WebSocket, offered: string | null): Promise<void> {
    const early = new EarlyMessages(ws);
    const late = setTimeout(
      () => closeSoon(ws, CLOSE.badTicket, 'no ticket in time'),
      timerMs(this.#options.ticketSeconds ?? 5),
    );
    this.#unauthenticated += 1;
    try {
      const ticket = offered ?? (await early.ticket());
      if (ticket === null) {
        closeSoon(ws, CLOSE.badTicket, 'no ticket');
        return;
      }
      const socketSession = await this.#sekisho.sockets.redeemTicket(ticket);
      if (ws.readyState === ws.OPEN) this.#open(ws, socketSession, early);
    } catch (error) {
      closeSoon(ws, closeCodeOf(error), 'the ticket is not good');
    } finally {
      clearTimeout(late);
      this.#unauthenticated -= 1;
    }
  }

  /** SOCKETS: registered and judged in one synchronous block. */
  #open(ws: WebSocket, socketSession: SocketSession, early: EarlyMessages): void {
    const { session } = socketSession;
    const count = this.#perSession.get(session.sessionId) ?? 0;
    if (count >= (this.#options.maxPerSession ?? 16)) {
      closeSoon(ws, CLOSE.policy, 'too many sockets of this session');
      return;
    }
    const socket = new CheckedSocket(ws, session);
    const live = this.#sekisho.sockets.connect(socketSession, (why) => socket.cut(why));
    if (live.judgement.kind !== 'pass') {
      socket.cut(cutReasonOf(live.judgement.kind));
      return;
    }
    this.#perSession.set(session.sessionId, count + 1);
    socket.onClose(() => this.#leave(session.sessionId));
    const limit = perSecond(this.#options.maxMessagesPerSecond ?? 50);
    socket.open(live, limit, this.#options.isActivity);
    try {
      this.#options.onConnection?.(socket, session);
    } catch (error) {
      socket.close(CLOSE.internal, 'internal error');
      reportError(error);
    }
    early.replay();
  }

  #leave(sessionId: string): void {
    const left = (this.#perSession.get(sessionId) ?? 1) - 1;
    if (left > 0) this.#perSession.set(sessionId, left);
    else this.#perSession.delete(sessionId);
  }

  #ping(): void {
    for (const ws of this.#sockets.clients) {
      if (this.#alive.delete(ws)) ws.ping();
      else ws.terminate();
    }
  }
}

/** The ticket among the subprotocols that `req` offers. */
function ticketOffered(req: IncomingMessage): string | null {
  const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim());
  const found = offered.find((one) => one.startsWith(TICKET_PROTOCOL));
  return found === undefined ? null : found.slice(TICKET_PROTOCOL.length);
}

/** What a peer sends before it is known: kept in order, a little of it, until somebody may hear it. */
class EarlyMessages {
  readonly #ws: WebSocket;
  readonly #kept: (readonly [data: RawData, isBinary: boolean])[] = [];
  readonly #keep = (data: RawData, isBinary: boolean): void => {
    if (this.#kept.push([data, isBinary]) > MAX_EARLY_MESSAGES) this.#ws.terminate();
  };

  constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', this.#keep);
  }

  /** Takes the first message: the ticket in it, or null when it is anything else or the socket closes before. */
  async ticket(): Promise<string | null> {
    if (this.#kept.length === 0) {
      await new Promise<void>((resolve) => {
        this.#ws.once('message', () => resolve());
        this.#ws.once('close', () => resolve());
      });
    }
    const [data, isBinary] = this.#kept.shift() ?? ['', true];
    return isBinary ? null : ticketIn(String(data));
  }

  /** Hands on what was kept, as if it arrived now. */
  replay(): void {
    this.#ws.off('message', this.#keep);
    for (const [data, isBinary] of this.#kept) this.#ws.emit('message', data, isBinary);
  }
}

function ticketIn(text: string): string | null {
  try {
    const message: unknown = JSON.parse(text);
    if (typeof message !== 'object' || message === null || !('ticket' in message)) return null;
    return typeof message.ticket === 'string' ? message.ticket : null;
  } catch {
    return null;
  }
}

/** `Infinity`, too, is as long as a timer can hold. */
function timerMs(seconds: number): number {
  return Math.min(seconds * 1000, LONGEST_TIMER_MS);
}

/** Allows `limit` calls in each second. */
function perSecond(limit: number): () => boolean {
  let windowStart = performance.now();
  let used = 0;
  return () => {
    const now = performance.now();
    if (now - windowStart >= 1000) {
      windowStart = now;
      used = 0;
    }
    used += 1;
    return used <= limit;
  };
}
