import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attachSocket, nodeHandler } from '../../src/adapter/node/index.ts';
import type { Sekisho } from '../../src/create/sekisho.ts';
import { createSekisho } from '../../src/create.ts';
import { type Listening, listening } from '../support/node-host.ts';
import { type Answer, call } from '../support/process.ts';
import { openSocket, type SocketClient } from '../support/socket-client.ts';

const PASSWORD = 'violet-anchor-lantern-93';
const ADMIN = 'mika@harbor.example';

let sekisho: Sekisho;
let running: Listening;
let admin: Device;
let people = 0;
/** Sessions whose socket the server has given up, now and when it last answered a request. */
const dead = new Set<string>();
let deadAtAnswer: ReadonlySet<string> = new Set();

beforeAll(async () => {
  sekisho = await createSekisho({ dataDir: ':memory:', logLevel: 'silent' });
  await sekisho.engine.operator.createTenant({
    slug: 'harbor',
    name: null,
    adminEmail: ADMIN,
    adminPassword: PASSWORD,
  });
  const server = createServer(
    nodeHandler({
      basePath: '',
      fetch: async (request, env) => {
        const answer = await sekisho.fetch(request, env);
        deadAtAnswer = new Set(dead);
        return answer;
      },
    }),
  );
  attachSocket(server, sekisho, {
    // Floods are part of these tests, however long a busy machine makes them: their limit is another test's.
    maxMessagesPerSecond: 1_000_000,
    onConnection: (socket, { sessionId }) => {
      socket.onClose(() => dead.add(sessionId));
      socket.onMessage((text) => socket.send(`echo ${String(text)}`));
      socket.send('open');
    },
  });
  running = await listening(server);
  admin = await login(ADMIN, 'PC');
});
afterAll(async () => {
  await running.close();
  await sekisho.close();
});

interface Device {
  readonly uid: string;
  readonly sid: string;
  readonly token: string;
  readonly refresh: string;
}

const at = (path: string, options?: Parameters<typeof call>[1]): Promise<Answer> =>
  call(running.origin + path, options);

async function login(email: string, device: string): Promise<Device> {
  const { status, body } = await at('/v1/login', {
    body: { tenant: 'harbor', email, password: PASSWORD, device },
  });
  expect(status).toBe(200);
  return {
    uid: body.user.id,
    sid: body.session.id,
    token: body.access_token,
    refresh: body.refresh_token,
  };
}

/** Somebody new, logged in on `count` devices. */
async function person(count: number): Promise<Device[]> {
  people += 1;
  const email = `person-${people}@harbor.example`;
  const { status } = await at('/v1/admin/users', {
    token: admin.token,
    body: { email, password: PASSWORD },
  });
  expect(status).toBe(201);
  const devices: Device[] = [];
  for (let at = 0; at < count; at += 1) devices.push(await login(email, `device ${at}`));
  return devices;
}

async function ticketOf({ token }: Device): Promise<string> {
  const { status, body } = await at('/v1/socket-ticket', { method: 'POST', token });
  expect({ status, expires: body.expires_in }).toEqual({ status: 200, expires: 30 });
  return body.ticket;
}

/** A socket of `device` that has been accepted. */
async function socketOf(device: Device): Promise<SocketClient> {
  const client = openSocket(running.origin, await ticketOf(device));
  expect(await client.next()).toBe('open');
  return client;
}

async function expectAlive(client: SocketClient): Promise<void> {
  client.ws.send('still there?');
  expect(await client.next()).toBe('echo still there?');
}

/** Sends frames without a pause, so that the cut falls between a question and its answer. */
function flood({ ws }: SocketClient): { stop(): void } {
  const timer = setInterval(() => {
    if (ws.readyState === ws.OPEN) ws.send('x');
  }, 2);
  return { stop: () => clearInterval(timer) };
}

