import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NodeHost } from '../../src/adapter/node/index.ts';
import type { Session } from '../../src/session/contract.ts';

/** Somebody who is logged in, for tests of the glue alone. */
export const someone: Session = Object.freeze({
  tenantId: 'tenant',
  userId: 'user',
  sessionId: 'session',
  roles: ['member'],
  authTime: 0,
  amr: ['pwd'],
  clientId: 'sekisho',
  expiresAt: 0,
  freshness: 'fresh',
});

/** A host whose routes are `answer`, and which knows `Bearer good`; what the glue needs and nothing else. */
export function hostOf(answer: NodeHost['fetch'], basePath = ''): NodeHost {
  return {
    basePath,
    fetch: answer,
    withAuth: (handler) => async (request) => {
      if (request.headers.get('authorization') === 'Bearer good') return handler(request, someone);
      const headers = { 'content-type': 'application/problem+json', 'www-authenticate': 'Bearer' };
      return Response.json({ status: 401, code: 'credentials_required' }, { status: 401, headers });
    },
  };
}

/** Listens on a free port of the loopback. */
export async function listen(handler: RequestListener): Promise<Listening> {
  return listening(createServer(handler));
}

export interface Listening {
  readonly server: Server;
  readonly origin: string;
  close(): Promise<void>;
}

export async function listening(server: Server): Promise<Listening> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    server,
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
