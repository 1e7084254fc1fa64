import { Hono } from 'hono';
import { SekishoError } from '../errors.ts';
import { newId } from '../id.ts';
import type { Engine } from '../session/contract.ts';
import { memberOf } from './objects/insight.ts';
import { createHostPolicy } from './own-host.ts';
import { HttpError, problemResponse } from './problem.ts';

/** What `createOperationsApp` takes beside the engine. */
export interface OperationsOptions {
  /** Text of `/metrics` in the Prometheus exposition format, and its media type. Default: `/metrics` is 404. */
  readonly metrics?: { readonly contentType: string; read(): Promise<string> };
  /** Whether the node is about to end; then it is not ready. Default: never. */
  readonly draining?: () => boolean;
  /** Names by which the listener may be asked, beside addresses, loopback names and names without a dot. Default none. */
  readonly hosts?: readonly string[];
}

interface Check {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * The operator's own listener: `/healthz` (200 while the process runs), `/readyz` (200 while it may answer), `/metrics`,
 * `/members`. It asks for no credentials, so it never stands on the public listener.
 *
 * @param engine null while there is none yet: the node is alive and not ready.
 */
export function createOperationsApp(
  engine: Engine | (() => Engine | null),
  options: OperationsOptions = {},
): Hono {
  const isOwn = createHostPolicy(options.hosts ?? []);
  const current = () => (typeof engine === 'function' ? engine() : engine);
  const app = new Hono();
  const paths: Record<string, () => Response | Promise<Response>> = {
    '/healthz': () => status(200, 'ok', {}),
    '/readyz': () => readiness(current(), options.draining?.() ?? false),
    '/members': () => members(current()),
  };
  const { metrics } = options;
  if (metrics !== undefined) {
    paths['/metrics'] = async () =>
      new Response(await metrics.read(), { headers: { 'content-type': metrics.contentType } });
  }
  for (const [path, read] of Object.entries(paths)) {
    app.all(path, (c) => answer(c.req.raw, isOwn, read));
  }
  app.notFound((c) => answer(c.req.raw, isOwn, null));
  return app;
}

const ALLOW = 'GET, HEAD, OPTIONS';

async function answer(
  request: Request,
  isOwn: (hostname: string) => boolean,
  read: (() => Response | Promise<Response>) | null,
): Promise<Response> {
  const requestId = newId();
  let response: Response;
  try {
    requireOwnHost(request, isOwn);
    response = await byMethod(request.method, read);
  } catch (error) {
    response = problemResponse(error, { requestId, basePath: '', tokenPresented: false });
  }
  response.headers.set('cache-control', 'no-store');
  response.headers.set('x-content-type-options', 'nosniff');
  response.headers.set('x-request-id', requestId);
  return request.method === 'HEAD' ? new Response(null, response) : response;
}

/** @throws SekishoError `origin_denied` */
function requireOwnHost({ url }: Request, isOwn: (hostname: string) => boolean): void {
  const { hostname } = new URL(url);
  if (isOwn(hostname)) return;
  throw new SekishoError(
    'origin_denied',
    'This listener is not asked by this name: use an address, or list the name in SEKISHO_ADMIN_HOSTS.',
  );
}

async function byMethod(
  method: string,
  read: (() => Response | Promise<Response>) | null,
): Promise<Response> {
  if (read === null) throw new SekishoError('not_found', 'There is no such path.');
  if (method === 'GET' || method === 'HEAD') return await read();
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow: ALLOW } });
  throw new HttpError('method_not_allowed', `Allowed here: ${ALLOW}.`, { allow: ALLOW });
}

function status(code: 200 | 503, word: string, checks: Readonly<Record<string, Check>>): Response {
  const headers: Record<string, string> = code === 503 ? { 'retry-after': '1' } : {};
  return Response.json({ status: word, checks }, { status: code, headers });
}

/** A node may answer while it is a member with a proof in its term, or one still to be had within the tolerance. */
function readiness(engine: Engine | null, draining: boolean): Response {
  if (engine === null) {
    const record = { ok: false, detail: 'the record has not been reached yet' };
    return status(503, 'unavailable', { record });
  }
  const { state, freshness, hub, leaseLeftMs, unknownScope } = engine.status();
  const checks: Record<string, Check> = {
    membership: { ok: state === 'serving', detail: state },
    proof: {
      ok: freshness !== 'unavailable',
      detail: `${freshness}, ${Math.round(leaseLeftMs)} ms of lease left`,
    },
    log: {
      ok: unknownScope === null,
      detail:
        unknownScope === null
          ? 'understood'
          : `an entry of scope ${unknownScope} needs a newer release of this node`,
    },
    drain: { ok: !draining, detail: draining ? 'draining' : 'not draining' },
  };
  const ready = Object.values(checks).every((check) => check.ok);
  // Without the hub answers stay exact, and only revoking takes longer.
  checks.hub = { ok: hub.working, detail: `${hub.kind}, ${hub.working ? 'working' : 'silent'}` };
  return ready ? status(200, 'ok', checks) : status(503, 'unavailable', checks);
}

async function members(engine: Engine | null): Promise<Response> {
  if (engine === null) {
    throw new SekishoError('not_ready', 'The record has not been reached yet.', {
      retryAfterSeconds: 1,
    });
  }
  const found = await engine.operator.members();
  return Response.json({ members: found.map(memberOf) });
}
