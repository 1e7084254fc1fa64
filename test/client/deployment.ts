import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  attachSocket,
  nodeHandler,
  requireSession,
  sessionOf,
} from '../../src/adapter/node/index.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createSekisho, type Sekisho } from '../../src/index.ts';
import { PASSWORD } from '../support/engine.ts';

export const TENANT = 'acme';
export const EMAIL = 'yuki@acme.example';
export { PASSWORD };

/** A real server with Sekisho's routes and an application's own, `/api/orders`, and what tests do to it. */
export interface Deployment {
  readonly origin: string;
  readonly sekisho: Sekisho;
  /** Paths of Sekisho that were asked for, oldest first, as `POST /v1/login`. */
  readonly seen: string[];
  /** Bodies of the application's `POST /api/orders`. */
  readonly orders: string[];
  /** What is done instead of the next requests for a path, one each. */
  interfere(path: string, ...how: Interference[]): void;
  /** Moves the clock of the server on. */
  advance(seconds: number): void;
  /** As an administrator, from another device. */
  readonly admin: {
    setRoles(roles: readonly string[]): Promise<void>;
    revoke(): Promise<void>;
    policy(change: Record<string, unknown>): Promise<void>;
  };
  close(): Promise<void>;
}

/** `lost`: it is carried out, and the answer never comes. A function answers by itself. */
export type Interference = 'lost' | ((req: IncomingMessage, res: ServerResponse) => void);

export async function startDeployment(): Promise<Deployment> {
  let offsetMs = 0;
  const clock: Clock = {
    monotonicMs: () => systemClock.monotonicMs() + offsetMs,
    wallMs: () => systemClock.wallMs() + offsetMs,
    after: (delayMs, run) => systemClock.after(delayMs, run),
  };
  const sekisho = await createSekisho({ dataDir: ':memory:', logLevel: 'silent', clock });
  const { engine } = sekisho;
  const made = await engine.operator.createTenant({
    slug: TENANT,
    name: null,
    adminEmail: 'admin@acme.example',
    adminPassword: PASSWORD,
  });
  const origin = { requestId: 'test', ip: null, userAgent: null };
  let { refreshToken } = await engine.logins.createSession(
    { tenant: TENANT, user: { uid: made.admin.uid }, amr: ['pwd'] },
    origin,
  );
  const callerOf = async () => {
    const pair = await engine.logins.refresh(refreshToken, origin);
    ({ refreshToken } = pair);
    return { session: await engine.authentication.authenticate(pair.accessToken), origin };
  };
  const { user } = await engine.administration.createUser(await callerOf(), {
    ...{ email: EMAIL, password: PASSWORD, name: 'Yuki', roles: null },
  });

  const seen: string[] = [];
  const orders: string[] = [];
  const interferences = new Map<string, Interference[]>();
  const handle = nodeHandler(sekisho);
  const guard = requireSession(sekisho);
  const server: Server = createServer((req, res) => {
    const path = (req.url ?? '').replace(/\?.*/, '');
    if (path.startsWith('/v1/')) seen.push(`${req.method} ${path}`);
    const how = interferences.get(path)?.shift();
    if (typeof how === 'function') return how(req, res);
    if (how === 'lost') {
      res.end = ((): ServerResponse => {
        req.socket.destroy();
        return res;
      }) as ServerResponse['end'];
    }
    if (!path.startsWith('/api/')) return void handle(req, res);
    guard(req, res, () => void serveOrders(req, res, orders));
  });
  const sockets = attachSocket(server, sekisho, {
    onConnection: (socket) => socket.onMessage((text) => socket.send(`echo ${String(text)}`)),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    origin: `http://127.0.0.1:${port}`,
    ...{ sekisho, seen, orders },
    interfere: (path, ...how) => void interferences.set(path, how),
    advance(seconds) {
      offsetMs += seconds * 1000;
    },
    admin: {
      async setRoles(roles) {
        await engine.administration.patchUser(await callerOf(), user.uid, { roles }, null);
      },
      async revoke() {
        const options = { reason: null, waitMs: 1000, includeSelf: false, idempotency: null };
        await engine.administration.revokeUser(await callerOf(), user.uid, options);
      },
      async policy(change) {
        const caller = await callerOf();
        const { policy } = await engine.administration.getPolicy(caller);
        await engine.administration.putPolicy(caller, { ...policy, ...change }, null);
      },
    },
    async close() {
      sockets.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await sekisho.close();
    },
  };
}

async function serveOrders(
  req: IncomingMessage,
  res: ServerResponse,
  orders: string[],
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  if (req.method === 'POST') orders.push(Buffer.concat(chunks).toString());
  const { roles, tenantId } = sessionOf(req);
  res.writeHead(200, { 'content-type': 'application/json' });
  res.end(JSON.stringify({ roles, tenantId }));
}

/** `fetch` of a browser: keeps cookies, and sends them where they belong. */
export function browserFetch(cookies: Map<string, string> = new Map()): typeof fetch {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers);
    if (init.credentials === 'include' && cookies.size > 0) {
      headers.set('cookie', [...cookies].map(([name, value]) => `${name}=${value}`).join('; '));
    }
    const response = await fetch(input, { ...init, headers });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '' || /max-age=0/i.test(cookie)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return response;
  };
}

/** Web Storage, in memory. */
export function memoryStorage(kept: Map<string, string> = new Map()) {
  return {
    kept,
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  };
}

/** What `navigator.locks` does for one name at a time. */
export function fakeLocks() {
  const held = new Map<string, Promise<unknown>>();
  return {
    async request<Result>(
      name: string,
      { ifAvailable = false }: { readonly ifAvailable?: boolean },
      work: (lock: object | null) => Promise<Result>,
    ): Promise<Result> {
      const before = held.get(name);
      if (before !== undefined && ifAvailable) return work(null);
      const mine = (before ?? Promise.resolve()).then(() => work({}));
      const done = mine.catch(() => {});
      held.set(name, done);
      void done.then(() => {
        if (held.get(name) === done) held.delete(name);
      });
      return mine;
    },
  };
}
