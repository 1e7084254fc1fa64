import { afterEach, describe, expect, inject, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Acknowledgement, Hub } from '../../src/hub/contract.ts';
import { createHubCodec } from '../../src/hub/message.ts';
import { claimRedis } from '../../src/hub/redis/claim.ts';
import { awaitRedis, connectRedis } from '../../src/hub/redis/connect.ts';
import type { RedisLink } from '../../src/hub/redis/link.ts';
import { parseRedisUrl } from '../../src/hub/redis/url.ts';
import { newId } from '../../src/id.ts';
import type { Log } from '../../src/observe/log.ts';
import type { Entry } from '../../src/revocation/types.ts';
import { createKeyRing } from '../../src/token/secrets.ts';
import { type RedisServer, startRedis } from '../../tools/services/redis.mjs';
import { ENTRY } from '../conformance/hub.ts';
import {
  ownPrefix,
  type RedisHubs,
  redisHubs,
  untilSilent,
  untilWorking,
} from '../support/redis-hub.ts';

const { generation } = ENTRY;
/** For what has to be answered, on a machine with other things to do. */
const commandTimeoutMs = 20_000;
const WITHIN = { timeout: 60_000, interval: 20 };
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function ownServer(options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
  const server = await startRedis(options);
  closers.push(server.stop);
  return server;
}

function hubsOn(url: string, options: Parameters<typeof redisHubs>[1] = { generation }): RedisHubs {
  const hubs = redisHubs(url, options);
  closers.push(hubs.close);
  return hubs;
}

/** What a log was told, as `level message`. */
function listeningLog(): { log: Log; said: string[]; all: unknown[] } {
  const said: string[] = [];
  const all: unknown[] = [];
  const on = (level: string) => (fields: object, message: string) => {
    said.push(`${level} ${message}`);
    all.push(fields, message);
  };
  return {
    log: { error: on('error'), warn: on('warn'), info: on('info'), debug: on('debug') },
    said,
    all,
  };
}

function positions(hub: Hub): number[] {
  const heard: number[] = [];
  hub.onAnnouncement((entry) => heard.push(entry.position));
  return heard;
}

/** Announces numbered entries until one is heard: on a hub that works again, the next one is. */
async function untilHeard(from: Hub, to: Hub): Promise<void> {
  const heard = positions(to);
  let position = 1_000;
  await expect
    .poll(() => {
      position += 1;
      from.announce({ ...ENTRY, position });
      return heard.length;
    }, WITHIN)
    .toBeGreaterThan(0);
}

describe('B9 ANNOUNCE: a hub is no point of trust', () => {
  it('forged, altered, truncated and foreign messages are ignored; doubled ones come twice', async () => {
    const hubs = hubsOn(ownPrefix(inject('redisUrl')), { generation, commandTimeoutMs });
    const [{ hub, link }, other] = [await hubs.node(), await hubs.node()];
    const channel = `${link.prefix}log:${generation}`;
    const send = (text: string) => link.commands.publish(channel, text);
    const heard = positions(hub);
    const acknowledged: Acknowledgement[] = [];
    hub.onAcknowledgement((acknowledgement) => acknowledged.push(acknowledgement));
    const sealed = (entry: Entry, codec = hubs.codec) =>
      codec.seal('a-node', { kind: 'entry', entry }) ?? '';

    const text = sealed({ ...ENTRY, position: 1 });
    await send('');
    await send('not a message');
    await send(JSON.stringify({ kind: 'entry', entry: ENTRY }));
    await send(text.replace('[', ' ['));
    await send(text.slice(0, -1));
    await send(`${text} `);
    await send(text.replace('user', 'all'));
    await send('x'.repeat(100_000));
    const foreignRing = createKeyRing('the secret of somebody else altogether');
    await send(sealed(ENTRY, createHubCodec(foreignRing, hubs.deploymentId)));
    const ring = createKeyRing('a secret of the tests that is long enough');
    await send(sealed(ENTRY, createHubCodec(ring, 'another-deployment')));
    await send(sealed({ ...ENTRY, generation: 'another-generation' }));
    await send(hubs.codec.seal('a-node', { kind: 'nonce', nonce: newId() }) ?? '');
    // A right message by the wrong channel.
    await link.commands.publish(`${link.prefix}events`, text);
    await send(text);
    await send(text);
    other.hub.announce({ ...ENTRY, position: 2 });
    await expect.poll(() => heard.includes(2), WITHIN).toBe(true);
    expect(heard).toEqual([1, 1, 2]);
    expect(acknowledged).toEqual([]);
    await untilWorking(hub);
  });

  it('LINEAGE: what is of another generation than the entered one is not heard', async () => {
    const hubs = hubsOn(ownPrefix(inject('redisUrl')));
    const [{ hub: a }, { hub: b }] = [await hubs.node(), await hubs.node()];
    const heard: Entry[] = [];
    b.onAnnouncement((entry) => heard.push(entry));
    b.enter('the-next-generation');
    await untilWorking(b);
    a.announce(ENTRY);
    const next = { ...ENTRY, generation: 'the-next-generation' };
    a.announce(next);
    await expect.poll(() => heard.length, WITHIN).toBeGreaterThan(0);
    expect(heard).toEqual([next]);
    // The node that announced has not entered it, and hears nothing of it itself.
    const atA = positions(a);
    b.announce(next);
    b.announce(ENTRY);
    await expect.poll(() => atA.length, WITHIN).toBeGreaterThan(0);
    expect(atA).toEqual([ENTRY.position]);
  });

  it('a burst is acknowledged by the newest position, not by each', async () => {
    const hubs = hubsOn(ownPrefix(inject('redisUrl')));
    const [{ hub: a }, { hub: b }] = [await hubs.node(), await hubs.node()];
    const heard: number[] = [];
    b.onAcknowledgement(({ position }) => heard.push(position));
    for (let position = 1; position <= 1_000; position += 1) {
      a.acknowledge({ memberId: 'a-member', generation, position });
    }
    a.acknowledge({ memberId: 'a-member', generation, position: 999 });
    a.acknowledge({ memberId: 'another', generation, position: 5 });
    await expect.poll(() => heard.length, WITHIN).toBe(2);
    expect(heard).toEqual([1_000, 5]);
  });

  it('an entry that is too long to be sent is named', async () => {
    const hubs = hubsOn(ownPrefix(inject('redisUrl')));
    const [{ hub: a }, { hub: b }] = [await hubs.node(), await hubs.node()];
    const heads: unknown[] = [];
    b.onHead((head) => heads.push(head));
    a.announce({ ...ENTRY, operationId: 'x'.repeat(8_000) });
    await expect.poll(() => heads, WITHIN).toEqual([{ generation, position: ENTRY.position }]);
  });
});

