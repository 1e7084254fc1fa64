import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { everyNth, startProxy, type TcpProxy } from '../../tools/services/tcp-proxy.mjs';

let proxy: TcpProxy;
const clients: Redis[] = [];

beforeEach(async () => {
  const { hostname, port } = new URL(inject('redisUrl'));
  proxy = await startProxy({ target: { host: hostname, port: Number(port) }, protocol: 'resp' });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.disconnect();
  await proxy.stop();
});

async function dial(url: string, connectionName = ''): Promise<Redis> {
  const client = new Redis(url, { lazyConnect: true, connectionName, retryStrategy: () => null });
  client.on('error', () => {});
  clients.push(client);
  await client.connect();
  return client;
}

/** A subscriber behind the proxy, and what it heard. */
async function subscribe(channel: string, sharded: boolean) {
  const subscriber = await dial(proxy.through(inject('redisUrl')), 'node1');
  const heard: string[] = [];
  subscriber.on(sharded ? 'smessage' : 'message', (_channel: string, text: string) => {
    heard.push(text);
  });
  if (sharded) await subscriber.ssubscribe(channel);
  else await subscriber.subscribe(channel);
  return heard;
}

test.each([{ sharded: false }, { sharded: true }])(
  'published messages are dropped, doubled, swapped and forged whole (sharded: $sharded)',
  async ({ sharded }) => {
    const channel = randomUUID();
    const heard = await subscribe(channel, sharded);
    const direct = await dial(inject('redisUrl'));
    const publish = (text: string) =>
      sharded ? direct.spublish(channel, text) : direct.publish(channel, text);
    expect(proxy.connections().map(({ name }) => name)).toEqual(['node1']);

    proxy.onDelivery(everyNth(2, 'drop'));
    for (const text of ['a', 'b', 'c']) await publish(text);
    await expect.poll(() => heard).toEqual(['a', 'c']);
    proxy.onDelivery(everyNth(1, 'double'));
    await publish('d');
    await expect.poll(() => heard).toEqual(['a', 'c', 'd', 'd']);
    proxy.onDelivery(({ payload }) => (payload.toString() === 'e' ? 'swap' : 'pass'));
    for (const text of ['e', 'f']) await publish(text);
    await expect.poll(() => heard.slice(4).sort()).toEqual(['e', 'f']);

    expect(proxy.forge({ channel, payload: Buffer.from('evil') })).toBe(1);
    await expect.poll(() => heard.at(-1)).toBe('evil');
  },
);

test('the answer to a command is lost after the command was carried out', async () => {
  const key = randomUUID();
  const through = await dial(proxy.through(inject('redisUrl')));
  const lost = proxy.loseAnswerTo(/^incr/i);

  await expect(through.incr(key)).rejects.toThrow();

  await lost;
  expect(await (await dial(inject('redisUrl'))).get(key)).toBe('1');
});
