import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';

/** A port or address that cannot be had: exit code 1, with this one line. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** One listening port. */
export interface Listener {
  readonly server: Server;
  /** `http://host:port`, with the port that was really taken; of all addresses the loopback one, where a request can go. */
  readonly origin: string;
  /** From now on each answer is the last one of its connection (RFC 9112 section 9.6): load balancers keep none to it. */
  endConnections(): void;
  /**
   * Takes no more connections; resolves when the last answer is out, or cuts what is left after `drainMs`. What arrives
   * on a connection that is there already is still answered; one that stays idle is closed a little later than the
   * port, when whoever keeps it knows that nobody listens there any more: a request never meets a connection that is
   * being closed.
   *
   * @param idleMs how much later; default 500
   */
  close(drainMs: number, idleMs?: number): Promise<void>;
}

/**
 * Listens on `host` and `port` (0: any free one).
 *
 * Slow senders are cut off (A7): header fields within 10 s, a whole request within 30 s. Idle connections are kept for
 * 65 s, longer than the 60 s of usual proxies, so that none is closed under a request.
 *
 * @param setting the variable that names the port, for the message
 * @throws ListenError
 */
export async function listen(
  handler: RequestListener,
  host: string,
  port: number,
  setting: string,
): Promise<Listener> {
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 5_000,
    },
    handler,
  );
  server.on('clientError', answerClientError);
  let ending = false;
  server.prependListener('request', (_req, res) => {
    if (ending) res.setHeader('Connection', 'close');
  });
  const endConnections = (): void => {
    ending = true;
  };
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(reasonOf(error, host, port, setting), { cause: error }));
    });
    server.listen(port, host, () => resolve());
  });
  server.removeAllListeners('error');
  const close = (drainMs: number, idleMs = IDLE_MS): Promise<void> => {
    endConnections();
    return drain(server, drainMs, idleMs);
  };
  return { server, origin: originOf(server, host), endConnections, close };
}

function reasonOf(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  setting: string,
): string {
  const where = `${host}:${port}`;
  if (error.code === 'EADDRINUSE') return `${where} is in use: free it, or set ${setting}`;
  if (error.code === 'EACCES') return `${where} may not be opened by this user: set ${setting}`;
  return `cannot listen on ${where} (${error.code ?? error.message}): see HOST and ${setting}`;
}

/** What is bound to all addresses has none of its own (RFC 1122 section 3.2.1.3). */
const REACHED_AT: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

function originOf(server: Server, host: string): string {
  const { address, port } = server.address() as AddressInfo;
  const name = REACHED_AT[address] ?? host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** How long a connection may stay idle once nobody listens any more. */
const IDLE_MS = 500;

function drain(server: Server, drainMs: number, idleMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timers: NodeJS.Timeout[] = [];
    // Connections that fall idle later would be kept alive otherwise.
    const endIdle = (): void =>
      void timers.push(setInterval(() => server.closeIdleConnections(), 50));
    timers.push(setTimeout(endIdle, Math.min(idleMs, drainMs)));
    timers.push(setTimeout(() => server.closeAllConnections(), drainMs));
    // http.Server's own close() would close idle connections at once.
    NetServer.prototype.close.call(server, () => {
      for (const timer of timers) clearTimeout(timer);
      resolve();
    });
  });
}

const CLIENT_ERRORS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** A request that Node's parser refused (RFC 9112): there is no request to route, but the answer keeps the form. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? 400;
  const title = STATUS_CODES[status] ?? '';
  const body = JSON.stringify({ type: 'about:blank', title, status, code: 'invalid_request' });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
