/** The client of Sekisho's HTTP API, for browsers and Node: small, and without any of the server's code. */
export type { ClientEvent } from './authority.ts';
export { type Client, createClient } from './client.ts';
export {
  ClientError,
  type ClientErrorCode,
  type ErrorCode,
  type FieldError,
  isClientError,
  type LocalErrorCode,
} from './errors.ts';
export type { ClientOptions, TokenStorage } from './options.ts';
export type { ClientSocket, SocketOptions } from './socket.ts';
export type { SocketConstructor, SocketLike } from './socket-like.ts';
export type {
  CurrentSession,
  LoggedIn,
  LoginInput,
  Revocation,
  Session,
  SessionPage,
  Tenant,
  User,
} from './types.ts';
