/**
 * `sekisho/node`: Sekisho for Node's own `http`, and so for Express and Fastify, and its sockets.
 */
export type { FastifyLike, FastifyReplyLike, FastifyRequestLike } from './fastify.ts';
export { fastifySekisho, fastifySession } from './fastify.ts';
export type { SessionHandler } from './guard.ts';
export { requireSession, sessionOf, withAuth } from './guard.ts';
export type { NodeHandler } from './handler.ts';
export { nodeHandler } from './handler.ts';
export type { NodeEnv, NodeHost } from './host.ts';
export type { LiveSocket } from './live-socket.ts';
export type { AttachedSockets, SocketHost, SocketOptions } from './socket-server.ts';
export { attachSocket } from './socket-server.ts';