describe('B9 Redis that is away', () => {
  it('a node starts without it, and takes it up when it comes', async () => {
    const server = await ownServer();
    await server.halt();
    const { log, said } = listeningLog();
    const hubs = hubsOn(server.url, { generation, log });
    const [{ hub: a, link }, { hub: b }] = [hubs.connect(), hubs.connect()];
    expect(await awaitRedis(link, 300)).toBe(false);
    expect(await claimRedis(link, hubs.deploymentId)).toBe('unanswered');
    const own: string[] = [];
    a.onEvent((event) => own.push(event.id));
    a.announce(ENTRY);
    a.acknowledge({ memberId: 'm', generation, position: 1 });
    a.publish({
      ...{ id: 'e', tid: 't', type: 'user.created', at: '2026-01-02T03:04:05Z' },
      ...{ subject: {}, detail: {} },
    });
    await expect(link.commands.get('key')).rejects.toThrow();
    expect([a.working(), a.acknowledging(), link.connected()]).toEqual([false, false, false]);
    // What a node does itself, its own listeners hear all the same.
    expect(own).toEqual(['e']);
    await server.resume();
    await untilWorking(a, b);
    await untilHeard(a, b);
    expect(said.filter((line) => line === 'warn Redis cannot be reached')).toHaveLength(2);
    await expect
      .poll(() => said.filter((line) => line === 'info Redis can be reached again').length)
      .toBe(2);
  });

  it('killed: silent at once; started again, empty: subscribed anew, and claimed', async () => {
    const server = await ownServer();
    const hubs = hubsOn(server.url);
    const [{ hub: a, link }, { hub: b }] = [await hubs.node(), await hubs.node()];
    const lost = new Promise((resolve) => link.subscriber().once('close', resolve));
    await server.halt('SIGKILL');
    await lost;
    expect(a.working()).toBe(false);
    await untilSilent(a, b);
    await server.resume();
    await untilWorking(a, b);
    await untilHeard(a, b);
    await untilHeard(b, a);
    expect(await server.run('get', link.deploymentKey)).toBe(hubs.deploymentId);
  });

  it('stopped: its connections stay, nothing comes back, the hub says so; it goes on when Redis does', async () => {
    const server = await ownServer();
    const hubs = hubsOn(server.url);
    const [{ hub: a, link }, { hub: b }] = [await hubs.node(), await hubs.node()];
    server.pause();
    // Commands have a deadline, and no verb waits.
    await expect(link.commands.get('key')).rejects.toThrow();
    a.announce(ENTRY);
    await untilSilent(a, b);
    // Longer than a connection is held on which nothing comes: new ones are refused by nobody and answered by nobody.
    await expect.poll(() => link.connected(), WITHIN).toBe(false);
    expect([a.working(), b.working()]).toEqual([false, false]);
    server.continue();
    await untilWorking(a, b);
    await untilHeard(a, b);
  });

  it('flushed: messages go on, and the next connection claims it again', async () => {
    const server = await ownServer();
    const hubs = hubsOn(server.url);
    const [{ hub: a, link }, { hub: b }] = [await hubs.node(), await hubs.node()];
    await server.run('flushall');
    await untilHeard(a, b);
    await server.run('client', 'kill', 'type', 'normal');
    await expect.poll(() => server.run('get', link.deploymentKey), WITHIN).toBe(hubs.deploymentId);
  });

  it('a connection is lost while an answer is awaited: rejected, nothing is sent again', async () => {
    const server = await ownServer();
    const link = connectRedis({
      address: parseRedisUrl(server.url),
      deploymentId: 'd',
      commandTimeoutMs,
    });
    closers.push(link.close);
    await awaitRedis(link, 20_000);
    server.pause();
    const unanswered = expect(link.commands.incr('counter')).rejects.toThrow();
    await server.halt('SIGKILL');
    await unanswered;
    await server.resume();
    expect(await awaitRedis(link, 20_000)).toBe(true);
    expect(await link.commands.get('counter')).toBeNull();
  });
});

