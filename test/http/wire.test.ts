import { once } from 'node:events';
import { createServer, request as nodeRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeHandler } from '../../src/adapter/node/handler.ts';
import type { NodeHost } from '../../src/adapter/node/host.ts';
import type { TestTenant } from '../support/engine.ts';
import { startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let server: Server;
let origin: string;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  const host: NodeHost = {
    basePath: '',
    fetch: (request, env) =>
      http.app.handle(request, { peerAddress: env?.incoming.socket.remoteAddress ?? null }),
    withAuth: () => async () => new Response(null, { status: 501 }),
  };
  server = createServer(nodeHandler(host));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await http.close();
});

/** A request written by hand, for what fetch does not send. */
async function raw(method: string, path: string, headers: Record<string, string> = {}) {
  const sent = nodeRequest(`${origin}${path}`, { method, headers, agent: false });
  sent.end();
  const [answer] = await once(sent, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: Buffer.concat(chunks).toString(),
  };
}

describe('A2: over a real connection', () => {
  test('A2 TRACE is off, HEAD has no body, 405 carries Allow', async () => {
    const trace = await raw('TRACE', '/v1/session', { authorization: 'Bearer x' });
    expect([trace.status, trace.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect(trace.text).not.toContain('Bearer x');
    const head = await raw('HEAD', '/docs');
    expect([head.status, head.text]).toEqual([200, '']);
    expect((await raw('TRACE', '/v1/authenticate')).status).toBe(405);
  });

  test('A2 an upgrade that nobody takes is 426, by the book', async () => {
    const { status, headers } = await raw('GET', '/v1/socket');
    expect([status, headers.upgrade, headers.connection]).toEqual([426, 'websocket', 'Upgrade']);
  });

  test('A2 A7 a chunked body beyond 64 KiB is 413', async () => {
    const endless = async function* () {
      for (let at = 0; at < 100; at += 1) yield new Uint8Array(1024);
    };
    const answer = await fetch(`${origin}/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: ReadableStream.from(endless()),
      duplex: 'half',
    } as unknown as RequestInit);
    // The rest is not read, so the connection must not be used again.
    expect([answer.status, answer.headers.get('connection')]).toEqual([413, 'close']);
    await answer.text();
  });

  test('B2 the session remembers the address at the other end', async () => {
    const answer = await fetch(`${origin}/v1/sessions`, {
      headers: { authorization: `Bearer ${acme.pair.accessToken}` },
    });
    expect(answer.status).toBe(200);
  });

  test('B12 an event stream ends for its reader when the session is revoked', async () => {
    const pair = await http.engine.open('acme', acme.admin.uid);
    const stream = await fetch(`${origin}/v1/admin/events`, {
      headers: { authorization: `Bearer ${pair.accessToken}` },
    });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const reader = stream.body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toContain(': connected');
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
    await http.engine.open('acme', acme.admin.uid, 'never seen');
    // In good order, or broken off when something was still waiting to be read: nothing comes either way.
    const next = () => reader?.read().catch(() => undefined);
    let rest = '';
    for (let part = await next(); part?.done === false; part = await next()) {
      rest += new TextDecoder().decode(part.value);
    }
    expect(rest).not.toContain('session.created');
  });
});
