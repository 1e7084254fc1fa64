import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { byPath, routes } from '../../src/http/table.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
const SOME_ID = 'AAAAAAAAAAAAAAAAAAAAAA';

/** A path that the template matches. */
function pathOf(template: string): string {
  return template
    .replace('{email}', 'a%40b')
    .replace(/\{\w+\}/g, SOME_ID)
    .replace('*', 'orders/7');
}

let http: TestApp;
beforeAll(async () => {
  http = await startTestApp();
});
afterAll(() => http.close());

describe('A2: every route with every method', () => {
  for (const entry of byPath(routes)) {
    for (const method of METHODS) {
      const allowed =
        entry.any !== null ? method !== 'TRACE' : entry.allow.split(', ').includes(method);
      test(`A2 RFC 9110 405 carries Allow: ${method} ${entry.path} is ${allowed ? 'answered' : 'refused'}`, async () => {
        const { status, headers, body } = await http.send(method, pathOf(entry.path));
        if (!allowed) {
          expect(status).toBe(405);
          expect(headers.get('allow')).toBe(entry.allow);
          if (method !== 'HEAD') expect(body.code).toBe('method_not_allowed');
        } else if (method === 'OPTIONS' && entry.any === null) {
          expect(status).toBe(204);
          expect(headers.get('allow')).toBe(entry.allow);
        } else {
          expect(status).not.toBe(405);
          expect(status).not.toBe(404);
          expect(status).toBeLessThan(500);
        }
      });
    }
  }

  test('A2 Allow lists exactly the methods of the table, HEAD where GET is, and OPTIONS', () => {
    const allows = Object.fromEntries(byPath(routes).map(({ path, allow }) => [path, allow]));
    expect(allows['/v1/login']).toBe('POST, OPTIONS');
    expect(allows['/v1/session']).toBe('GET, HEAD, OPTIONS');
    expect(allows['/v1/admin/users']).toBe('GET, HEAD, POST, OPTIONS');
    expect(allows['/v1/admin/users/{uid}']).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
    expect(allows['/v1/admin/policy']).toBe('GET, HEAD, PUT, OPTIONS');
    expect(allows['/v1/sessions/{sid}']).toBe('DELETE, OPTIONS');
  });

  test('A2 HEAD answers as GET does, without a body', async () => {
    const { pair } = await http.engine.makeTenant('head');
    const get = await http.send('GET', '/v1/session', { token: pair.accessToken });
    const head = await http.send('HEAD', '/v1/session', { token: pair.accessToken });
    expect(get.status).toBe(200);
    expect(head.status).toBe(200);
    expect(await head.response.text()).toBe('');
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    expect((await http.send('HEAD', '/v1/session')).status).toBe(401);
  });
});

describe('A2: paths that are none', () => {
  for (const path of [
    '/',
    '/v1',
    '/v1/session/',
    '//v1/session',
    '/v1/nothing',
    '/metrics',
    '/healthz',
    '/readyz',
    '/members',
    '/oauth',
    '/oauth/token',
    '/v1/admin/audit/nothing',
    '/V1/session',
    '/v1/admin/users/',
    '/docs/',
  ]) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      test(`A2 ${method} ${path} is 404`, async () => {
        const { status, body } = await http.send(method, path);
        expect(status).toBe(404);
        expect(body.code).toBe('not_found');
      });
    }
  }
});
