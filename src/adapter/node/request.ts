import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request as Express and Connect pass it on: with what they and body parsers have added. */
export interface NodeRequest extends IncomingMessage {
  /** The target before a router cut its mount path off. */
  readonly originalUrl?: string;
  /** What a body parser made of the body. */
  readonly body?: unknown;
  rawBody?: unknown;
}

/** The request target, whatever routers did to `url`. */
export function targetOf(req: NodeRequest): string {
  return req.originalUrl ?? req.url ?? '/';
}

/**
 * A Fetch request with the method, target and header fields of `req`, and without its body: enough to judge who is
 * asking, and the body stays where it is for the application.
 */
export function headOf(req: NodeRequest): Request {
  const scheme = 'encrypted' in req.socket && req.socket.encrypted === true ? 'https' : 'http';
  const authority = req.headers.host ?? String(req.headers[':authority'] ?? 'localhost');
  const base = URL.canParse(`${scheme}://${authority}`)
    ? `${scheme}://${authority}`
    : `${scheme}://invalid`;
  const target = targetOf(req);
  // A leading `//` would be read as an authority.
  const url = URL.canParse(base + target) && target.startsWith('/') ? base + target : base;
  const headers = new Headers();
  for (let at = 0; at + 1 < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at] ?? '';
    if (!name.startsWith(':')) headers.append(name, req.rawHeaders[at + 1] ?? '');
  }
  const method = req.method ?? 'GET';
  // Fetch has no such methods; POST is judged at least as strictly.
  return new Request(url, {
    method: /^(TRACE|TRACK|CONNECT)$/i.test(method) ? 'POST' : method,
    headers,
  });
}

/** Writes a small Fetch response, such as a problem document, to `res`. */
export async function writeResponse(res: ServerResponse, response: Response): Promise<void> {
  const body = Buffer.from(await response.arrayBuffer());
  if (res.headersSent || res.destroyed) return;
  res.statusCode = response.status;
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') res.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.appendHeader('set-cookie', cookies);
  res.end(body);
}
