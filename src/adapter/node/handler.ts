import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { NodeEnv, NodeHost } from './host.ts';
import { isOwnPath } from './own-paths.ts';
import { type NodeRequest, targetOf } from './request.ts';

/** A request handler for `http.createServer`, and as middleware for Express and Connect. */
export type NodeHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/**
 * All of Sekisho's routes for Node's `http`.
 *
 * As middleware it takes the requests whose path is one of Sekisho's and passes the others to `next`; it works before
 * and after a body parser. Mounted under a path, give `createSekisho` the same path as `basePath`. An event stream ends
 * when its client goes away.
 *
 * @example
 * http.createServer(nodeHandler(sekisho)).listen(4000);
 * @example
 * app.use(nodeHandler(sekisho)); // Express
 */
export function nodeHandler(sekisho: Pick<NodeHost, 'basePath' | 'fetch'>): NodeHandler {
  const listen = getRequestListener(
    async (request, env) => sekisho.fetch(request, env as unknown as NodeEnv),
    { overrideGlobalObjects: false, errorHandler: answerError, hostname: 'localhost' },
  );
  return (req: NodeRequest, res, next) => {
    const target = targetOf(req);
    if (next !== undefined && !isOwnPath(target, sekisho.basePath)) return next();
    if (req.url !== target) req.url = target;
    restoreBody(req);
    listen(req, res).catch((error: unknown) => {
      if (next !== undefined && !res.headersSent) next(error);
      else res.destroy();
    });
  };
}

/** A body parser that ran before has used up the stream; what it made of it is turned back into bytes. */
function restoreBody(req: NodeRequest): void {
  if (!req.readableDidRead || req.body === undefined || Buffer.isBuffer(req.rawBody)) return;
  req.rawBody = toBytes(req.body, req.headers['content-type'] ?? '');
}

function toBytes(body: unknown, contentType: string): Buffer {
  if (Buffer.isBuffer(body)) return body;
  if (typeof body === 'string') return Buffer.from(body);
  if (contentType.startsWith('application/x-www-form-urlencoded')) {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(body as object)) {
      for (const one of Array.isArray(value) ? value : [value]) form.append(name, String(one));
    }
    return Buffer.from(form.toString());
  }
  return Buffer.from(JSON.stringify(body));
}

/** Requests of which no Fetch request can be made (RFC 9112 section 3), and defects. */
function answerError(error: unknown): Response {
  const malformed = error instanceof RequestError;
  const status = malformed ? 400 : 500;
  return Response.json(
    {
      type: 'about:blank',
      title: malformed ? 'Bad Request' : 'Internal Server Error',
      status,
      detail: malformed ? error.message : 'Something went wrong here.',
      code: malformed ? 'invalid_request' : 'internal',
    },
    { status, headers: { 'content-type': 'application/problem+json' } },
  );
}
