import type { LogLevel } from '../config.ts';
import type {
  AuthenticateOptions,
  CreateSessionInput,
  Engine,
  Origin,
  Revocation,
  Session,
  Sockets,
  TokenPair,
} from '../session/contract.ts';
import type { AuthenticatedHandler, GuardedHandler } from './guard.ts';

/** Everything a program does with Sekisho. Made by `createSekisho`. */
export interface Sekisho {
  /** Where the routes are mounted: empty, or a path such as `/auth`. */
  readonly basePath: string;

  /**
   * Answers a request to Sekisho's own routes (`/v1/login`, `/.well-known/jwks.json` …), a WebSocket apart.
   *
   * @param env carries the peer's address as `@hono/node-server` does (`PeerEnv`; Hono's `context.env` as it is); without
   *   it, login attempts are not counted by address.
   * @example
   * export default { fetch: (request: Request) => sekisho.fetch(request) };
   */
  fetch(request: Request, env?: unknown): Promise<Response>;

  /**
   * Who sent a request: an access token, or a whole request with a bearer token or the cookie. Judged in this process,
   * without a network hop.
   *
   * @throws SekishoError `invalid_token` `token_expired` `session_revoked` `token_superseded` `credentials_required`
   *   `reauthentication_required` (401), `insufficient_role` `origin_denied` (403), `ambiguous_credentials` (400),
   *   `store_unavailable` `not_ready` (503).
   * @example
   * const session = await sekisho.authenticate(request, { roles: ['admin'] });
   * const orders = await ordersOf(session.tenantId);
   */
  authenticate(
    credential: string | Request,
    options?: AuthenticateOptions,
    env?: unknown,
  ): Promise<Session>;

  /**
   * Wraps a Fetch handler, so that no endpoint repeats the check (A5): it is called with the session, and everybody else
   * is answered with the problem document (401, 403, 503). Whatever else a framework passes beside the request is handed on
   * behind the session; the first of it is the `env` of `fetch`, where it is one.
   *
   * @example
   * export const GET = sekisho.withAuth((request, session) => Response.json({ user: session.userId }));
   * export const DELETE = sekisho.withAuth(removeOrder, { roles: ['admin'], fresh: true });
   * @example
   * // Next.js, app/orders/[id]/route.ts
   * export const GET = sekisho.withAuth(
   *   async (request, session, { params }: { params: Promise<{ id: string }> }) =>
   *     Response.json(await orderOf(session.tenantId, (await params).id)),
   * );
   */
  withAuth<Rest extends readonly unknown[] = [], Incoming extends Request = Request>(
    handler: AuthenticatedHandler<Rest, Incoming>,
    options?: AuthenticateOptions,
  ): GuardedHandler<Rest, Incoming>;

  /** For products that log people in themselves and want the sessions only. */
  readonly sessions: {
    /**
     * Makes a session for somebody whom the product has authenticated. Policy and device cap hold; there is no password.
     *
     * @throws SekishoError `not_found` `validation_failed` `email_taken` `session_limit_reached` `tenant_suspended`,
     *   503.
     * @example
     * const pair = await sekisho.sessions.create({
     *   tenant: 'acme',
     *   user: { externalId: '4711', email: 'noor@acme.example', roles: ['member'] },
     *   amr: ['pwd', 'otp'],
     * });
     */
    create(
      input: CreateSessionInput,
      origin?: Partial<Origin>,
    ): Promise<TokenPair & { readonly revocation: Revocation | null }>;
    /**
     * The `Set-Cookie` values that give a browser this pair, as a login with `"transport": "cookie"` does.
     *
     * @param request the one that is being answered: cookies of this kind travel over https, or to a loopback name.
     * @throws SekishoError `insecure_transport` (400).
     * @example
     * const headers = new Headers({ location: '/' });
     * for (const cookie of sekisho.sessions.cookies(pair, request)) headers.append('set-cookie', cookie);
     */
    cookies(pair: TokenPair, request: Request, env?: unknown): readonly string[];
  };

  /** For adapters: redeeming tickets and registering connections. */
  readonly sockets: Pick<Sockets, 'redeemTicket' | 'connect'>;
  /** For adapters: whether a page of `origin` may open a socket (ASVS 4.4.2). */
  allowsOrigin(origin: string, request: Request, peer: string | null): boolean;
  /**
   * All use cases, without HTTP. For adapters and tools: it may change between minor versions.
   *
   * @throws SekishoError `not_ready` before it is open and after it was closed.
   */
  readonly engine: Engine;

  /**
   * Sets the level of Sekisho's own log, now and for as long as no operator has decided otherwise (`sekisho ops log-level`).
   *
   * @throws SekishoError `invalid_configuration` for a word that is no level, and where the program passed a logger in.
   */
  setLogLevel(level: LogLevel): void;

  /** Answers `/healthz`, `/readyz`, `/metrics` and `/members`, which belong on a port of their own. */
  operations(request: Request): Promise<Response>;

  /** Says `/readyz` 503 from now on, and writes what was collected; requests are still answered. */
  drain(): Promise<void>;
  /**
   * Leaves the membership and closes everything; whoever calls afterwards gets `not_ready`. Where several parts of a
   * program have asked for the same instance, the last of them closes it. Calling it again does nothing more.
   */
  close(): Promise<void>;
}

/** What `startSekisho` returns. */
export interface Starting {
  /** Usable at once: it answers 503 `not_ready` until it is open. */
  readonly sekisho: Sekisho;
  /**
   * Resolves when it is open, rejects when it cannot be, the end of the embedded database among the reasons; then everything
   * that was opened has been closed.
   */
  readonly ready: Promise<void>;
  /**
   * Resolves, with the reason, when the embedded database of an open instance has ended without being asked to: it answers
   * 503 from then on, and the process should be started anew. Never resolves otherwise.
   */
  readonly crashed: Promise<Error>;
}
