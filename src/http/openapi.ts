import { z } from 'zod';
import { ERROR_STATUS, type ErrorCode } from '../errors.ts';
import { problemSchema } from './objects/common.ts';
import type { ParamKind, Route } from './route.ts';

/** A JSON Schema (draft 2020-12), as far as this document and its page look into it. */
export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly additionalProperties?: boolean | JsonSchema;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, ResponseObject>>;
  /** Who may call it, and the codes of its problem documents by status. */
  readonly 'x-who': string;
  readonly 'x-codes': readonly ErrorCode[];
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

interface ResponseObject {
  readonly description: string;
  readonly content?: Content;
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, object>>;
  };
}

const DESCRIPTION = `Session management for multi-tenant SaaS. JSON in and out, snake_case. Times are RFC 3339 in UTC; durations are seconds unless the name ends in _ms. Errors are problem documents (RFC 9457) with a stable code. Credentials travel as Authorization: Bearer or as the cookies __Host-sekisho and __Host-sekisho-refresh. Within /v1 there are only additions.`;

/** Methods that an `ANY` route is described under; it takes any other as well. */
const ANY_METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const;

/** The OpenAPI 3.1 document of a route table, made from the very schemas that validate. */
export function openApiDocument(
  table: readonly Route[],
  { basePath, version }: { readonly basePath: string; readonly version: string },
): OpenApiDocument {
  const schemas: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of table) {
    const path = route.path.replace('*', '{path}');
    const methods = route.method === 'ANY' ? ANY_METHODS : [route.method.toLowerCase()];
    for (const method of methods) {
      const suffix = route.method === 'ANY' ? `.${method}` : '';
      const operation = operationOf(route, schemas);
      const named = { ...operation, operationId: operation.operationId + suffix };
      paths[path] = { ...paths[path], [method]: named };
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Sekisho', version, description: DESCRIPTION },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    tags: [...new Set(table.map((route) => route.group))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        cookie: { type: 'apiKey', in: 'cookie', name: '__Host-sekisho' },
        client: { type: 'http', scheme: 'basic' },
      },
    },
  };
}

function operationOf(route: Route, schemas: Record<string, JsonSchema>): Operation {
  const codes = codesOf(route);
  const body = toJsonSchema(route.body, 'input', schemas);
  const hasBody = Object.keys(body.properties ?? {}).length > 0 || body.$ref !== undefined;
  return {
    operationId: route.name,
    summary: route.summary,
    description: route.description,
    tags: [route.group],
    security: securityOf(route),
    parameters: parametersOf(route, schemas),
    ...(hasBody
      ? {
          requestBody: {
            required: body.$ref !== undefined || (body.required ?? []).length > 0,
            content: { [mediaTypeOf(route)]: { schema: body } },
          },
        }
      : {}),
    responses: { ...answersOf(route, schemas), ...problemsOf(codes, schemas) },
    'x-who': route.who,
    'x-codes': codes,
  };
}

/** What a route's body is sent as. */
function mediaTypeOf({ who }: Route): string {
  return who === 'client' ? 'application/x-www-form-urlencoded' : 'application/json';
}

function securityOf({ who }: Route): Operation['security'] {
  // The other way, by the form, is in the schema of the body.
  if (who === 'client') return [{ client: [] }, {}];
  return who === 'anyone' || who === 'holder' ? [{}] : [{ bearer: [] }, { cookie: [] }];
}

const PARAM_TEXT: Readonly<Record<ParamKind, string>> = {
  user: 'Id of a user of the own tenant.',
  session: 'Id of a session.',
  revocation: 'Id of a revocation.',
  client: 'Id of a service client of the own tenant.',
  email: 'E-mail address.',
};

function parametersOf(route: Route, schemas: Record<string, JsonSchema>): readonly Parameter[] {
  const path = Object.entries(route.params).map(
    ([name, kind]): Parameter => ({
      name,
      in: 'path',
      required: true,
      description: PARAM_TEXT[kind],
      schema: { type: 'string' },
    }),
  );
  if (route.path.endsWith('*')) {
    const description = 'Path of the request that the gateway asks about.';
    path.push({
      name: 'path',
      in: 'path',
      required: true,
      description,
      schema: { type: 'string' },
    });
  }
  const query = toJsonSchema(route.query, 'input', schemas);
  const required = new Set(query.required);
  const asked = Object.entries(query.properties ?? {}).map(([name, schema]): Parameter => {
    const { description, ...rest } = schema;
    const described = description === undefined ? {} : { description };
    return { name, in: 'query', required: required.has(name), ...described, schema: rest };
  });
  const header = (name: string, description: string): Parameter => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  });
  const headers = [
    ...(route.idempotency
      ? [
          header(
            'Idempotency-Key',
            '1 to 255 visible characters; honoured for 24 hours. Bound to the path and the whole body, defaults filled in: ' +
              'with another one it is `idempotency_key_reused`.',
          ),
        ]
      : []),
    ...(route.errors.includes('precondition_failed')
      ? [header('If-Match', '`ETag` of what was read; another version is 412.')]
      : []),
  ];
  return [...path, ...asked, ...headers];
}

