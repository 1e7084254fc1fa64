import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Caller, CallingClient, Engine } from '../session/contract.ts';
import type { RequestContext } from './context.ts';
import type { CookieNames } from './cookies.ts';
import type { Credentials, PresentedToken } from './credentials.ts';
import type { Idempotency } from './idempotency.ts';
import type { HttpSettings } from './settings.ts';

/** `ANY`: whatever method comes, `OPTIONS` too; TRACE never. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'ANY';

/**
 * Who may call a route. `user`, `admin` and `gateway` (with somebody's credentials) are authenticated before anything of
 * query and body is judged; a `holder` of a refresh token is judged by the handler. A service `client` sends a form, not
 * JSON, and shows who it is by its secret.
 */
export type Who = 'anyone' | 'holder' | 'user' | 'admin' | 'gateway' | 'client';

/** What kind of object an id in a path speaks of. `sid` of the own routes and of the administrator's is the same kind. */
export type ParamKind = 'user' | 'session' | 'revocation' | 'email' | 'client';

/** Groups of the documentation, in its order. */
export type Group =
  | 'Login'
  | 'Own session'
  | 'Users'
  | 'Sessions'
  | 'Policy'
  | 'Insight'
  | 'Gateways and sockets'
  | 'Service clients'
  | 'Discovery';

/** What a handler answers with. At most one of `body`, `text` and `stream`. */
export interface Answer {
  readonly status: number;
  /** Sent as JSON. */
  readonly body?: object;
  readonly text?: string;
  readonly stream?: ReadableStream<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  /** Whose session it is about, for the request's line in the log, where the request had no session of its own. */
  readonly about?: {
    readonly tenantId: string;
    readonly userId: string;
    readonly sessionId: string;
  };
}

/** What every handler gets. */
export interface BaseCall {
  readonly engine: Engine;
  readonly settings: HttpSettings;
  readonly request: Request;
  readonly context: RequestContext;
  readonly credentials: Credentials;
  readonly cookieNames: CookieNames;
  /** The access token, where one was presented and is looked at (not for `anyone`). */
  readonly presented: PresentedToken | null;
  /** Only where the route has `idempotency` and the caller sent a key. */
  readonly idempotency: Idempotency | null;
}

/** A call after all checks of its route: `caller` is there where the pipeline has authenticated somebody. */
export interface Call<W extends Who, P extends string, Q, B> extends BaseCall {
  readonly caller: W extends 'user' | 'admin' | 'gateway' ? Caller : null;
  readonly client: W extends 'client' ? CallingClient : null;
  readonly params: Readonly<Record<P, string>>;
  readonly query: Q;
  readonly body: B;
}

/** What can be said of a request before it is known who sends it: the step of 400. */
export interface RawCall {
  readonly headers: Headers;
  readonly context: RequestContext;
  readonly credentials: Credentials;
  readonly settings: HttpSettings;
  readonly body: unknown;
  readonly query: Readonly<Record<string, string>>;
}

interface Described {
  readonly method: Method;
  /** Template, such as `/v1/sessions/{sid}`; a `*` at the end stands for any rest. */
  readonly path: string;
  /** Unique; the `operationId` of the OpenAPI document. */
  readonly name: string;
  readonly group: Group;
  /** A few words. */
  readonly summary: string;
  /** Sentences, with what a caller would not guess. */
  readonly description?: string;
  /** Answers other than problem documents: their schema by status; null for an empty one. */
  readonly responses: Readonly<Record<number, z.ZodType | null>>;
  /** Codes of its own, beside those that every route of its kind can answer. */
  readonly errors?: readonly ErrorCode[];
  /** Media type of an answer that is not JSON. */
  readonly produces?: string;
}

/** A row of the route table. */
export interface Route extends Described {
  readonly who: Who;
  /** Each parameter of the path, and which kind of id it is. */
  readonly params: Readonly<Record<string, ParamKind>>;
  readonly query: z.ZodObject;
  readonly body: z.ZodType;
  readonly idempotency: boolean;
  readonly passesQuery: boolean;
  readonly description: string;
  readonly errors: readonly ErrorCode[];
  readonly syntax: (call: RawCall) => void;
  readonly handle: (call: Call<Who, string, unknown, unknown>) => Promise<Answer>;
}

interface Spec<
  W extends Who,
  P extends Readonly<Record<string, ParamKind>>,
  Q extends z.ZodObject,
  B extends z.ZodType,
> extends Described {
  readonly who: W;
  readonly params?: P;
  /** Default: no parameter is known. */
  readonly query?: Q;
  /** Whether unknown parameters are passed over, rather than 422. Default false. */
  readonly passesQuery?: boolean;
  /** Default: no field is known; an absent body counts as `{}`. */
  readonly body?: B;
  /** Whether `Idempotency-Key` is honoured. Default false. */
  readonly idempotency?: boolean;
  /** Throws what is 400 beyond malformed JSON. */
  readonly syntax?: (call: RawCall) => void;
  readonly handle: (call: Call<W, keyof P & string, z.infer<Q>, z.infer<B>>) => Promise<Answer>;
}

const NOTHING = z.strictObject({});
type Nothing = typeof NOTHING;
// biome-ignore lint/complexity/noBannedTypes: a record without members
type NoParams = {};

/** Declares a route; schemas, documentation and tests are derived from what is declared here. */
export function route<
  W extends Who,
  P extends Readonly<Record<string, ParamKind>> = NoParams,
  Q extends z.ZodObject = Nothing,
  B extends z.ZodType = Nothing,
>(spec: Spec<W, P, Q, B>): Route {
  return Object.freeze({
    ...spec,
    params: spec.params ?? {},
    query: spec.query ?? NOTHING,
    body: spec.body ?? NOTHING,
    idempotency: spec.idempotency ?? false,
    passesQuery: spec.passesQuery ?? false,
    description: spec.description ?? '',
    errors: spec.errors ?? [],
    syntax: spec.syntax ?? (() => {}),
    // The pipeline has validated by these very schemas before it calls the handler.
    handle: spec.handle as unknown as Route['handle'],
  });
}
