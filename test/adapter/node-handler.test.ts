import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import express from 'express';
import { afterEach, expect, test } from 'vitest';
import { attachSocket, nodeHandler } from '../../src/adapter/node/index.ts';
import { hostOf, type Listening, listen, listening } from '../support/node-host.ts';

let running: Listening | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const echo = hostOf(async (request) =>
  Response.json({
    method: request.method,
    path: new URL(request.url).pathname,
    body: await request.text(),
  }),
);

test('A2 bare http: all routes of Sekisho, with their bodies', async () => {
  running = await listen(nodeHandler(echo));
  const answer = await fetch(`${running.origin}/v1/login`, { method: 'POST', body: '{"a":1}' });
  expect(await answer.json()).toEqual({ method: 'POST', path: '/v1/login', body: '{"a":1}' });
});

test.each([
  ['a JSON parser', 'application/json', '{"tenant":"main","list":[1,2]}'],
  ['a form parser', 'application/x-www-form-urlencoded', 'token=abc&scope=a&scope=b'],
  ['a text parser', 'text/plain', 'plain words'],
  ['a parser of bytes', 'application/octet-stream', 'bytes'],
])('A2 Express: %s that ran before has not used the body up', async (_parser, type, body) => {
  const app = express();
  app.use(express.json(), express.urlencoded(), express.text(), express.raw());
  app.use(nodeHandler(echo));
  running = await listen(app);
  const answer = await fetch(`${running.origin}/v1/echo`, {
    method: 'POST',
    body,
    headers: { 'content-type': type },
  });
  expect(await answer.json()).toMatchObject({ body });
});

test('A2 Express: other paths are passed on, and a mount path is no part of the route', async () => {
  const app = express();
  app.use(
    '/auth',
    nodeHandler(hostOf(async (request) => new Response(new URL(request.url).pathname), '/auth')),
  );
  app.use((_req, res) => void res.send('the application'));
  running = await listen(app);
  const text = async (path: string) => (await fetch(running?.origin + path)).text();
  expect(await text('/auth/v1/session?x=1')).toBe('/auth/v1/session');
  expect(await text('/auth/openapi.json')).toBe('/auth/openapi.json');
  expect(await text('/auth/orders')).toBe('the application');
  expect(await text('/v1/session')).toBe('the application');
  expect(await text('/orders/v1/')).toBe('the application');
});

test('A2 a request target that is no URL is 400 with a problem document', async () => {
  running = await listen(nodeHandler(echo));
  const [status, body] = await raw(
    running,
    'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
  );
  expect(status).toBe(400);
  expect(body).toContain('"code":"invalid_request"');
});

test('A7 a stream ends when its client goes away', async () => {
  let cancelled: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => {
    cancelled = resolve;
  });
  const endless = hostOf(() => {
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode(': hello\n\n')),
      cancel: () => cancelled?.(),
    });
    return new Response(stream, { headers: { 'content-type': 'text/event-stream' } });
  });
  running = await listen(nodeHandler(endless));
  const leaving = new AbortController();
  const answer = await fetch(`${running.origin}/v1/admin/events`, { signal: leaving.signal });
  const reader = answer.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe(': hello\n\n');
  leaving.abort();
  await ended;
});

test.each([
  ['h2c, as some clients offer at first contact', 'h2c'],
  ['a WebSocket on another path', 'websocket'],
])('A2 an upgrade that is not for the socket is ignored: %s', async (_name, protocol) => {
  const server = createServer(nodeHandler(echo));
  attachSocket(server, {
    basePath: '',
    allowsOrigin: () => true,
    sockets: {
      redeemTicket: () => Promise.reject(new Error('not asked for')),
      connect: () => {
        throw new Error('not asked for');
      },
    },
  });
  running = await listening(server);
  const head = [
    'POST /v1/login HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade, HTTP2-Settings',
    `Upgrade: ${protocol}`,
    'HTTP2-Settings: AAMAAABkAAQAAP__',
    'Content-Length: 7',
  ];
  const [status, body] = await raw(running, `${head.join('\r\n')}\r\n\r\n{"a":`, '1}');
  expect(status).toBe(200);
  expect(JSON.parse(body)).toEqual({ method: 'POST', path: '/v1/login', body: '{"a":1}' });
});

/** Writes to a connection of its own and resolves with status and body of the answer. */
async function raw({ origin }: Listening, ...writes: string[]): Promise<[number, string]> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += String(chunk);
  });
  for (const write of writes) {
    socket.write(write);
    // Parts arrive one by one, as they do from far away.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await closed;
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return [Number(head.split(' ')[1]), body];
}
