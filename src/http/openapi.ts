import { ERROR_STATUS, type ErrorCode } from '../errors.ts';
import { type JsonSchema, toJsonSchema } from './json-schema.ts';
import { problemSchema } from './objects/common.ts';
import type { OpenApiDocument, Operation, Parameter, ResponseObject } from './openapi-shapes.ts';
import type { ParamKind, Route } from './route.ts';
import { codesOf } from './route-codes.ts';

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
