import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHttpApp, type HttpApp } from '../../src/http/app.ts';
import type { HttpMeter } from '../../src/observe/meter.ts';
import type { Subscriber } from '../../src/session/events.ts';
import { createTestClock, type TestClock } from '../support/clock.ts';
import type { TestTenant } from '../support/engine.ts';
import { requestOf, startTestApp, type TestApp } from '../support/http.ts';

let http: TestApp;
let acme: TestTenant;
let app: HttpApp;
let clock: TestClock;
let open = 0;

beforeAll(async () => {
  http = await startTestApp();
  acme = await http.engine.makeTenant('acme');
  clock = createTestClock();
  const meter: HttpMeter = {
    requestFinished: () => {},
    streamsChanged: (by) => {
      open += by;
    },
  };
  app = createHttpApp(http.engine.engine, { clock, meter });
});
afterAll(() => http.close());

/** Reads a stream until it holds `wanted`, or has ended. */
class Listener {
  text = '';
  ended = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(response: Response) {
    if (response.body === null) throw new Error('no stream');
    this.#reader = response.body.getReader();
  }

  async until(wanted: string): Promise<void> {
    while (!this.text.includes(wanted) && !this.ended) {
      const { done, value } = await this.#reader.read();
      this.ended = done;
      this.text += value === undefined ? '' : this.#decoder.decode(value);
    }
  }

  /** Events so far, parsed. */
  get events(): readonly { id: string; type: string; subject: Record<string, string> }[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''));
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

async function listen(token: string): Promise<{ response: Response; listener: Listener }> {
  const request = requestOf('GET', '/v1/admin/events', { token });
  const response = await app.handle(request, { peerAddress: null });
  return { response, listener: new Listener(response) };
}

const newAdmin = async () => {
  const pair = await http.engine.open('acme', acme.admin.uid);
  return { pair, ...(await listen(pair.accessToken)) };
};

