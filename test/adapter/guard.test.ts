import type { IncomingMessage } from 'node:http';
import express from 'express';
import fastify from 'fastify';
import { afterEach, expect, test, vi } from 'vitest';
import {
  fastifySekisho,
  fastifySession,
  requireSession,
  sessionOf,
  withAuth,
} from '../../src/adapter/node/index.ts';
import { hostOf, type Listening, listen, someone } from '../support/node-host.ts';

let running: Listening | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const host = hostOf(async (request) => new Response(`routes: ${await request.text()}`));
const good = { headers: { authorization: 'Bearer good' } };

test('A5 Express: one middleware guards a route and types its session', async () => {
  const app = express();
  app.get('/orders', requireSession(host), (req, res) => {
    expect(req.sekisho).toBe(someone);
    res.json({ tenant: sessionOf(req).tenantId });
  });
  running = await listen(app);
  const answer = await fetch(`${running.origin}/orders`, good);
  expect(await answer.json()).toEqual({ tenant: 'tenant' });
  const refused = await fetch(`${running.origin}/orders`);
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toBe('Bearer');
  expect(refused.headers.get('content-type')).toBe('application/problem+json');
  expect(await refused.json()).toMatchObject({ code: 'credentials_required' });
});

test('A5 bare http: the handler gets the session, and its errors are answered', async () => {
  const seen = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  running = await listen(
    withAuth(host, async (req, res, session) => {
      if (req.url === '/defect') throw new Error('a defect');
      res.end(session.userId);
    }),
  );
  expect(await (await fetch(`${running.origin}/`, good)).text()).toBe('user');
  expect((await fetch(`${running.origin}/`)).status).toBe(401);
  expect((await fetch(`${running.origin}/defect`, good)).status).toBe(500);
  expect(seen).toHaveBeenCalledOnce();
});

test('A5 Fastify: a hook guards a route, and the routes are a plugin beside others', async () => {
  const app = fastify();
  await app.register(fastifySekisho(host));
  app.get('/orders', { preHandler: fastifySession(host) }, (request) => ({
    tenant: sessionOf(request).tenantId,
  }));
  app.post('/own', (request) => request.body);
  try {
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });
    expect(await (await fetch(`${origin}/orders`, good)).json()).toEqual({ tenant: 'tenant' });
    const refused = await fetch(`${origin}/orders`);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: 'credentials_required' });
    const post = {
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    };
    expect(await (await fetch(`${origin}/v1/login`, post)).text()).toBe('routes: {"a":1}');
    expect(await (await fetch(`${origin}/own`, post)).json()).toEqual({ a: 1 });
  } finally {
    await app.close();
  }
});

test('A5 a route that nothing guards has no session, loudly', () => {
  expect(() => sessionOf({} as IncomingMessage)).toThrow('not guarded');
});
