import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type ClientSocket, createClient, type SocketLike } from '../../src/client/index.ts';

/** A socket whose other end is the test. */
class Scripted implements SocketLike {
  static made: Scripted[] = [];
  /** What becomes of each new one, once somebody listens. */
  static fate: (socket: Scripted) => void = () => {};
  readyState = 0;
  readonly #listeners = new Map<string, (event: unknown) => void>();

  constructor() {
    Scripted.made.push(this);
    setTimeout(() => Scripted.fate(this), 0);
  }
  opens(): void {
    this.readyState = 1;
    this.#listeners.get('open')?.({});
  }
  says(data: string): void {
    this.#listeners.get('message')?.({ data });
  }
  closes(code: number): void {
    this.readyState = 3;
    this.#listeners.get('close')?.({ code });
  }
  send(): void {}
  close(): void {
    this.readyState = 2;
  }
  addEventListener(type: string, listener: (event: unknown) => void): void {
    this.#listeners.set(type, listener);
  }
}

const HOUR_MS = 3_600_000;
/** What the next tickets are refused with; then they are given. */
let refusals: Response[] = [];
let tickets = 0;
const closers: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  [Scripted.made, Scripted.fate, refusals, tickets] = [[], () => {}, [], 0];
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
  vi.useRealTimers();
});

/** A socket of somebody who is logged in, and what the application is told of it. */
function opened(): { readonly socket: ClientSocket; readonly told: string[] } {
  const told: string[] = [];
  const client = createClient({
    baseUrl: 'http://127.0.0.1',
    transport: 'cookie',
    WebSocket: Scripted,
    fetch: async () => {
      tickets += 1;
      return refusals.shift() ?? Response.json({ ticket: `ticket-${tickets}`, expires_in: 30 });
    },
  });
  const socket = client.socket({
    onOpen: () => void told.push('open'),
    onMessage: (text) => void told.push(text),
    onEnd: (code) => void told.push(`end ${code}`),
  });
  closers.push(() => socket.close(), client.close);
  return { socket, told };
}

const passes = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('how long a socket waits until it comes back', () => {
  test('4409 again and again: longer each time, up to half a minute', async () => {
    // No further than that: without a wait there would be no end.
    Scripted.fate = (socket) => {
      if (tickets < 200) socket.closes(4409);
    };
    opened();
    await passes(60_000);
    expect(tickets).toBeGreaterThan(4);
    expect(tickets).toBeLessThan(12);
  });

  test('4409 right after each opening: the same', async () => {
    Scripted.fate = (socket) => {
      socket.opens();
      if (tickets < 200) socket.closes(4409);
    };
    opened();
    await passes(60_000);
    expect(tickets).toBeLessThan(12);
  });

  test('4409 after it stood: at once, the first time', async () => {
    Scripted.fate = (socket) => socket.opens();
    opened();
    await passes(15_000);
    Scripted.made[0]?.closes(4409);
    await passes(0);
    expect(tickets).toBe(2);
    Scripted.made[1]?.closes(4409);
    await passes(0);
    expect(tickets).toBe(2);
    await passes(500);
    expect(tickets).toBe(3);
  });

  test('a ticket that took long is no connection that stood', async () => {
    Scripted.fate = (socket) => {
      if (tickets < 200) setTimeout(() => socket.closes(4409), 11_000);
    };
    opened();
    await passes(11_000);
    expect(tickets).toBe(1);
    await passes(500);
    expect(tickets).toBe(2);
  });

  test('as long as Retry-After asks for, also when no timer runs that long', async () => {
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '9999999999' };
    const body = JSON.stringify({ code: 'not_ready', detail: 'Not now.' });
    refusals = Array.from({ length: 100 }, () => new Response(body, { status: 503, headers }));
    opened();
    await passes(HOUR_MS);
    expect(tickets).toBe(1);
  });
});

test('after onEnd the application is told nothing more', async () => {
  const { socket, told } = opened();
  await passes(0);
  Scripted.made[0]?.opens();
  Scripted.made[0]?.says('one');
  socket.close();
  Scripted.made[0]?.says('two');
  expect(told).toEqual(['open', 'one', 'end closed']);
  const late = opened();
  await passes(0);
  late.socket.close();
  Scripted.made[1]?.opens();
  Scripted.made[1]?.says('three');
  expect(late.told).toEqual(['end closed']);
});
