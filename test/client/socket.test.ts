import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket as NodeWebSocket } from 'ws';
import {
  type Client,
  type ClientSocket,
  createClient,
  type SocketConstructor,
  type SocketLike,
} from '../../src/client/index.ts';
import { type Deployment, EMAIL, PASSWORD, startDeployment, TENANT } from './deployment.ts';

const PATIENT = { timeout: 60_000 };
const WebSocket = NodeWebSocket as unknown as SocketConstructor;
let at: Deployment;
const closers: (() => void)[] = [];

beforeAll(async () => {
  at = await startDeployment();
});
afterAll(() => at?.close());
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function loggedIn(Constructor: SocketConstructor = WebSocket): Promise<Client> {
  const client = createClient({ baseUrl: at.origin, WebSocket: Constructor });
  closers.push(() => client.close());
  await client.login({ tenant: TENANT, email: EMAIL, password: PASSWORD });
  at.seen.length = 0;
  return client;
}

interface Watched {
  readonly socket: ClientSocket;
  readonly messages: string[];
  readonly ends: string[];
  readonly opened: () => number;
}

function watch(client: Client, url?: string): Watched {
  const [messages, ends]: [string[], string[]] = [[], []];
  let opened = 0;
  const socket = client.socket({
    ...(url === undefined ? {} : { url }),
    onOpen: () => {
      opened += 1;
    },
    onMessage: (text) => void messages.push(text),
    onEnd: (code) => void ends.push(code),
  });
  closers.push(() => socket.close());
  return { socket, messages, ends, opened: () => opened };
}

/** Sends until it is answered: whatever was said while it was away is lost. */
async function echoes({ socket, messages }: Watched, text: string): Promise<void> {
  await vi.waitFor(() => {
    if (!messages.includes(`echo ${text}`)) socket.send(text);
    expect(messages).toContain(`echo ${text}`);
  }, PATIENT);
}

const tickets = () => at.seen.filter((one) => one === 'POST /v1/socket-ticket').length;

describe('a socket of a session', () => {
  test('B12 carries messages, and ends with its session', async () => {
    const client = await loggedIn();
    const events: unknown[] = [];
    client.subscribe((event) => void events.push(event));
    const watched = watch(client);
    expect(watched.socket.send('too early')).toBe(false);
    await echoes(watched, 'hello');
    expect(watched.socket.open).toBe(true);
    await at.admin.revoke();
    await vi.waitFor(() => expect(watched.ends).toEqual(['session_revoked']), PATIENT);
    expect(watched.messages.some((text) => text.includes('session_id'))).toBe(true);
    expect(watched.socket.open).toBe(false);
    // The client knows without having asked.
    await vi.waitFor(
      () => expect(events).toEqual([{ type: 'logout', here: true, code: 'session_revoked' }]),
      PATIENT,
    );
    expect(tickets()).toBe(1);
  });

  test('comes back with a new ticket when its token was superseded', async () => {
    const client = await loggedIn();
    const watched = watch(client);
    await echoes(watched, 'one');
    await at.admin.setRoles(['clerk', 'member']);
    await vi.waitFor(() => expect(watched.opened()).toBe(2), PATIENT);
    await echoes(watched, 'two');
    expect(watched.ends).toEqual([]);
    expect(tickets()).toBeGreaterThanOrEqual(2);
    await at.admin.setRoles(['member']);
  });

  test('ends when the client logs out, or closes it', async () => {
    const client = await loggedIn();
    const [one, other] = [watch(client), watch(client)];
    await echoes(one, 'hello');
    await echoes(other, 'hello');
    other.socket.close();
    expect(other.ends).toEqual(['closed']);
    await client.logout();
    await vi.waitFor(() => expect(one.ends).toEqual(['session_revoked']), PATIENT);
  });

  test('nobody who is logged out gets one', async () => {
    const client = createClient({ baseUrl: at.origin, WebSocket });
    closers.push(() => client.close());
    const watched = watch(client);
    await vi.waitFor(() => expect(watched.ends).toEqual(['credentials_required']), PATIENT);
  });
});

/** Sockets that a test ends as it likes. */
class Scripted implements SocketLike {
  static codes: number[] = [];
  static made: { url: string; protocols: string[] }[] = [];
  readyState = 0;
  readonly #listeners = new Map<string, (event: unknown) => void>();

  constructor(url: string, protocols: string[]) {
    Scripted.made.push({ url, protocols });
    const code = Scripted.codes.shift();
    if (code === undefined) return;
    setTimeout(() => this.#listeners.get('close')?.({ code }), 0);
  }
  send(): void {}
  close(): void {}
  addEventListener(type: string, listener: (event: unknown) => void): void {
    this.#listeners.set(type, listener);
  }
}

describe('what becomes of a socket that was closed', () => {
  async function closed(...codes: number[]): Promise<Watched> {
    Scripted.codes = codes;
    Scripted.made = [];
    return watch(await loggedIn(Scripted), '/live');
  }

  test('4403: the session has ended, it stays closed', async () => {
    const { ends } = await closed(4403);
    await vi.waitFor(() => expect(ends).toEqual(['session_expired']), PATIENT);
    expect(Scripted.made).toHaveLength(1);
  });

  test('4409 and 4408: it comes back, with another ticket; lost: it comes back, too', async () => {
    const { ends } = await closed(4409, 4408, 1006, 1001, 4401);
    await vi.waitFor(() => expect(ends).toEqual(['session_revoked']), PATIENT);
    expect(Scripted.made).toHaveLength(5);
    expect(new Set(Scripted.made.map(({ protocols }) => protocols[1])).size).toBe(5);
    expect(Scripted.made[0]?.protocols[0]).toBe('sekisho.v1');
    expect(Scripted.made[0]?.url).toBe(`${at.origin.replace('http', 'ws')}/live`);
  });

  test('without a WebSocket it says so', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const client = createClient({ baseUrl: at.origin });
    closers.push(() => client.close(), vi.unstubAllGlobals);
    expect(() => client.socket()).toThrow(expect.objectContaining({ code: 'no_websocket' }));
  });
});
