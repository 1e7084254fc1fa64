import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type AttachedSockets,
  attachSocket,
  type LiveSocket,
  type SocketOptions,
} from '../../src/adapter/node/index.ts';
import { FakeSockets } from '../support/fake-sockets.ts';
import { type Listening, listening } from '../support/node-host.ts';
import { openSocket } from '../support/socket-client.ts';

const PATIENT = { timeout: 60_000 };
let fake: FakeSockets;
let running: Listening;
let attached: AttachedSockets;

async function serve(options: SocketOptions = {}): Promise<string> {
  const server = createServer((_req, res) => res.writeHead(426).end());
  attached = attachSocket(server, fake, options);
  running = await listening(server);
  return running.origin;
}

beforeEach(() => {
  fake = new FakeSockets();
});
afterEach(async () => {
  vi.useRealTimers();
  attached.close();
  await running.close();
});

/** Options with which `socket` of the returned promise is the first one that was accepted. */
function accepting(): { options: SocketOptions; accepted: Promise<LiveSocket> } {
  let accept: ((socket: LiveSocket) => void) | undefined;
  const accepted = new Promise<LiveSocket>((resolve) => {
    accept = resolve;
  });
  return { options: { onConnection: (socket) => accept?.(socket) }, accepted };
}

describe('opening', () => {
  test('ASVS 4.4.3, 4.4.4 by a ticket among the subprotocols, of which sekisho.v1 is selected', async () => {
    const { options, accepted } = accepting();
    const origin = await serve(options);
    const client = openSocket(origin, fake.ticket('t1'));
    const [socket] = await Promise.all([accepted, once(client.ws, 'open')]);
    expect(client.ws.protocol).toBe('sekisho.v1');
    expect(socket.send('hello')).toBe(true);
    expect(await client.next()).toBe('hello');
    expect(client.messages).toEqual(['hello']);
  });

  test('ASVS 4.4.3 by a ticket in the first message; what is sent with it is not lost', async () => {
    const origin = await serve({
      onConnection: (socket) => socket.onMessage((text) => socket.send(`echo ${String(text)}`)),
    });
    const client = openSocket(origin, null);
    await once(client.ws, 'open');
    client.ws.send(JSON.stringify({ ticket: fake.ticket('t1') }));
    for (const text of ['one', 'two', 'three']) client.ws.send(text);
    const echoes = [await client.next(), await client.next(), await client.next()];
    expect(echoes).toEqual(['echo one', 'echo two', 'echo three']);
  });

  test.each([
    ['an unknown ticket', 'nobody knows it', 4408],
    ['a ticket of a revoked session', 'revoked', 4401],
    ['any ticket while the store is down', 'store is down', 1013],
  ])('ASVS 4.4.3 not with %s', async (_name, ticket, code) => {
    const origin = await serve();
    const client = openSocket(origin, null);
    await once(client.ws, 'open');
    client.ws.send(JSON.stringify({ ticket }));
    expect(await client.closed).toBe(code);
  });

  test.each([
    ['no JSON', 'hello'],
    ['no ticket', '{}'],
    ['a ticket that is no string', '{"ticket":1}'],
    ['bytes', Buffer.from('{"ticket":"t1"}')],
  ])('ASVS 4.4.3 not with a first message of %s', async (_name, message) => {
    fake.ticket('t1');
    const origin = await serve();
    const client = openSocket(origin, null);
    await once(client.ws, 'open');
    client.ws.send(message);
    expect(await client.closed).toBe(4408);
  });

  test('ASVS 4.4.3 not without a ticket in time', async () => {
    const origin = await serve({ ticketSeconds: 0.1 });
    expect(await openSocket(origin, null).closed).toBe(4408);
  });

  test('ASVS 4.4.2 from a foreign origin it is 403, before any upgrade', async () => {
    const origin = await serve();
    const foreign = openSocket(origin, fake.ticket('t1'), { origin: 'https://evil.example' });
    expect(await foreign.closed).toBe(403);
    const own = openSocket(origin, fake.ticket('t2'), { origin: 'https://app.example' });
    await once(own.ws, 'open');
    own.ws.close();
    expect(await own.closed).toBe(1005);
  });

  test.each([
    ['revoked', 4401],
    ['superseded', 4409],
    ['unknown_generation', 4409],
    ['unavailable', 1013],
  ] as const)('SOCKETS it is judged when it registers: %s', async (kind, code) => {
    const onConnection = vi.fn();
    const origin = await serve({ onConnection });
    fake.judgement = { kind };
    expect(await openSocket(origin, fake.ticket('t1')).closed).toBe(code);
    expect(onConnection).not.toHaveBeenCalled();
    expect(fake.kills.size).toBe(0);
  });
});

