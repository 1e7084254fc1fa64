import { type Context, Hono } from 'hono';
import { isSekishoError } from '../errors.ts';
import { reasonOf } from '../observe/reason.ts';
import type { Engine } from '../session/contract.ts';
import { contextOf } from './context.ts';
import { applyCors } from './cors.ts';
import { type Incoming, serve, type Trace } from './pipeline.ts';
import { knownError, problemResponse } from './problem.ts';
import type { Answer } from './route.ts';
import { applySecurityHeaders } from './security-headers.ts';
import { type HttpOptions, type HttpSettings, settingsOf } from './settings.ts';
import { byPath, type PathEntry, routes } from './table.ts';

/** What is passed beside a request. */
export interface PeerInfo {
  /** Address at the other end of the connection; null when it is not known. */
  readonly peerAddress: string | null;
}

/** A Hono environment with the peer's address as its binding. */
export interface HttpEnv {
  Bindings: PeerInfo;
}

/** The HTTP surface of one engine. */
export interface HttpApp {
  /** To be mounted or served; `app.fetch(request, { peerAddress })`. */
  readonly app: Hono<HttpEnv>;
  /** Answers one request. Never rejects. */
  handle(request: Request, info: PeerInfo): Promise<Response>;
  /** Whether a page of `origin` may open a socket or read answers, judged like every request's origin. */
  allowsOrigin(origin: string, request: Request, peer: string | null): boolean;
}

/**
 * Builds the HTTP surface: Hono finds the path, the pipeline checks, the route's handler calls the use case.
 *
 * @throws RangeError for a trusted proxy that is neither an address, a CIDR block nor `loopback`.
 */
export function createHttpApp(engine: Engine, options: HttpOptions = {}): HttpApp {
  const settings = settingsOf(options, engine.issuers);
  const app = new Hono<HttpEnv>();
  for (const entry of byPath(routes)) {
    app.all(settings.basePath + honoPath(entry.path), (c) => answer(engine, settings, entry, c));
  }
  app.notFound((c) => answer(engine, settings, null, c));
  return {
    app,
    handle: async (request, info) => app.fetch(request, info),
    allowsOrigin: (origin, request, peer) =>
      settings.allows(origin, contextOf(request, peer, settings.readProxy)),
  };
}

/** `/v1/sessions/{sid}` as Hono writes it. */
function honoPath(template: string): string {
  return template.replace(/\{(\w+)\}/g, ':$1');
}

async function answer(
  engine: Engine,
  settings: HttpSettings,
  entry: PathEntry | null,
  c: Context<HttpEnv>,
): Promise<Response> {
  const startedMs = settings.clock.monotonicMs();
  const request = c.req.raw;
  const context = contextOf(request, c.env?.peerAddress ?? null, settings.readProxy);
  const trace: Trace = {
    route: null,
    tokenPresented: false,
    caller: null,
    client: null,
    about: null,
    refused: null,
  };
  const incoming: Incoming = {
    request,
    context,
    entry,
    params: entry === null ? {} : c.req.param(),
  };
  let response: Response;
  let thrown: unknown;
  try {
    const answer = await serve(engine, settings, incoming, trace);
    trace.about = answer.about ?? null;
    response = toResponse(answer, request.method);
  } catch (error) {
    thrown = error;
    response = problem(error, settings, incoming, trace);
  }
  response.headers.set('x-request-id', context.requestId);
  applyCors(request, response.headers, context, settings.allows);
  applySecurityHeaders(response.headers, context, settings.mounted);
  report(settings, incoming, trace, response.status, startedMs, thrown);
  return response;
}

function toResponse(made: Answer, method: string): Response {
  const headers = new Headers(made.headers);
  for (const cookie of made.cookies ?? []) headers.append('set-cookie', cookie);
  if (made.body !== undefined) headers.set('content-type', 'application/json');
  const content = made.stream ?? made.text ?? (made.body && JSON.stringify(made.body)) ?? null;
  return new Response(method === 'HEAD' ? null : content, { status: made.status, headers });
}

function problem(
  error: unknown,
  settings: HttpSettings,
  { request, context, entry }: Incoming,
  { tokenPresented }: Trace,
): Response {
  const { basePath } = settings;
  const { requestId } = context;
  const oauth = entry?.byMethod.get('POST')?.who === 'client' ? request.headers : null;
  const made = problemResponse(error, { requestId, basePath, tokenPresented, oauth });
  return request.method === 'HEAD' ? new Response(null, made) : made;
}

/** One line a request, without its query and without what stands in its path: ids in a path are logged by name. */
function report(
  { clock, log, meter }: HttpSettings,
  { request, context, entry }: Incoming,
  { route, caller, client, about, refused }: Trace,
  status: number,
  startedMs: number,
  thrown: unknown,
): void {
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  const proven = isSekishoError(thrown) ? (thrown.proven ?? null) : null;
  const session = caller?.session ?? about ?? refused ?? proven;
  const template = route?.path ?? entry?.path ?? 'unmatched';
  meter?.requestFinished({ method: request.method, route: template, status, seconds });
  const line = {
    request_id: context.requestId,
    ...(context.trace === null
      ? {}
      : { trace_id: context.trace.traceId, parent_span_id: context.trace.parentId }),
    method: request.method,
    route: template,
    status,
    duration_ms: Math.round(seconds * 1e6) / 1e3,
    ip: context.origin.ip,
    ...(session === null
      ? {}
      : {
          tenant_id: session.tenantId,
          user_id: session.userId,
          ...(session.sessionId === null ? {} : { session_id: session.sessionId }),
        }),
    ...(client === null ? {} : { tenant_id: client.tenantId, client_id: client.clientId }),
    ...(thrown === undefined ? {} : { code: knownError(thrown).code }),
  };
  if (status === 500) log.error({ ...line, err: thrown }, 'request failed');
  // An outage refuses many: what is beneath it in one line, without stacks.
  else if (status === 503) log.warn({ ...line, reason: reasonOf(thrown) }, 'request refused');
  else log.info(line, 'request');
}
