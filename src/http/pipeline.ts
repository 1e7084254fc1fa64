import { z } from 'zod';
import { isSekishoError, type Proven, SekishoError } from '../errors.ts';
import { isId } from '../id.ts';
import type { Caller, CallingClient, Engine } from '../session/contract.ts';
import { ADMIN_ROLE } from '../tenant/role.ts';
import { readBody, requireJson } from './body.ts';
import { presentedClientOf } from './client-credentials.ts';
import type { RequestContext } from './context.ts';
import { cookieNames } from './cookies.ts';
import { accessTokenOf, credentialsOf, type PresentedToken } from './credentials.ts';
import { isUnsafe, isUnsafeOriginal, requireOwnOrigin } from './csrf.ts';
import { parseForm, requireForm } from './form.ts';
import { idempotencyKeyOf, idempotencyOf } from './idempotency.ts';
import { parseJson } from './json.ts';
import { readCursor } from './page.ts';
import { HttpError } from './problem.ts';
import { readQuery } from './query.ts';
import type { Answer, ParamKind, Route } from './route.ts';
import type { HttpSettings } from './settings.ts';
import type { PathEntry } from './table.ts';
import { validate } from './validate.ts';

/** What the log and the problem document want to know of a request, filled in on the way. */
export interface Trace {
  route: Route | null;
  tokenPresented: boolean;
  caller: Caller | null;
  client: CallingClient | null;
  /** Whose session the answer is about. */
  about: NonNullable<Answer['about']> | null;
  /** Whose token was refused, where its signature holds. */
  refused: Proven | null;
}

/** A request on its way, with the path's row of the table (null: there is none) and its parameters. */
export interface Incoming {
  readonly request: Request;
  readonly context: RequestContext;
  readonly entry: PathEntry | null;
  readonly params: Readonly<Record<string, string>>;
}

/**
 * The checks in the contract's order, each before anything is done for the next: 413, 404 of the path, 405, 415, 400, 403 of
 * the origin, 401, 403, 422. What follows (429, 404 of the object, 412, 409, 503) is the use case's.
 *
 * @throws SekishoError
 */
export async function serve(
  engine: Engine,
  settings: HttpSettings,
  { request, context, entry, params }: Incoming,
  trace: Trace,
): Promise<Answer> {
  const bytes = await readBody(request);
  if (entry === null) throw new SekishoError('not_found', 'There is no such path.');
  const found = routeFor(entry, request.method);
  if (found === null) return { status: 204, headers: { allow: entry.allow } };
  trace.route = found;

  // Forward authentication looks at no body: it may be anything that the gateway passes on.
  const hasBody = bytes.byteLength > 0 && found.who !== 'gateway' && isUnsafe(request.method);
  const body = hasBody ? bodyOf(found, request.headers, bytes) : {};
  const known = found.passesQuery ? Object.keys(found.query.shape) : null;
  const rawQuery = readQuery(request.url, known);
  if ('cursor' in found.query.shape) readCursor(rawQuery.cursor);
  const names = cookieNames(context, settings.allowHttpCookies);
  const credentials = credentialsOf(request.headers, names);
  const presented =
    found.who === 'anyone' || found.who === 'client'
      ? null
      : accessTokenOf(credentials, context, settings.allowHttpCookies);
  trace.tokenPresented = presented !== null;
  const key = found.idempotency ? idempotencyKeyOf(request.headers) : null;
  found.syntax({ headers: request.headers, context, credentials, settings, body, query: rawQuery });

  // Login has no cookies yet, and gives some: a foreign page must not log its visitor in as somebody else (ASVS 3.5.1).
  const isLogin = found.name === 'login';
  const mayChange =
    found.who === 'gateway' ? isUnsafeOriginal(request, context) : isUnsafe(request.method);
  // A browser keeps Basic credentials and sends them along by itself, like cookies.
  if ((credentials.hasCookies || isLogin || found.who === 'client') && mayChange) {
    requireOwnOrigin(request.headers, context, settings.allows);
  }

  const caller = await callerOf(engine, found, presented, context).catch(async (error: unknown) => {
    trace.refused = await provenBy(engine, presented, error);
    throw error;
  });
  trace.caller = caller;
  const client = await clientOf(engine, found, request.headers, body, context);
  trace.client = client;

  const query = validate(found.query, rawQuery);
  const input = validate(found.body, body);
  requireIds(found, params);
  const idempotency =
    key === null
      ? null
      : idempotencyOf(key, `${found.method} ${new URL(request.url).pathname}`, input);
  return found.handle({
    engine,
    settings,
    request,
    context,
    credentials,
    cookieNames: names,
    presented,
    idempotency,
    // Null exactly where `Call` says so.
    caller: caller as Caller & null,
    client: client as CallingClient & null,
    params,
    query,
    body: input,
  });
}

