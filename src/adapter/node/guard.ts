import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthenticateOptions, Session } from '../../session/contract.ts';
import type { NodeHost } from './host.ts';
import { headOf, type NodeRequest, writeResponse } from './request.ts';

declare module 'http' {
  interface IncomingMessage {
    /** Set by `requireSession`, `withAuth` and `fastifySession` (there on `request.raw`) once somebody is known. */
    sekisho?: Session;
  }
}

/**
 * Judges the request of `req`. Resolves with the session, which it also sets as `req.sekisho`, or with null after it has
 * answered with the problem document (401, 403 or 503) itself.
 */
export async function judge(
  sekisho: NodeHost,
  req: NodeRequest,
  answer: (problem: Response) => Promise<void>,
  options: AuthenticateOptions | undefined,
): Promise<Session | null> {
  const known: { session: Session | null } = { session: null };
  const check = sekisho.withAuth((_request, session) => {
    known.session = session;
    return new Response(null, { status: 204 });
  }, options);
  const response = await check(headOf(req), { incoming: req });
  if (known.session === null) await answer(response);
  else req.sekisho = known.session;
  return known.session;
}

/**
 * The session behind a request that has passed `requireSession`, `withAuth` or `fastifySession`.
 *
 * @throws Error when none of them guards the route: a mistake in the program, never the client's.
 */
export function sessionOf(req: IncomingMessage | { readonly raw: IncomingMessage }): Session {
  const session = 'raw' in req ? req.raw.sekisho : req.sekisho;
  if (session === undefined) throw new Error('sessionOf: this route is not guarded by Sekisho');
  return session;
}

/**
 * Middleware for Express and Connect: lets a request through with `req.sekisho` set, and answers the others itself with
 * the problem document, so that no route repeats the check.
 *
 * @example
 * app.get('/orders', requireSession(sekisho), (req, res) => res.json(ordersOf(sessionOf(req).tenantId)));
 * app.delete('/orders/:id', requireSession(sekisho, { roles: ['admin'], fresh: true }), …);
 */
export function requireSession(
  sekisho: NodeHost,
  options?: AuthenticateOptions,
): (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void {
  return (req, res, next) => {
    judge(sekisho, req, (problem) => writeResponse(res, problem), options).then((session) => {
      if (session !== null) next();
    }, next);
  };
}

/** What a guarded handler of bare `http` looks like; it may return a promise. */
export type SessionHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  session: Session,
) => void | Promise<void>;

/**
 * Guards a handler of bare `http`. A handler that throws is answered with 500, and the error goes to `console.error`.
 *
 * @example
 * http.createServer(withAuth(sekisho, (req, res, session) => { res.end(`hello ${session.userId}`); }));
 */
export function withAuth(
  sekisho: NodeHost,
  handler: SessionHandler,
  options?: AuthenticateOptions,
): (req: IncomingMessage, res: ServerResponse) => void {
  const run = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const answer = (problem: Response) => writeResponse(res, problem);
    const session = await judge(sekisho, req, answer, options);
    if (session !== null) await handler(req, res, session);
  };
  return (req, res) => {
    run(req, res).catch((error: unknown) => {
      reportError(error);
      if (res.headersSent) res.destroy();
      else res.writeHead(500).end();
    });
  };
}

/** Bare `http` has nobody to hand an application's error to; silence would hide a defect. */
export function reportError(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: the last resort, as in Node itself
  console.error(error);
}
