import { createServer, type RequestListener } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fastifySekisho,
  fastifySession,
  nodeHandler,
  requireSession,
  sessionOf,
  withAuth,
} from '../../src/adapter/node/index.ts';
import type { Sekisho } from '../../src/create/sekisho.ts';
import { createSekisho } from '../../src/create.ts';
import { listening } from '../support/node-host.ts';
import { call } from '../support/process.ts';

const PASSWORD = 'violet-anchor-lantern-93';
const LOGIN = { tenant: 'harbor', email: 'mika@harbor.example', password: PASSWORD };

let sekisho: Sekisho;
beforeAll(async () => {
  sekisho = await createSekisho({ dataDir: ':memory:', logLevel: 'silent' });
  await sekisho.engine.operator.createTenant({
    slug: LOGIN.tenant,
    name: null,
    adminEmail: LOGIN.email,
    adminPassword: PASSWORD,
  });
});
afterAll(() => sekisho.close());

interface App {
  readonly origin: string;
  close(): Promise<unknown>;
}

const onHttp = (handler: RequestListener) => listening(createServer(handler));

/** The same application on each framework: Sekisho's routes, one for everybody known, one for auditors. */
const frameworks: [string, () => Promise<App>][] = [
  [
    'Express',
    () => {
      const app = express();
      // A body parser before Sekisho: its routes work all the same.
      app.use(express.json());
      app.use(nodeHandler(sekisho));
      app.all('/orders', requireSession(sekisho), (req, res) => {
        res.json({ user: sessionOf(req).userId, typed: req.sekisho?.tenantId });
      });
      app.get('/audit', requireSession(sekisho, { roles: ['auditor'] }), (_req, res) => {
        res.json({});
      });
      return onHttp(app);
    },
  ],
  [
    'Fastify',
    async () => {
      const app = fastify();
      await app.register(fastifySekisho(sekisho));
      app.route({
        method: ['GET', 'POST'],
        url: '/orders',
        onRequest: fastifySession(sekisho),
        handler: (request) => ({
          user: sessionOf(request).userId,
          typed: request.raw.sekisho?.tenantId,
        }),
      });
      const auditors = fastifySession(sekisho, { roles: ['auditor'] });
      app.get('/audit', { preHandler: auditors }, () => ({}));
      const origin = await app.listen({ port: 0, host: '127.0.0.1' });
      return { origin, close: () => app.close() };
    },
  ],
  [
    'bare http',
    () => {
      const routes = nodeHandler(sekisho);
      const orders = withAuth(sekisho, (_req, res, session) => {
        res.end(JSON.stringify({ user: session.userId, typed: session.tenantId }));
      });
      const audit = withAuth(sekisho, (_req, res) => void res.end('{}'), { roles: ['auditor'] });
      return onHttp((req, res) => {
        if (req.url === '/orders') orders(req, res);
        else if (req.url === '/audit') audit(req, res);
        else routes(req, res);
      });
    },
  ],
];

describe.each(frameworks)('%s', (_name, start) => {
  let app: App;
  beforeAll(async () => {
    app = await start();
  });
  afterAll(() => app.close());

  test('A5 a route is guarded in one place: bearer token, role, logout', async () => {
    const { body } = await call(`${app.origin}/v1/login`, { body: LOGIN });
    const token = String(body.access_token);
    const session = await sekisho.authenticate(token);
    expect(await call(`${app.origin}/orders`, { token })).toEqual({
      status: 200,
      body: { user: session.userId, typed: session.tenantId },
    });
    expect(await call(`${app.origin}/orders`)).toMatchObject({
      status: 401,
      body: { code: 'credentials_required' },
    });
    expect(await call(`${app.origin}/audit`, { token })).toMatchObject({
      status: 403,
      body: { code: 'insufficient_role' },
    });
    expect((await call(`${app.origin}/v1/logout`, { method: 'POST', token })).status).toBe(204);
    const after = await fetch(`${app.origin}/orders`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(after.status).toBe(401);
    expect(after.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(await after.json()).toMatchObject({ code: 'session_revoked' });
  });

  test('ASVS 3.5.1 with the cookie, an unsafe request of a foreign page is refused', async () => {
    const answer = await fetch(`${app.origin}/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...LOGIN, transport: 'cookie' }),
    });
    expect(answer.status).toBe(200);
    const cookie = answer.headers
      .getSetCookie()
      .map((one) => one.split(';', 1)[0])
      .join('; ');
    const orders = async (method: string, origin: string): Promise<number> => {
      const headers = { cookie, origin, 'content-type': 'application/json' };
      const body = method === 'POST' ? '{}' : null;
      return (await fetch(`${app.origin}/orders`, { method, headers, body })).status;
    };
    expect(await orders('GET', 'https://evil.example')).toBe(200);
    expect(await orders('POST', app.origin)).toBe(200);
    expect(await orders('POST', 'https://evil.example')).toBe(403);
  });

  test('A2 what Sekisho answers, it answers as it does alone', async () => {
    const answer = await fetch(`${app.origin}/v1/login`, { method: 'DELETE' });
    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toContain('POST');
    expect(answer.headers.get('x-request-id')).not.toBeNull();
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
  });

  test('B12 an event stream ends at logout', async () => {
    const { body } = await call(`${app.origin}/v1/login`, { body: LOGIN });
    const token = String(body.access_token);
    const headers = { authorization: `Bearer ${token}` };
    const events = await fetch(`${app.origin}/v1/admin/events`, { headers });
    expect(events.status).toBe(200);
    // Settles when the stream is over, in good order or not; one that stays open runs into the test's time limit.
    const over = events.text().catch(() => 'cut');
    expect((await call(`${app.origin}/v1/logout`, { method: 'POST', token })).status).toBe(204);
    expect(await over).not.toContain(token);
  });
});
