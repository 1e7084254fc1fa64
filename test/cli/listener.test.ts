import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type Listener, listen } from '../../src/cli/server/listener.ts';

/** Longer than any test: what waits for it would fail the test. */
const NEVER_MS = 3_600_000;
let listener: Listener | undefined;
afterEach(() => listener?.server.closeAllConnections());

/** A connection that is kept, and what has come on it. */
async function keptConnection(): Promise<{ socket: Socket; came: () => string }> {
  listener = await listen((_req, res) => res.end('served'), '127.0.0.1', 0, 'PORT');
  const socket = connect(Number(new URL(listener.origin).port), '127.0.0.1');
  let came = '';
  socket.on('data', (chunk) => {
    came += String(chunk);
  });
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await expect.poll(() => came).toContain('served');
  expect(came).toContain('Connection: keep-alive');
  return { socket, came: () => came.slice(came.indexOf('served') + 6) };
}

test('RFC 9112 a request on a kept connection is served after the port was closed, and is its last', async () => {
  const { socket, came } = await keptConnection();
  const closed = listener?.close(NEVER_MS, NEVER_MS);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'close');
  expect(came()).toContain('served');
  expect(came()).toContain('Connection: close');
  await closed;
});

test('a connection that stays idle is closed after a while', async () => {
  const { socket, came } = await keptConnection();
  await Promise.all([listener?.close(NEVER_MS, 1), once(socket, 'close')]);
  expect(came()).toBe('');
});

test('what is still open at the end of the time is cut', async () => {
  listener = await listen(() => {}, '127.0.0.1', 0, 'PORT');
  const socket = connect(Number(new URL(listener.origin).port), '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  const asked = once(listener.server, 'request');
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await asked;
  await Promise.all([listener.close(1), closed]);
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['localhost', 'localhost'],
  ['0.0.0.0', '127.0.0.1'],
])('what is bound to %s is found at %s', async (host, at) => {
  listener = await listen((_req, res) => res.end('served'), host, 0, 'PORT');
  expect(new URL(listener.origin).hostname).toBe(at);
  expect(await (await fetch(listener.origin)).text()).toBe('served');
  await listener.close(0);
});