describe('B11: event streams', () => {
  test('B11 what happens in the tenant arrives by name, with id, time and subject', async () => {
    const { response, listener } = await newAdmin();
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(response.headers.get('cache-control')).toBe('no-store');
    await listener.until(': connected');
    const user = await http.engine.makeUser(acme.caller, 'seen@acme.example');
    const pair = await http.engine.open('acme', user.uid);
    await listener.until('session.created');
    const made = listener.events.find(({ type }) => type === 'session.created');
    expect(made).toMatchObject({
      id: expect.any(String),
      at: expect.stringMatching(/Z$/),
      subject: { tenant_id: acme.tenant.tid, user_id: user.uid, session_id: pair.session.sid },
    });
    expect(listener.text).toContain(`id: ${made?.id}\nevent: session.created\n`);
    expect(listener.text).not.toContain(pair.accessToken);
    await listener.cancel();
  });

  test('B1 another tenant’s events never arrive', async () => {
    const { listener } = await newAdmin();
    const rival = await http.engine.makeTenant('rival');
    await http.engine.open('acme', acme.admin.uid, 'after the rival');
    await listener.until('session.created');
    expect(listener.text).not.toContain(rival.tenant.tid);
    await listener.cancel();
  });

  test('B11 a comment every 15 seconds, by the clock', async () => {
    const { listener } = await newAdmin();
    await clock.advance(14_999);
    await listener.until(': connected');
    expect(listener.text).not.toContain('still here');
    await clock.advance(1);
    await listener.until('still here');
    await clock.advance(15_000);
    await listener.until('still here\n\n: still here');
    await listener.cancel();
  });

  test('B12 ASVS 7.4.2 revoked: it has ended when the revoking call returns, and nothing follows', async () => {
    const { pair, listener } = await newAdmin();
    await listener.until(': connected');
    const before = open;
    const { sid } = pair.session;
    const { engine } = http.engine;
    const options = { reason: null, waitMs: 2000, includeSelf: false, idempotency: null };
    const { revocation } = await engine.administration.revokeSession(acme.caller, sid, options);
    expect(revocation.barrier.effective).toBe('everywhere');
    expect(open).toBe(before - 1);
    await http.engine.open('acme', acme.admin.uid, 'never seen');
    await listener.until('never to come').catch(() => {});
    expect(listener.text).not.toContain('session.created');
    const again = await listen(pair.accessToken).catch((error: unknown) => error);
    expect(again).toMatchObject({ response: { status: 401 } });
  });

  test('B12 what waited to be read is thrown away with a revoked stream', async () => {
    const { pair, listener } = await newAdmin();
    await http.engine.open('acme', acme.admin.uid, 'waiting');
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
    await expect(listener.until('never to come')).rejects.toThrow('cut');
    expect(listener.text).toBe('');
  });

  test('B12 a demoted administrator’s stream is cut', async () => {
    const user = await http.engine.makeUser(acme.caller, 'demoted@acme.example', ['admin']);
    const pair = await http.engine.open('acme', user.uid);
    await listen(pair.accessToken);
    const before = open;
    await http.send('PATCH', `/v1/admin/users/${user.uid}`, {
      token: acme.pair.accessToken,
      json: { roles: ['member'] },
    });
    expect(open).toBe(before - 1);
  });

  test('B12 a reader who goes away leaves nothing behind', async () => {
    const before = { open, timers: clock.pending(), live: http.engine.engine.status().connections };
    const { listener } = await newAdmin();
    await listener.until(': connected');
    expect(open).toBe(before.open + 1);
    expect(http.engine.engine.status().connections).toBe(before.live + 1);
    await listener.cancel();
    expect(open).toBe(before.open);
    expect(clock.pending()).toBe(before.timers);
    expect(http.engine.engine.status().connections).toBe(before.live);
  });

  test('A7 a reader who does not read is cut, not waited for', async () => {
    const { pair } = await newAdmin();
    const before = open;
    await clock.advance(0);
    for (let at = 0; at < 1100 && open === before; at += 1) await clock.advance(15_000);
    expect(open).toBeLessThan(before);
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
  });

  test('A7 what waits for such a reader is bounded by its size, however many events come at once', async () => {
    const { engine } = http.engine;
    const subscribed: Subscriber[] = [];
    const subscribe: typeof engine.events.subscribe = (_tid, _after, subscriber) => {
      subscribed.push(subscriber);
      return () => {};
    };
    const flooded = createHttpApp({ ...engine, events: { ...engine.events, subscribe } });
    const { pair } = await newAdmin();
    const before = engine.status().connections;
    const request = requestOf('GET', '/v1/admin/events', { token: pair.accessToken });
    const response = await flooded.handle(request, { peerAddress: null });
    expect(engine.status().connections).toBe(before + 1);
    const event = { type: 'user.created', at: '2026-01-01T00:00:00.000Z', subject: {} } as const;
    const page = Array.from({ length: 200 }, (_, at) => ({
      ...{ ...event, resume: null, id: String(at), detail: { of: 'x'.repeat(900) } },
    }));
    let pages = 0;
    for (; pages < 50 && engine.status().connections > before; pages += 1) {
      subscribed[0]?.events(page);
    }
    expect(pages).toBeGreaterThan(4);
    expect(pages).toBeLessThan(10);
    await expect(new Response(response.body).text()).rejects.toThrow();
    await http.send('POST', '/v1/logout', { token: pair.accessToken });
  });

  test('A2 HEAD opens no stream; members are refused', async () => {
    const before = open;
    const head = await http.send('HEAD', '/v1/admin/events', { token: acme.pair.accessToken });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    expect(open).toBe(before);
    const user = await http.engine.makeUser(acme.caller, 'member@acme.example');
    const { accessToken } = await http.engine.open('acme', user.uid);
    expect((await http.send('GET', '/v1/admin/events', { token: accessToken })).status).toBe(403);
  });
});