const ANSWER_TEXT: Readonly<Record<string, string>> = {
  101: 'The socket is open.',
  200: 'Done.',
  201: 'Made.',
  202: 'Done, and not yet known of every node.',
  204: 'Done; nothing to say.',
};

function answersOf(
  route: Route,
  schemas: Record<string, JsonSchema>,
): Record<string, ResponseObject> {
  const answers = Object.entries(route.responses).map(([status, schema]) => {
    const description = ANSWER_TEXT[status] ?? 'Answer.';
    const type = route.produces ?? 'application/json';
    const content =
      schema !== null
        ? { content: { [type]: { schema: toJsonSchema(schema, 'output', schemas) } } }
        : route.produces === undefined
          ? {}
          : { content: { [type]: { schema: { type: 'string' } } } };
    return [status, { description, ...content }];
  });
  return Object.fromEntries(answers) as Record<string, ResponseObject>;
}

function problemsOf(
  codes: readonly ErrorCode[],
  schemas: Record<string, JsonSchema>,
): Record<string, ResponseObject> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const status = ERROR_STATUS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const content = {
    'application/problem+json': { schema: toJsonSchema(problemSchema, 'output', schemas) },
  };
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => {
      const description = group.map((code) => `\`${code}\``).join(', ');
      return [String(status), { description, content }];
    }),
  );
}

/** Every code that a route can answer with, by status. */
export function codesOf(route: Route): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>(['payload_too_large', 'internal']);
  const add = (...more: readonly ErrorCode[]) => {
    for (const code of more) codes.add(code);
  };
  add(...route.errors);
  if (route.method !== 'ANY' && route.method !== 'GET') {
    add('unsupported_media_type', 'invalid_json', 'origin_denied', 'outcome_unknown');
  }
  add('invalid_request', 'validation_failed');
  if (route.who === 'client') {
    add('invalid_client', 'too_many_attempts');
    // A form is not judged field by field.
    codes.delete('invalid_json');
    codes.delete('validation_failed');
  }
  if (route.who === 'user' || route.who === 'admin') {
    add('credentials_required', 'invalid_token', 'token_expired', 'token_superseded');
    add('session_revoked', 'session_expired', 'ambiguous_credentials', 'insecure_transport');
  }
  if (route.who === 'admin') add('insufficient_role');
  if (route.who !== 'anyone' || !STATIC.has(route.name)) add('store_unavailable', 'not_ready');
  return [...codes].sort((a, b) => ERROR_STATUS[a] - ERROR_STATUS[b] || (a < b ? -1 : 1));
}

/** Routes that need no store. */
const STATIC = new Set(['openapi', 'docs', 'socket.open']);

/**
 * A schema of zod as JSON Schema; named ones become components. Answers may grow within `/v1`, so that nothing forbids
 * unknown members there.
 */
function toJsonSchema(
  schema: z.ZodType,
  io: 'input' | 'output',
  components: Record<string, JsonSchema>,
): JsonSchema {
  const made = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => {
      if (io === 'output' && jsonSchema.additionalProperties === false) {
        delete jsonSchema.additionalProperties;
      }
    },
  });
  const {
    $schema: _,
    $defs = {},
    ...plain
  } = rename(made) as JsonSchema & {
    $schema?: string;
    $defs?: Record<string, JsonSchema>;
  };
  for (const [name, definition] of Object.entries($defs)) components[name] ??= definition;
  return plain;
}

/** Points references at the components of the document, and drops what is undefined. */
function rename(schema: unknown): unknown {
  return JSON.parse(
    JSON.stringify(schema, (name, value: unknown) =>
      name === '$ref' && typeof value === 'string'
        ? value.replace('#/$defs/', '#/components/schemas/')
        : value,
    ),
  );
}