describe('awaitRedis', () => {
  it('waits on where a connection was made, and commands cannot be sent yet', async () => {
    const address = parseRedisUrl(ownPrefix(inject('redisUrl')));
    const link = connectRedis({ address, deploymentId: 'd', commandTimeoutMs });
    closers.push(link.close);
    // As in a Cluster of which one node has been connected, and others have not.
    let told = 0;
    const partly: RedisLink = { ...link, connected: () => told > 1 && link.connected() };
    partly.onConnected(() => {
      told += 1;
      if (told === 1) setTimeout(() => link.commands.disconnect(true), 10);
    });
    expect(await awaitRedis(partly, 20_000)).toBe(true);
    expect(told).toBe(2);
    expect(await link.commands.get('nothing')).toBeNull();
  });
});

describe('one Redis, one deployment', () => {
  it('claimRedis refuses the Redis of another deployment, and says what to do', async () => {
    const address = parseRedisUrl(ownPrefix(inject('redisUrl')));
    const [first, second] = ['first', 'second'].map((deploymentId) => {
      const link = connectRedis({ address, deploymentId, commandTimeoutMs });
      closers.push(link.close);
      return link;
    });
    if (first === undefined || second === undefined) throw new Error('two links');
    expect(await awaitRedis(first, 20_000)).toBe(true);
    expect(await awaitRedis(second, 20_000)).toBe(true);
    await expect.poll(() => claimRedis(first, 'first'), WITHIN).toBe('ours');
    await expect.poll(() => claimRedis(first, 'first'), WITHIN).toBe('ours');
    await expect(claimRedis(second, 'second')).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringMatching(
        /another deployment.*own, another database number.*prefix=.*delete/,
      ),
    });
  });

  it('a node that is told so only later stays without it, and says it once', async () => {
    const url = ownPrefix(inject('redisUrl'));
    const ours = hubsOn(url);
    await ours.node();
    const { log, said } = listeningLog();
    const theirs = hubsOn(url, { generation, log });
    const { hub, link } = theirs.connect();
    await expect.poll(() => said.length, WITHIN).toBeGreaterThan(0);
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise<void>((resolve) => systemClock.after(700, resolve));
      expect(hub.working()).toBe(false);
    }
    expect(said.filter((line) => line.startsWith('error'))).toHaveLength(1);
    expect(said[0]).toContain(link.deploymentKey);
  });

  it('a Redis that takes no writes says whose it is all the same', async () => {
    const server = await ownServer({
      settings: { maxmemory: '1', 'maxmemory-policy': 'noeviction' },
    });
    const link = connectRedis({
      address: parseRedisUrl(server.url),
      deploymentId: 'd',
      commandTimeoutMs,
    });
    closers.push(link.close);
    await awaitRedis(link, 20_000);
    await expect(link.commands.set('key', 'value')).rejects.toThrow('OOM');
    await expect.poll(() => claimRedis(link, 'd'), WITHIN).toBe('ours');
  });
});

describe('a password', () => {
  it('that is wrong is reported, and never shown', async () => {
    const server = await ownServer({ password: true });
    const { log, said, all } = listeningLog();
    const url = server.url.replace(/:\w+@/, ':a-wrong-password@');
    const link = connectRedis({ address: parseRedisUrl(url), deploymentId: 'd', log });
    closers.push(link.close);
    await expect.poll(() => said.length, WITHIN).toBeGreaterThan(0);
    expect(JSON.stringify(all)).toContain('WRONGPASS');
    expect(JSON.stringify(all)).not.toContain('a-wrong-password');
    expect(link.connected()).toBe(false);
  });

  it('a certificate of an authority that is not trusted is refused', async () => {
    const server = await ownServer({ tls: true });
    const { log, said, all } = listeningLog();
    const url = server.url.replace(/\?ca=.*/, '');
    const link = connectRedis({ address: parseRedisUrl(url), deploymentId: 'd', log });
    closers.push(link.close);
    await expect.poll(() => said.length, WITHIN).toBeGreaterThan(0);
    expect(JSON.stringify(all)).toMatch(/certificate/);
    expect(link.connected()).toBe(false);
  });
});