describe('B12 ASVS 7.4.1 a socket is cut before the revoking call returns', () => {
  /** Ways to end the first of two devices of one person; `others`: whether the second is ended, too. */
  const ways: [string, boolean, (first: Device, second: Device) => Promise<Answer>][] = [
    [
      'an administrator revokes the user (ASVS 7.4.5)',
      true,
      ({ uid }) =>
        at(`/v1/admin/users/${uid}/revoke`, { token: admin.token, body: { reason: 'lost' } }),
    ],
    [
      'an administrator revokes one session',
      false,
      ({ sid }) => at(`/v1/admin/sessions/${sid}/revoke`, { method: 'POST', token: admin.token }),
    ],
    ['logout', false, ({ token }) => at('/v1/logout', { method: 'POST', token })],
    [
      'another device ends it',
      false,
      ({ sid }, { token }) => at(`/v1/sessions/${sid}`, { method: 'DELETE', token }),
    ],
    [
      'another device ends all others (ASVS 7.4.3)',
      false,
      (_first, { token }) => at('/v1/sessions/revoke-others', { method: 'POST', token }),
    ],
    [
      'the user is disabled (ASVS 7.4.2)',
      true,
      ({ uid }) =>
        at(`/v1/admin/users/${uid}`, {
          method: 'PATCH',
          token: admin.token,
          body: { status: 'disabled' },
        }),
    ],
    [
      'the user is deleted (ASVS 7.4.2)',
      true,
      ({ uid }) => at(`/v1/admin/users/${uid}`, { method: 'DELETE', token: admin.token }),
    ],
    [
      'everybody is logged out (ASVS 7.4.5)',
      true,
      () => at('/v1/admin/revoke-all', { method: 'POST', token: admin.token }),
    ],
  ];

  test.each(ways)('%s', async (_name, bothEnd, end) => {
    const [first, second] = (await person(2)) as [Device, Device];
    const [cut, other, foreign] = await Promise.all([
      socketOf(first),
      socketOf(second),
      socketOf(admin),
    ]);
    const unused = await ticketOf(first);
    const flooding = flood(cut);
    const { status } = await end(first, second);
    flooding.stop();
    expect([200, 204]).toContain(status);
    expect(deadAtAnswer.has(first.sid)).toBe(true);
    expect(deadAtAnswer.has(second.sid)).toBe(bothEnd);
    expect(await cut.closed).toBe(4401);
    const told = cut.messages.filter((text) => text.startsWith('{'));
    expect(told.map((text) => JSON.parse(text))).toEqual([
      { type: 'session.revoked', session_id: first.sid, reason: 'revoked' },
    ]);
    expect(cut.messages.at(-1)).toBe(told[0]);

    if (bothEnd) expect(await other.closed).toBe(4401);
    else await expectAlive(other);
    await expectAlive(foreign);
    // Reconnecting is refused, with a ticket from before and without one.
    expect(await openSocket(running.origin, unused).closed).toBe(4401);
    const again = await at('/v1/socket-ticket', { method: 'POST', token: first.token });
    expect(again.status).toBe(401);
    for (const { ws } of [other, foreign]) ws.close();
  });
});

describe('SOCKETS', () => {
  test('a changed role closes with 4409; a refresh and a new ticket bring it back', async () => {
    const [device] = (await person(1)) as [Device];
    const client = await socketOf(device);
    const { status } = await at(`/v1/admin/users/${device.uid}`, {
      method: 'PATCH',
      token: admin.token,
      body: { roles: ['member', 'auditor'] },
    });
    expect(status).toBe(200);
    expect(await client.closed).toBe(4409);
    const refreshed = await at('/v1/refresh', { body: { refresh_token: device.refresh } });
    expect(refreshed.status).toBe(200);
    const again = await socketOf({ ...device, token: refreshed.body.access_token });
    await expectAlive(again);
    again.ws.close();
  });

  test('a refresh closes no socket', async () => {
    const [device] = (await person(1)) as [Device];
    const client = await socketOf(device);
    const refreshed = await at('/v1/refresh', { body: { refresh_token: device.refresh } });
    expect(refreshed.status).toBe(200);
    await expectAlive(client);
    client.ws.close();
  });

  test('ASVS 4.4.3 a ticket is good once, and nothing but a ticket is one', async () => {
    const [device] = (await person(1)) as [Device];
    const ticket = await ticketOf(device);
    const both = [openSocket(running.origin, ticket), openSocket(running.origin, ticket)];
    const outcomes = await Promise.all(
      both.map((client) => Promise.race([client.closed, client.next()]).then((outcome) => outcome)),
    );
    expect(outcomes.filter((outcome) => outcome === 'open')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 4408)).toHaveLength(1);
    for (const text of [device.token, device.refresh.split('.').join(''), `${ticket}x`]) {
      expect(await openSocket(running.origin, text).closed).toBe(4408);
    }
    for (const { ws } of both) ws.close();
  });

  test('ASVS 4.4.2 origins are judged as elsewhere: the own one passes, a foreign one is 403', async () => {
    const own = openSocket(running.origin, await ticketOf(admin), { origin: running.origin });
    expect(await own.next()).toBe('open');
    own.ws.close();
    const foreign = openSocket(running.origin, await ticketOf(admin), {
      origin: 'https://evil.example',
    });
    expect(await foreign.closed).toBe(403);
  });

  test('a closed socket is forgotten', async () => {
    const client = await socketOf(admin);
    const before = sekisho.engine.status().connections;
    client.ws.close();
    await once(client.ws, 'close');
    await expect.poll(() => sekisho.engine.status().connections).toBe(before - 1);
  });
});
