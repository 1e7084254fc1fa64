import { expect } from 'vitest';
import type { z } from 'zod';
import { createHttpApp, type HttpApp } from '../../src/http/app.ts';
import { problemSchema } from '../../src/http/objects/common.ts';
import type { Route } from '../../src/http/route.ts';
import { codesOf } from '../../src/http/route-codes.ts';
import type { HttpOptions } from '../../src/http/settings.ts';
import { routes } from '../../src/http/table.ts';
import type { Engine } from '../../src/session/contract.ts';
import { startTestEngine, type TestEngine, type TestEngineOptions } from './engine.ts';

/** Where the tests' app stands; the host is a loopback name, so that cookies may travel. */
export const BASE = 'http://127.0.0.1:4000';

export interface Sent {
  readonly token?: string;
  readonly cookie?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>> | string;
  /** Sent as it is. */
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  /** Another origin than `BASE`. */
  readonly base?: string;
  /** Address at the other end. Default 192.0.2.7. */
  readonly peer?: string | null;
}

export interface Received {
  readonly response: Response;
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; null when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly body: any;
}

export type Send = (method: string, path: string, sent?: Sent) => Promise<Received>;

export interface TestApp {
  readonly engine: TestEngine;
  readonly app: HttpApp;
  readonly send: Send;
  close(): Promise<void>;
}

/** The real engine behind the real HTTP surface. Every answer is held against the contract; see `senderOf`. */
export async function startTestApp(
  options: HttpOptions = {},
  engineOptions: TestEngineOptions = {},
): Promise<TestApp> {
  const engine = await startTestEngine(engineOptions);
  const app = createHttpApp(engine.engine, options);
  return { engine, app, send: senderOf(app, options.basePath), close: () => engine.close() };
}

/**
 * Sends requests to an app. Every answer is checked against what its route declares: status, schema of the body, problem
 * document and its code, fields that all answers carry. So no test can see an answer that the OpenAPI document does not know.
 *
 * @param declared false where a test makes a route answer what it never would.
 */
export function senderOf(app: HttpApp, basePath = '', declared = true): Send {
  return async (method, path, sent = {}) => {
    const request = requestOf(method, path, sent);
    const response = await app.handle(request, { peerAddress: sent.peer ?? '192.0.2.7' });
    const { pathname } = new URL(request.url);
    const text = method === 'HEAD' ? '' : isStream(response) ? '' : await response.text();
    const type = response.headers.get('content-type') ?? '';
    const body = text === '' ? null : /[/+]json\b/.test(type) ? JSON.parse(text) : text;
    const route = routeOf(method, pathname.slice(basePath.length));
    checkEveryAnswer(response, body, method, route?.who === 'client');
    if (declared && route !== null && method !== 'HEAD') checkDeclared(route, response, body);
    return { response, status: response.status, headers: response.headers, body };
  };
}

export function requestOf(method: string, path: string, sent: Sent): Request {
  const headers = new Headers(sent.headers);
  if (sent.token !== undefined) headers.set('authorization', `Bearer ${sent.token}`);
  if (sent.cookie !== undefined) headers.set('cookie', sent.cookie);
  if (sent.json !== undefined) headers.set('content-type', 'application/json');
  if (sent.form !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded');
  const body =
    sent.form !== undefined
      ? new URLSearchParams(sent.form).toString()
      : sent.json === undefined
        ? sent.body
        : JSON.stringify(sent.json);
  const isFetchable = !/^(TRACE|CONNECT|TRACK)$/.test(method);
  const request = new Request((sent.base ?? BASE) + path, {
    method: isFetchable ? method : 'GET',
    headers,
    ...(body === undefined ? {} : { body, duplex: 'half' }),
  } as RequestInit);
  // As Node's adapter hands it over: Fetch itself has no such method.
  if (!isFetchable) Object.defineProperty(request, 'method', { value: method });
  return request;
}

function isStream(response: Response): boolean {
  return response.headers.get('content-type') === 'text/event-stream';
}

/** RFC 6749 section 5.2: members of a problem document at the OAuth endpoints. */
const OAUTH_ERROR = {
  error: expect.stringMatching(/^[a-z_]+$/),
  error_description: expect.stringMatching(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/),
};

/** RFC 9457 for every 4xx and 5xx, and what every answer carries. */
function checkEveryAnswer(
  response: Response,
  body: unknown,
  method: string,
  asOAuth: boolean,
): void {
  const { headers, status } = response;
  expect(headers.get('x-request-id')).toMatch(/^[\w.:=@+/-]{1,128}$/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toContain("object-src 'none'; base-uri 'none'");
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('cache-control')).toBeTruthy();
  expect(headers.get('vary')).toContain('Origin');
  if (status < 400) return;
  if (!asOAuth) expect(headers.get('content-type')).toBe('application/problem+json');
  expect(headers.get('cache-control')).toBe('no-store');
  if (status === 401) {
    expect(headers.get('www-authenticate')).toMatch(asOAuth ? /^Basic realm=/ : /^Bearer/);
  }
  if (status === 405) expect(headers.get('allow')).toBeTruthy();
  if (status === 429 || status === 503)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  if (method === 'HEAD') return;
  const problem = problemSchema.parse(body);
  if (asOAuth) expect(problem).toMatchObject(OAUTH_ERROR);
  expect(problem.status).toBe(status);
  expect(problem.instance).toContain(headers.get('x-request-id'));
  expect(problem.type).toContain(problem.code);
}

function checkDeclared(route: Route, response: Response, body: unknown): void {
  const { status } = response;
  if (status >= 400) {
    const { code } = problemSchema.parse(body);
    if (code === 'method_not_allowed') return;
    expect(codesOf(route), `${route.name} answers ${code}`).toContain(code);
    return;
  }
  if (status === 204 && response.headers.has('allow')) return;
  expect(Object.keys(route.responses), `${route.name} answers ${status}`).toContain(String(status));
  const schema: z.ZodType | null | undefined = route.responses[status];
  if (schema === null || schema === undefined) {
    if (route.produces === undefined) expect(body).toBeNull();
    return;
  }
  const parsed = schema.safeParse(body);
  expect(parsed.error?.issues ?? [], `${route.name} ${status}`).toEqual([]);
}

/** The row of the table for a request. */
export function routeOf(method: string, path: string): Route | null {
  return (
    routes.find(
      (route) =>
        (route.method === method || (route.method === 'ANY' && method !== 'TRACE')) &&
        new RegExp(
          `^${route.path
            .replace(/[.]/g, '\\.')
            .replace('*', '.*')
            .replace(/\{\w+\}/g, '[^/]+')}$`,
        ).test(path),
    ) ?? null
  );
}

/** `Set-Cookie` values as a browser would send them back. */
export function cookieOf(headers: Headers): string {
  return headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ');
}

/** An engine of which some use cases do something else: for what a real store does only when it fails. */
export function withFailing(engine: Engine, replaced: Partial<Engine>): Engine {
  return Object.freeze({ ...engine, ...replaced });
}
