import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_STATUS } from '../../src/errors.ts';
import { createHttpApp } from '../../src/http/app.ts';
import type { OpenApiDocument } from '../../src/http/openapi-shapes.ts';
import { byPath, routes } from '../../src/http/table.ts';
import { senderOf, startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let document: OpenApiDocument;

beforeAll(async () => {
  http = await startTestApp();
  document = (await http.send('GET', '/openapi.json')).body;
});
afterAll(() => http.close());

function operations() {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
}

/** Every object of the document, wherever it stands. */
function* nodesOf(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const member of Object.values(value)) yield* nodesOf(member);
}

describe('A2: the OpenAPI document', () => {
  test('A2 it has every route of the table and no other', () => {
    const described = operations().map(({ path, method }) => `${method} ${path}`);
    const declared = byPath(routes).flatMap(({ path, any, byMethod }) =>
      any === null
        ? [...byMethod.keys()]
            .filter((method) => method !== 'HEAD')
            .map((one) => `${one.toLowerCase()} ${path}`)
        : ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'].map(
            (one) => `${one} ${path.replace('*', '{path}')}`,
          ),
    );
    expect(described.sort()).toEqual(declared.sort());
    expect(document.openapi).toBe('3.1.0');
  });

  test('A2 operation ids are unique, parameters of the path are declared, references lead somewhere', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { path, operation } of operations()) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = operation.parameters
        .filter((one) => one.in === 'path')
        .map(({ name }) => name);
      expect(declared).toEqual(named);
    }
    const known = Object.keys(document.components.schemas);
    let references = 0;
    for (const { $ref } of nodesOf(document)) {
      if (typeof $ref !== 'string') continue;
      references += 1;
      expect(known).toContain($ref.replace('#/components/schemas/', ''));
    }
    expect(references).toBeGreaterThan(50);
  });

  test('A2 it says what the schemas that validate say', () => {
    const login = document.paths['/v1/login']?.post;
    const body = login?.requestBody?.content['application/json']?.schema;
    expect(body?.required).toEqual(['tenant', 'email', 'password']);
    expect(body?.additionalProperties).toBe(false);
    expect(body?.properties?.transport?.enum).toEqual(['body', 'cookie']);
    const policy = document.components.schemas.Policy;
    expect(policy?.properties?.access_ttl).toMatchObject({ minimum: 30, maximum: 900 });
    const limit = document.paths['/v1/sessions']?.get?.parameters.find(
      ({ name }) => name === 'limit',
    );
    expect(limit?.schema).toEqual({ type: 'integer', minimum: 1, maximum: 200 });
    const revoke = document.paths['/v1/admin/users/{uid}/revoke']?.post;
    expect(revoke?.requestBody?.required).toBe(false);
    expect(revoke?.parameters.map(({ name }) => name)).toEqual(['uid', 'Idempotency-Key']);
    expect(Object.keys(revoke?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '202', '401', '403', '404', '422', '503']),
    );
  });

  test('A2 answers may grow within /v1: nothing forbids unknown members there', () => {
    for (const { operation } of operations()) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (Number(status) >= 400) continue;
        for (const node of nodesOf(content)) expect(node.additionalProperties).not.toBe(false);
      }
    }
  });

  test('A2 every code of a route stands under its status, and is a code that there is', () => {
    for (const { operation } of operations()) {
      for (const code of operation['x-codes']) {
        expect(operation.responses[String(ERROR_STATUS[code])]?.description).toContain(code);
      }
    }
  });

  test('A2 who needs no credentials is said so', () => {
    expect(document.paths['/v1/login']?.post?.security).toEqual([{}]);
    expect(document.paths['/v1/session']?.get?.security).toEqual([{ bearer: [] }, { cookie: [] }]);
  });
});

describe('A2: the page at /docs', () => {
  test('A2 ASVS 3.4.3 it has every route, runs no script, and loads nothing', async () => {
    const { status, body, headers } = await http.send('GET', '/docs');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    for (const { path, operation } of operations()) {
      expect(body).toContain(path);
      expect(body).toContain(operation.summary);
    }
    expect(body).not.toMatch(/<script|<link|<img|<iframe|@import|url\(|\son\w+=|\sstyle=/i);
    const outside = [...body.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, target]) => target);
    for (const target of outside) expect(target).toMatch(/^(#[\w-]+|\/openapi\.json)$/);
  });

  test('A2 ASVS 3.4.3 its policy names the one style sheet by its hash', async () => {
    const { body, headers } = await http.send('GET', '/docs');
    const style = /<style>([\s\S]*?)<\/style>/.exec(body)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = headers.get('content-security-policy');
    expect(policy).toContain(`style-src 'sha256-${hash}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });

  test('A2 every link inside the page leads somewhere, and no id stands there twice', async () => {
    const { body } = await http.send('GET', '/docs');
    const ids: string[] = [...body.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = new Set([...body.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id));
    expect(targets.size).toBeGreaterThan(40);
    for (const target of targets) expect(ids).toContain(target);
  });
});

describe('A1: mounted under a path', () => {
  test('A1 A2 basePath moves every route, links and Location with it', async () => {
    const app = createHttpApp(http.engine.engine, { basePath: '/auth/' });
    const send = senderOf(app, '/auth');
    for (const { path, any } of byPath(routes)) {
      const target = path
        .replace('{email}', 'a%40b')
        .replace(/\{\w+\}/g, 'x')
        .replace('*', 'y');
      expect((await send('TRACE', `/auth${target}`)).status).toBe(405);
      if (any === null) expect((await send('OPTIONS', target)).status).toBe(404);
    }
    const own = await http.engine.makeTenant('mounted');
    const sent = { token: own.pair.accessToken };
    const made = await send('POST', '/auth/v1/admin/users', { ...sent, json: { email: 'a@b' } });
    expect(made.headers.get('location')).toBe(`/auth/v1/admin/users/${made.body.user.id}`);
    const missing = await send('GET', '/auth/v1/nowhere');
    expect(missing.body.type).toBe('/auth/docs#error-not_found');
    const described = await send('GET', '/auth/openapi.json');
    expect(described.body.servers).toEqual([{ url: '/auth' }]);
    const metadata = await send('GET', '/auth/.well-known/oauth-authorization-server');
    expect(metadata.body.jwks_uri).toBe('http://127.0.0.1:4000/auth/.well-known/jwks.json');
    const docs = await send('GET', '/auth/docs');
    expect(docs.body).toContain('href="/auth/openapi.json"');
  });
});
