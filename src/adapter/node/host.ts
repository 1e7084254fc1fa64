import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthenticateOptions, Session } from '../../session/contract.ts';

/** What the glue for Node's `http` uses of a Sekisho instance; `createSekisho` returns all of it. */
export interface NodeHost {
  /** Where the routes are mounted: empty, or a path such as `/auth` without a slash at its end. */
  readonly basePath: string;
  /** `env` carries Node's own request, from which the peer's address is read. */
  fetch(request: Request, env?: NodeEnv): Response | Promise<Response>;
  withAuth(
    handler: (request: Request, session: Session) => Response | Promise<Response>,
    options?: AuthenticateOptions,
  ): (request: Request, env?: NodeEnv) => Promise<Response>;
}

/** Passed beside a Fetch request, as `@hono/node-server` does: the peer's address is in `incoming.socket`. */
export interface NodeEnv {
  readonly incoming: IncomingMessage;
  /** Where the answer goes; absent where the application answers itself. */
  readonly outgoing?: ServerResponse;
}
