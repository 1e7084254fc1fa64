import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { byChance, everyNth, startProxy, type TcpProxy } from '../../tools/services/tcp-proxy.mjs';
import { frameEnd } from '../../tools/services/tcp-proxy-resp.mjs';

const cleanUp: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

/** A server of a few lines, closed after the test. */
async function serve(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

async function proxied(
  onConnection: (socket: Socket) => void,
  protocol: 'plain' | 'resp' | 'postgres' = 'plain',
): Promise<TcpProxy> {
  const port = await serve(onConnection);
  const proxy = await startProxy({ target: { host: '127.0.0.1', port }, protocol });
  cleanUp.push(() => proxy.stop());
  return proxy;
}

interface Client {
  socket: Socket;
  /** Everything that arrived. */
  text(): string;
  arrived(expected: string): Promise<void>;
  /** The error's code where there was one, '' when the connection was closed in order. */
  closed: Promise<string>;
}

async function dial(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  let code = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? 'error';
  });
  cleanUp.push(() => {
    socket.destroy();
  });
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve(code)));
  await once(socket, 'connect');
  return {
    ...{ socket, closed, text: () => text },
    arrived: (expected) => expect.poll(() => text, { timeout: 60_000 }).toBe(expected),
  };
}

const echo = (socket: Socket) => socket.pipe(socket);

test('passes both ways, and a close in order', async () => {
  const proxy = await proxied(echo);
  const client = await dial(proxy.port);

  client.socket.write('one');
  await client.arrived('one');
  client.socket.end();

  expect(await client.closed).toBe('');
  await expect.poll(() => proxy.connections()).toEqual([]);
});

test('a URL keeps everything but host and port', async () => {
  const proxy = await proxied(echo);

  expect(proxy.through('postgres://me:secret@db.example:5432/mine?ssl=off')).toBe(
    `postgres://me:secret@127.0.0.1:${proxy.port}/mine?ssl=off`,
  );
});

test('delay: nothing overtakes, whatever the jitter', async () => {
  const proxy = await proxied(echo);
  const client = await dial(proxy.port);
  proxy.setMode({ kind: 'delay', delayMs: 5, jitterMs: 20 });

  const words = Array.from({ length: 20 }, (_, index) => `${index};`);
  for (const word of words) client.socket.write(word);

  await client.arrived(words.join(''));
});

test('blackhole: nothing passes, not even a close; afterwards all of it does', async () => {
  const atServer: string[] = [];
  const proxy = await proxied((socket) => socket.on('data', (chunk) => atServer.push(`${chunk}`)));
  const client = await dial(proxy.port);
  client.socket.write('before');
  await expect.poll(() => atServer.join('')).toBe('before');

  proxy.setMode({ kind: 'blackhole' });
  client.socket.write(' during');
  const late = await dial(proxy.port);
  late.socket.write(' late');
  // A connection beside the hole shows that there was time for the bytes to arrive.
  proxy.setMode({ kind: 'blackhole', where: ({ id }) => id <= 2 });
  const beside = await dial(proxy.port);
  beside.socket.write(' beside');
  await expect.poll(() => atServer.join('')).toBe('before beside');

  proxy.setMode({ kind: 'pass' });
  await expect.poll(() => atServer.join('')).toHaveLength('before during late beside'.length);
});

test('lose: statements get through, answers are gone, and the connection ends with the mode', async () => {
  const atServer: string[] = [];
  const proxy = await proxied((socket) => {
    socket.on('data', (chunk) => {
      atServer.push(`${chunk}`);
      socket.write('done');
    });
  });
  const client = await dial(proxy.port);
  proxy.setMode({ kind: 'lose', direction: 'toClient' });

  client.socket.write('commit');
  await expect.poll(() => atServer).toEqual(['commit']);
  // The answer has to have reached the proxy before the mode changes: a second round shows that.
  client.socket.write('again');
  await expect.poll(() => atServer).toEqual(['commit', 'again']);
  await expect
    .poll(() => {
      proxy.setMode({ kind: 'pass' });
      const open = proxy.connections().length;
      if (open > 0) proxy.setMode({ kind: 'lose', direction: 'toClient' });
      return open;
    })
    .toBe(0);

  expect(await client.closed).toBe('ECONNRESET');
  expect(client.text()).toBe('');
});