describe('cutting', () => {
  test.each([
    ['revoked', 4401, 'session.revoked'],
    ['ended', 4403, 'session.expired'],
    ['superseded', 4409, 'session.superseded'],
    ['unavailable', 1013, 'session.unavailable'],
  ] as const)('B12 SOCKETS %s: told, closed, dead before it returns', async (why, code, type) => {
    const { options, accepted } = accepting();
    const origin = await serve(options);
    const client = openSocket(origin, fake.ticket('t1'));
    const [socket] = await Promise.all([accepted, once(client.ws, 'open')]);
    const heard: unknown[] = [];
    socket.onMessage((message) => heard.push(message));
    const onClose = vi.fn();
    socket.onClose(onClose);
    client.ws.send('already on its way');
    for (const kill of [...fake.kills]) kill(why);
    expect(onClose).toHaveBeenCalledOnce();
    expect(socket.send('too late')).toBe(false);
    expect(fake.kills.size).toBe(0);
    expect(await client.closed).toBe(code);
    expect(client.messages.map((text) => JSON.parse(text))).toEqual([
      { type, session_id: 'session', reason: why },
    ]);
    expect(heard).toEqual([]);
  });

  test('SOCKETS each frame is judged, in and out; only those of the person are activity', async () => {
    const { options, accepted } = accepting();
    const origin = await serve(options);
    const client = openSocket(origin, fake.ticket('t1'));
    const [socket] = await Promise.all([accepted, once(client.ws, 'open')]);
    const heard: unknown[] = [];
    socket.onMessage((message) => {
      heard.push(message);
      socket.send('answer');
    });
    client.ws.send('question');
    expect(await client.next()).toBe('answer');
    expect(fake.checks).toEqual({ active: 1, passive: 1 });
    fake.judgement = { kind: 'revoked' };
    client.ws.send('one more');
    expect(await client.closed).toBe(4401);
    expect(heard).toEqual(['question']);
  });

  test('SOCKETS a frame out that does not pass is not sent, and cuts', async () => {
    const { options, accepted } = accepting();
    const origin = await serve(options);
    const client = openSocket(origin, fake.ticket('t1'));
    const [socket] = await Promise.all([accepted, once(client.ws, 'open')]);
    fake.judgement = { kind: 'ended' };
    expect(socket.send('secret')).toBe(false);
    expect(await client.closed).toBe(4403);
    expect(client.messages.join()).not.toContain('secret');
  });
});

