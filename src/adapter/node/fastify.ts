import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthenticateOptions } from '../../session/contract.ts';
import { judge } from './guard.ts';
import { nodeHandler } from './handler.ts';
import type { NodeHost } from './host.ts';
import { OWN_PATHS } from './own-paths.ts';

/** The part of Fastify's request that is used here. */
export interface FastifyRequestLike {
  readonly raw: IncomingMessage;
}

/** The part of Fastify's reply that is used here. */
export interface FastifyReplyLike {
  readonly raw: ServerResponse;
  code(status: number): unknown;
  header(name: string, value: unknown): unknown;
  send(body: unknown): unknown;
  hijack(): unknown;
}

type Parser = (request: unknown, payload: unknown) => Promise<unknown>;

/** The part of a Fastify instance that is used here. */
export interface FastifyLike {
  removeAllContentTypeParsers(): unknown;
  /** Overloaded there, in a way that no single signature matches. */
  readonly addContentTypeParser: (...args: never[]) => unknown;
  all(
    path: string,
    handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => void,
  ): unknown;
}

/**
 * A hook for Fastify (`preHandler`, or `onRequest` to judge before the body is read): lets a request through, its
 * session to be had by `sessionOf(request)`, or answers with the problem document.
 *
 * @example
 * app.get('/orders', { preHandler: fastifySession(sekisho) }, (request) => ordersOf(sessionOf(request).tenantId));
 */
export function fastifySession(
  sekisho: NodeHost,
  options?: AuthenticateOptions,
): (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown> {
  return async (request, reply) => {
    let body: string | undefined;
    const answer = async (problem: Response): Promise<void> => {
      body = await problem.text();
      reply.code(problem.status);
      for (const [name, value] of problem.headers) reply.header(name, value);
    };
    await judge(sekisho, request.raw, answer, options);
    // Returning the reply tells Fastify that it has been sent.
    return body === undefined ? undefined : reply.send(body);
  };
}

/**
 * A Fastify plugin with all of Sekisho's routes. Bodies are left to Sekisho; other routes keep their parsers.
 *
 * @example
 * await app.register(fastifySekisho(sekisho));
 */
export function fastifySekisho(sekisho: NodeHost): (app: FastifyLike) => Promise<void> {
  const handle = nodeHandler(sekisho);
  return async (app) => {
    app.removeAllContentTypeParsers();
    const parse = app.addContentTypeParser.bind(app) as (type: string, parser: Parser) => unknown;
    parse('*', async () => undefined);
    for (const path of OWN_PATHS) {
      app.all(sekisho.basePath + path, (request, reply) => {
        reply.hijack();
        handle(request.raw, reply.raw);
      });
    }
  };
}
