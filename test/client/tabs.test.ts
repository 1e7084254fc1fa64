import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../src/client/index.ts';
import { browserFetch, EMAIL, fakeLocks, memoryStorage } from './deployment.ts';
import { ELSEWHERE, eventsOf, LOGIN, usePages } from './pages.ts';

const pages = usePages();
const { refreshes } = pages;
beforeEach(() => {
  vi.stubGlobal('navigator', { locks: fakeLocks() });
});
afterEach(() => void vi.unstubAllGlobals());

/** Clients in as many tabs of one browser: the same cookies, the same storage, the same locks. */
function tabs(count: number, transport: 'cookie' | 'body', shared = true): Client[] {
  const browser = { fetch: browserFetch(), storage: memoryStorage() };
  return Array.from({ length: count }, () => {
    const own = shared ? browser : { fetch: browserFetch(), storage: memoryStorage() };
    return pages.clientOf({ transport, ...own });
  });
}

describe.each(['body', 'cookie'] as const)('tabs of one browser, by %s', (transport) => {
  test('a login in one is a login in all, and so is a logout', async () => {
    const [one, other] = tabs(2, transport);
    const events = eventsOf(other);
    await one?.login(LOGIN);
    await vi.waitFor(() => expect(events).toEqual([{ type: 'login', here: false }]), ELSEWHERE);
    expect(await other?.session()).toMatchObject({ user: { email: EMAIL } });
    await one?.logout();
    const ended = { type: 'logout', here: false, code: 'logged_out' };
    await vi.waitFor(() => expect(events[1]).toEqual(ended), ELSEWHERE);
    pages.at.seen.length = 0;
    expect(await other?.session()).toBeNull();
    expect(refreshes()).toBe(0);
  });

  test('an access token that has run out is renewed in one of them', async () => {
    const [one, other, third] = tabs(3, transport);
    const seen = eventsOf(third);
    await one?.login(LOGIN);
    await vi.waitFor(() => expect(seen).toHaveLength(1), ELSEWHERE);
    pages.at.advance(40);
    pages.at.seen.length = 0;
    const answers = await Promise.all([one, other, third].map((tab) => tab?.fetch('/api/orders')));
    expect(answers.map((answer) => answer?.status)).toEqual([200, 200, 200]);
    expect(refreshes()).toBe(1);
  });

  test('B3 what one of them learns of a revocation all of them know', async () => {
    const [one, other] = tabs(2, transport);
    const events = eventsOf(other);
    await one?.login(LOGIN);
    await vi.waitFor(() => expect(events).toHaveLength(1), ELSEWHERE);
    await pages.at.admin.revoke();
    expect(await one?.session()).toBeNull();
    const ended = { type: 'logout', here: false, code: 'session_revoked' };
    await vi.waitFor(() => expect(events[1]).toEqual(ended), ELSEWHERE);
  });
});

test('without locks every tab may renew: the refresh chain does not fork', async () => {
  vi.unstubAllGlobals();
  const [one, other] = tabs(2, 'cookie');
  const seen = eventsOf(other);
  await one?.login(LOGIN);
  await vi.waitFor(() => expect(seen).toHaveLength(1), ELSEWHERE);
  for (let round = 0; round < 3; round += 1) {
    pages.at.advance(40);
    const answers = await Promise.all([one, other].map((tab) => tab?.fetch('/api/orders')));
    expect(answers.map((answer) => answer?.status)).toEqual([200, 200]);
  }
});

test('tabs with sessions of their own leave each other alone', async () => {
  const [one, other] = tabs(2, 'body', false);
  await one?.login(LOGIN);
  await other?.login(LOGIN);
  const events = eventsOf(other);
  const heard = new BroadcastChannel(`sekisho:${pages.at.origin}`);
  const told = new Promise((resolve) => {
    heard.onmessage = resolve;
  });
  await one?.logout();
  await told;
  heard.close();
  expect(await other?.session()).not.toBeNull();
  expect(events).toEqual([]);
});