describe('A7 limits', () => {
  test('a message over 64 KiB closes with 1009, one of 64 KiB passes', async () => {
    const origin = await serve({
      onConnection: (socket) => socket.onMessage((text) => socket.send(`${text.length}`)),
    });
    const client = openSocket(origin, fake.ticket('t1'));
    await once(client.ws, 'open');
    client.ws.send('x'.repeat(65_536));
    expect(await client.next()).toBe('65536');
    client.ws.send('x'.repeat(65_537));
    expect(await client.closed).toBe(1009);
  });

  test('sockets of one session, and room again after one has gone', async () => {
    const origin = await serve({ maxPerSession: 1, onConnection: (socket) => socket.send('open') });
    const first = openSocket(origin, fake.ticket('t1'));
    expect(await first.next()).toBe('open');
    expect(await openSocket(origin, fake.ticket('t2')).closed).toBe(1008);
    first.ws.close();
    await first.closed;
    const third = openSocket(origin, fake.ticket('t3'));
    expect(await third.next()).toBe('open');
  });

  test('sockets that show no ticket: one more is 503, whoever is in stays', async () => {
    const origin = await serve({
      maxUnauthenticated: 2,
      onConnection: (socket) => socket.send('open'),
    });
    const known = openSocket(origin, fake.ticket('t1'));
    expect(await known.next()).toBe('open');
    const waiting = [openSocket(origin, null), openSocket(origin, null)];
    await Promise.all(waiting.map(({ ws }) => once(ws, 'open')));
    expect(await openSocket(origin, fake.ticket('t2')).closed).toBe(503);
    waiting[0]?.ws.close();
    await waiting[0]?.closed;
    const next = openSocket(origin, fake.ticket('t3'));
    expect(await next.next()).toBe('open');
    expect(known.ws.readyState).toBe(known.ws.OPEN);
  });

  test('messages a second', async () => {
    const heard: unknown[] = [];
    const origin = await serve({
      maxMessagesPerSecond: 5,
      onConnection: (socket) => socket.onMessage((text) => heard.push(text)),
    });
    const client = openSocket(origin, fake.ticket('t1'));
    await once(client.ws, 'open');
    for (let sent = 0; sent < 100; sent += 1) client.ws.send('flood');
    expect(await client.closed).toBe(1008);
    expect(heard.length).toBeLessThanOrEqual(10);
  });

  test('a peer that shows no life between two pings is cut off', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const origin = await serve();
    const silent = openSocket(origin, fake.ticket('t1'), { autoPong: false });
    await once(silent.ws, 'open');
    const lively = openSocket(origin, fake.ticket('t2'));
    await once(lively.ws, 'open');
    await vi.waitFor(() => expect(attached.size).toBe(2), PATIENT);
    for (let round = 0; round < 2; round += 1) {
      const pinged = once(lively.ws, 'ping');
      vi.advanceTimersByTime(30_000);
      await pinged;
      // Whatever answers this one has read the answer to that of the server.
      lively.ws.ping();
      await once(lively.ws, 'pong');
    }
    expect(await silent.closed).toBe(1006);
    expect(lively.ws.readyState).toBe(lively.ws.OPEN);
    await vi.waitFor(() => expect(attached.size).toBe(1), PATIENT);
  });

  test('times that no timer can hold are not no time at all', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    const { options, accepted } = accepting();
    const endless = Number.POSITIVE_INFINITY;
    const origin = await serve({ ...options, pingSeconds: endless, ticketSeconds: endless });
    const client = openSocket(origin, null);
    await once(client.ws, 'open');
    vi.advanceTimersByTime(3_600_000);
    client.ws.send(JSON.stringify({ ticket: fake.ticket('t1') }));
    expect((await accepted).session).toBeDefined();
  });

  test('a peer that does not read is cut off before it fills the memory', async () => {
    const { options, accepted } = accepting();
    const origin = await serve(options);
    const client = openSocket(origin, fake.ticket('t1'));
    const [socket] = await Promise.all([accepted, once(client.ws, 'open')]);
    client.ws.pause();
    let sent = 0;
    while (sent < 1000 && socket.send('x'.repeat(60_000))) sent += 1;
    expect(sent).toBeLessThan(1000);
    await vi.waitFor(() => expect(attached.size).toBe(0), PATIENT);
    client.ws.terminate();
  });
});

test('an application that fails closes its socket with 1011', async () => {
  const seen = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const origin = await serve({
    onConnection: () => {
      throw new Error('a defect');
    },
  });
  expect(await openSocket(origin, fake.ticket('t1')).closed).toBe(1011);
  expect(seen).toHaveBeenCalledOnce();
});

test('closing says that the server goes away', async () => {
  const origin = await serve();
  const client = openSocket(origin, fake.ticket('t1'));
  await once(client.ws, 'open');
  attached.close();
  expect(await client.closed).toBe(1001);
});