/** Null: an `OPTIONS` that is answered for the path. TRACE would send credentials back, and is off everywhere. */
function routeFor(entry: PathEntry, method: string): Route | null {
  if (entry.any !== null && method !== 'TRACE' && method !== 'CONNECT') return entry.any;
  if (method === 'OPTIONS') return null;
  const found = entry.byMethod.get(method);
  if (found !== undefined) return found;
  throw new HttpError('method_not_allowed', `Allowed here: ${entry.allow}.`, {
    allow: entry.allow,
  });
}

async function callerOf(
  engine: Engine,
  { who }: Route,
  presented: PresentedToken | null,
  { origin }: RequestContext,
): Promise<Caller | null> {
  if (who === 'anyone' || who === 'holder' || who === 'client') return null;
  if (presented === null) {
    throw new SekishoError('credentials_required', 'Log in first.');
  }
  // Without options a token seen before is judged on the shortest way.
  const options = who === 'admin' ? { roles: [ADMIN_ROLE], origin } : undefined;
  const session = await engine.authentication.authenticate(presented.token, options);
  return { session, origin };
}

/**
 * Who was refused, for the log: only a signature that holds says so. One that does not is not looked at a second time, and
 * the others have been seen before.
 */
async function provenBy(
  { authentication }: Engine,
  presented: PresentedToken | null,
  error: unknown,
): Promise<Proven | null> {
  if (presented === null || !isSekishoError(error) || error.code === 'invalid_token') return null;
  return authentication.verifySignature(presented.token).catch(() => null);
}

/** @throws SekishoError `unsupported_media_type`, `invalid_json`, `invalid_request`. */
function bodyOf({ who, body }: Route, headers: Headers, bytes: Uint8Array): unknown {
  if (who !== 'client') {
    requireJson(headers);
    return parseJson(bytes);
  }
  requireForm(headers);
  return parseForm(bytes, body instanceof z.ZodObject ? Object.keys(body.shape) : []);
}

async function clientOf(
  engine: Engine,
  { who }: Route,
  headers: Headers,
  body: unknown,
  { origin }: RequestContext,
): Promise<CallingClient | null> {
  if (who !== 'client') return null;
  const presented = presentedClientOf(headers, body as Readonly<Record<string, string>>);
  if (presented !== null) return engine.clients.authenticate(presented, origin);
  throw new SekishoError('invalid_client', 'Authenticate the service client.');
}

/** An id of the wrong shape is one that does not exist. A later entry of one operation is `<id>.<n>`. */
const SHAPES: Readonly<Record<ParamKind, (value: string) => boolean>> = {
  user: isId,
  session: isId,
  revocation: (value) => isId(value.replace(/\.\d{1,6}$/, '')),
  client: isId,
  email: (value) => value.isWellFormed() && !value.includes('\0'),
};

function requireIds(found: Route, params: Readonly<Record<string, string>>): void {
  for (const [name, kind] of Object.entries(found.params)) {
    if (!SHAPES[kind](params[name] ?? '')) {
      throw new SekishoError('not_found', 'There is no such object.');
    }
  }
}