test('cut: open connections are reset and new ones too, those beside it are not', async () => {
  const proxy = await proxied(echo);
  const [first, second] = [await dial(proxy.port), await dial(proxy.port)];
  await expect.poll(() => proxy.connections()).toHaveLength(2);

  proxy.setMode({ kind: 'cut', where: ({ id }) => id !== 2 });

  expect(await first.closed).toBe('ECONNRESET');
  second.socket.write('alive');
  await second.arrived('alive');
  const third = connect({ port: proxy.port, host: '127.0.0.1' });
  const [error] = await once(third, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
});

test('a switched target is where new connections go; old ones stay until they are cut', async () => {
  const proxy = await proxied((socket) => socket.write('old'));
  const newPort = await serve((socket) => socket.write('new'));
  const before = await dial(proxy.port);
  await before.arrived('old');

  proxy.setTarget({ host: '127.0.0.1', port: newPort });
  const after = await dial(proxy.port);

  await after.arrived('new');
  expect(before.socket.destroyed).toBe(false);
  proxy.cut(({ id }) => id === 1);
  expect(await before.closed).toBe('ECONNRESET');
});

test('a server that is not there is a reset', async () => {
  const port = await serve(() => {});
  await cleanUp.pop()?.();
  const proxy = await startProxy({ target: { host: '127.0.0.1', port } });
  cleanUp.push(() => proxy.stop());

  const client = connect({ port: proxy.port, host: '127.0.0.1' });

  const [error] = await once(client, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
});

const message = (text: string) =>
  `*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$${text.length}\r\n${text}\r\n`;

/** Subscribed from the start; sends in pieces of three bytes, so that no frame arrives whole. */
function publisher(texts: string[]) {
  return (socket: Socket) => {
    const all = `*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n${texts.map(message).join('')}+PONG\r\n`;
    socket.once('data', () => {
      for (let at = 0; at < all.length; at += 3) socket.write(all.slice(at, at + 3));
    });
  };
}

async function delivered(
  texts: string[],
  prepare: (proxy: TcpProxy) => void,
): Promise<{ texts: string[]; proxy: TcpProxy }> {
  const proxy = await proxied(publisher(texts), 'resp');
  prepare(proxy);
  const client = await dial(proxy.port);
  client.socket.write('*2\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n');
  await expect.poll(() => client.text().includes('+PONG')).toBe(true);
  const found = [...client.text().matchAll(/\$2\r\nch\r\n\$\d+\r\n(\w+)/g)];
  return { texts: found.map(([, text]) => text ?? ''), proxy };
}

test('messages of Redis are dropped, doubled, swapped and replaced whole; replies pass', async () => {
  const texts = ['a1', 'b2', 'c3', 'd4'];

  expect((await delivered(texts, () => {})).texts).toEqual(texts);
  const dropped = await delivered(texts, (proxy) => proxy.onDelivery(everyNth(2, 'drop')));
  expect(dropped.texts).toEqual(['a1', 'c3']);
  expect(dropped.proxy.deliveries()).toMatchObject({ passed: 2, dropped: 2 });
  const doubled = await delivered(texts, (proxy) => proxy.onDelivery(everyNth(3, 'double')));
  expect(doubled.texts).toEqual(['a1', 'b2', 'c3', 'c3', 'd4']);
  const swapped = await delivered(texts, (proxy) => proxy.onDelivery(everyNth(2, 'swap')));
  expect(swapped.texts.slice(0, 3)).toEqual(['a1', 'c3', 'b2']);
  const replaced = await delivered(texts, (proxy) =>
    proxy.onDelivery(({ payload }) =>
      payload.toString() === 'b2' ? { replace: Buffer.from('forged') } : 'pass',
    ),
  );
  expect(replaced.texts).toEqual(['a1', 'forged', 'c3', 'd4']);
});

test('a swapped message without a successor arrives all the same, and so does a late one', async () => {
  const proxy = await proxied(publisher(['last']), 'resp');
  proxy.onDelivery(() => 'swap');
  const client = await dial(proxy.port);
  client.socket.write('*1\r\n$4\r\nPING\r\n');
  await expect.poll(() => client.text(), { timeout: 60_000 }).toContain('last');
  expect(client.text().indexOf('PONG')).toBeLessThan(client.text().indexOf('last'));

  proxy.onDelivery(() => ({ delayMs: 20 }));
  const second = await dial(proxy.port);
  second.socket.write('*1\r\n$4\r\nPING\r\n');
  await expect.poll(() => second.text(), { timeout: 60_000 }).toContain('last');
});

test('shares of chance are those that were asked for', () => {
  const delivery = {
    channel: 'ch',
    payload: Buffer.from(''),
    connection: { id: 1, clientPort: 1, name: '' },
  };
  let draw = 0;
  const decide = byChance({ drop: 0.25, double: 0.25, swap: 0.25, delay: 0.25, delayMs: 8 }, () => {
    return draw;
  });

  const fates = [0, 0.24, 0.25, 0.5, 0.75].map((drawn) => {
    draw = drawn;
    return decide(delivery);
  });

  expect(fates).toEqual(['drop', 'drop', 'double', 'swap', { delayMs: 6 }]);
});

test('forged messages reach the subscribers of that channel alone, under a name of the client', async () => {
  const proxy = await proxied((socket) => {
    socket.on('data', (chunk) => {
      const subscribes = chunk.toString().includes('SUBSCRIBE');
      socket.write(subscribes ? '>3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n' : '+OK\r\n');
    });
  }, 'resp');
  const subscriber = await dial(proxy.port);
  const other = await dial(proxy.port);
  subscriber.socket.write('*2\r\n$9\r\nSUBSCRIBE\r\n$2\r\nch\r\n');
  other.socket.write('*3\r\n$6\r\nclient\r\n$7\r\nsetname\r\n$5\r\nnode2\r\n');
  await other.arrived('+OK\r\n');
  await expect.poll(() => subscriber.text()).toContain('subscribe');

  expect(proxy.forge({ channel: 'ch', payload: Buffer.from('evil') })).toBe(1);
  expect(proxy.forge({ channel: 'another', payload: Buffer.from('evil') })).toBe(0);

  await expect
    .poll(() => subscriber.text())
    .toContain('>3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$4\r\nevil');
  expect(
    proxy
      .connections()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['', 'node2']);
});

test('the answer to one command is lost whole, what was asked before it is answered', async () => {
  const commands: string[] = [];
  const proxy = await proxied((socket) => {
    socket.on('data', (chunk) => {
      for (const [, word] of chunk.toString().matchAll(/\$\d+\r\n(\w+)/g)) {
        commands.push(word ?? '');
        socket.write(`+${word}\r\n`);
      }
    });
  }, 'resp');
  const client = await dial(proxy.port);
  const lost = proxy.loseAnswerTo(/^INCR/);

  client.socket.write('*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nINCR\r\n');

  await lost;
  await client.closed;
  expect(commands).toEqual(['PING', 'INCR']);
  expect(client.text()).not.toContain('INCR');
});

test('frames of RESP3 end where they end, and are incomplete before', () => {
  for (const frame of [
    '+OK\r\n',
    '$-1\r\n',
    '$0\r\n\r\n',
    '*-1\r\n',
    '_\r\n',
    '#t\r\n',
    '%2\r\n+a\r\n:1\r\n$1\r\nb\r\n*2\r\n:1\r\n:2\r\n',
    '~1\r\n,1.5\r\n',
    '=7\r\ntxt:abc\r\n',
    '|1\r\n+ttl\r\n:9\r\n$2\r\nhi\r\n',
    '>2\r\n+pubsub\r\n!5\r\nERR a\r\n',
  ]) {
    const bytes = Buffer.from(`${frame}+next\r\n`);
    expect(frameEnd(bytes, 0), frame).toBe(frame.length);
    for (let length = 0; length < frame.length; length += 1) {
      expect(frameEnd(bytes.subarray(0, length), 0), frame).toBe(-1);
    }
  }
  expect(() => frameEnd(Buffer.from('GET / HTTP/1.1\r\n'), 0)).toThrow('no frame of RESP');
});

test('what is not the protocol that was named passes as it is', async () => {
  for (const protocol of ['resp', 'postgres'] as const) {
    const proxy = await proxied(echo, protocol);
    const client = await dial(proxy.port);
    client.socket.write('\0\0\0\0GET / HTTP/1.1\r\n\r\n');
    await client.arrived('\0\0\0\0GET / HTTP/1.1\r\n\r\n');
  }
});
