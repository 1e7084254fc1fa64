import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { type ClientOptions, isClientError } from '../../src/client/index.ts';
import {
  browserFetch,
  type Deployment,
  EMAIL,
  type Interference,
  memoryStorage,
  PASSWORD,
  TENANT,
} from './deployment.ts';
import { eventsOf, LOGIN, usePages } from './pages.ts';

const pages = usePages();
const { clientOf, loggedIn, refreshes } = pages;
beforeEach(() => {
  pages.at.seen.length = 0;
  pages.at.orders.length = 0;
});

async function failure(work: Promise<unknown>) {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (!isClientError(error)) throw new Error(`no ClientError: ${error}`);
  return error;
}

describe.each(['body', 'cookie'] as const)('by %s', (transport) => {
  const own = (): Partial<ClientOptions> =>
    transport === 'cookie' ? { transport, fetch: browserFetch() } : { transport };

  test('B2 logs in, sees its session, reaches the application, logs out', async () => {
    const client = clientOf(own());
    const events = eventsOf(client);
    expect(await client.session()).toBeNull();
    const { user, session } = await client.login({ ...LOGIN, device: { name: 'PC' } });
    expect(user).toMatchObject({ email: EMAIL, name: 'Yuki' });
    const current = await client.session();
    expect(current).toMatchObject({ tenant: { slug: TENANT }, session: { id: session.id } });
    expect((await client.sessions({ limit: 1 })).sessions).toMatchObject([{ current: true }]);
    const answer = await client.fetch('/api/orders');
    expect(await answer.json()).toMatchObject({ roles: ['member'] });
    expect(await client.logout()).toBeNull();
    expect(await client.session()).toBeNull();
    expect(events).toEqual([
      { type: 'login', here: true },
      { type: 'logout', here: true, code: 'logged_out' },
    ]);
  });

  test('an access token that has run out is renewed once, however many ask, and all go on', async () => {
    const client = await loggedIn(own());
    pages.at.advance(40);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => client.fetch('/api/orders')));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(refreshes()).toBe(1);
    expect(await client.session()).not.toBeNull();
    expect(refreshes()).toBe(1);
  });

  test('B7 changed roles count at once: a superseded token is renewed', async () => {
    const client = await loggedIn(own());
    await pages.at.admin.setRoles(['member', 'clerk']);
    expect(await (await client.fetch('/api/orders')).json()).toMatchObject({
      roles: ['clerk', 'member'],
    });
    await pages.at.admin.setRoles(['member']);
    expect((await client.session())?.roles).toEqual(['member']);
    expect(refreshes()).toBe(2);
  });

  test('B3 a revoked session is over at the next request, and nobody tries to renew it', async () => {
    const client = await loggedIn(own());
    const events = eventsOf(client);
    await pages.at.admin.revoke();
    expect((await client.fetch('/api/orders')).status).toBe(401);
    expect(events).toEqual([{ type: 'logout', here: true, code: 'session_revoked' }]);
    expect(await client.session()).toBeNull();
    expect(refreshes()).toBe(0);
  });

  test('an outage logs nobody out: a refresh waits as long as it is asked to', async () => {
    const client = await loggedIn(own());
    const events = eventsOf(client);
    pages.at.advance(40);
    pages.at.interfere('/v1/refresh', unavailable, 'lost');
    expect((await client.fetch('/api/orders')).status).toBe(200);
    expect(refreshes()).toBe(3);
    expect(events).toEqual([]);
  });

  test('an outage that is longer is an error with a code, and the session goes on after it', async () => {
    const client = await loggedIn({ ...own(), retryForMs: 0 });
    pages.at.advance(40);
    pages.at.interfere('/v1/refresh', unavailable);
    const error = await failure(client.fetch('/api/orders'));
    expect(error).toMatchObject({ code: 'not_ready', status: 503, retryAfterSeconds: 1 });
    expect((await client.fetch('/api/orders')).status).toBe(200);
  });

  test('a lost answer of a refresh is repeated and gives the same session', async () => {
    const client = await loggedIn(own());
    pages.at.advance(40);
    pages.at.interfere('/v1/refresh', 'lost');
    expect((await client.fetch('/api/orders')).status).toBe(200);
    pages.at.advance(40);
    expect((await client.fetch('/api/orders')).status).toBe(200);
  });

  test('a changed password goes on here and ends elsewhere; the password given again goes on', async () => {
    const [here, there] = [await loggedIn(own()), await loggedIn(own())];
    const next = 'nine-bridges-in-rain';
    const { revocation } = await here.changePassword(PASSWORD, next);
    expect(revocation).toMatchObject({ effective: 'everywhere' });
    expect(await here.session()).not.toBeNull();
    expect(await there.session()).toBeNull();
    await here.reauthenticate(next);
    expect((await here.fetch('/api/orders')).status).toBe(200);
    await here.changePassword(next, PASSWORD);
    expect(refreshes()).toBe(0);
  });

  test('B2 one session, or all but this one, are ended', async () => {
    const [here, there, third] = [
      await loggedIn(own()),
      await loggedIn(own()),
      await loggedIn(own()),
    ];
    const { sessions } = await here.sessions();
    const other = (await there.session())?.session.id ?? '';
    expect(sessions.map(({ id }) => id)).toContain(other);
    expect(await here.revoke(other)).toMatchObject({ effective: 'everywhere', scope: 'session' });
    expect(await there.session()).toBeNull();
    await here.revoke('others');
    expect(await third.session()).toBeNull();
    const events = eventsOf(here);
    await here.revoke((await here.session())?.session.id ?? '');
    expect(events).toMatchObject([{ type: 'logout', code: 'session_revoked' }]);
  });
});

test('with cookies nothing that a script could take is held', async () => {
  const storage = memoryStorage();
  const client = await loggedIn({ transport: 'cookie', fetch: browserFetch(), storage });
  expect(storage.kept.size).toBe(0);
  expect(await failure(client.accessToken())).toMatchObject({ code: 'credentials_required' });
});

test('a redirect is not followed: password and refresh token go to nobody else', async () => {
  const bodies: string[] = [];
  const elsewhere = createServer((req, res) => {
    req.on('data', (chunk) => bodies.push(String(chunk)));
    req.on('end', () => res.end('{}'));
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const { port } = elsewhere.address() as AddressInfo;
  const away: Interference = (_, res) => {
    res.writeHead(307, { location: `http://127.0.0.1:${port}/taken` }).end();
  };
  try {
    const client = await loggedIn({ retryForMs: 0 });
    pages.at.advance(40);
    pages.at.interfere('/v1/refresh', away);
    expect(await failure(client.fetch('/api/orders'))).toMatchObject({ code: 'network_error' });
    pages.at.interfere('/v1/login', away);
    expect(await failure(clientOf().login(LOGIN))).toMatchObject({ code: 'network_error' });
    expect(bodies).toEqual([]);
    // The session goes on: nothing was lost.
    expect((await client.fetch('/api/orders')).status).toBe(200);
  } finally {
    elsewhere.closeAllConnections();
    await new Promise((resolve) => elsewhere.close(resolve));
  }
});

test('with a storage the session and the device outlive the page', async () => {
  const storage = memoryStorage();
  const before = await loggedIn({ storage });
  const token = await before.accessToken();
  const after = clientOf({ storage });
  expect(await after.accessToken()).toBe(token);
  expect((await after.session())?.user.email).toBe(EMAIL);
  await after.logout();
  const left = [...storage.kept.values()].map((text) => Object.keys(JSON.parse(text)));
  expect(left).toEqual([['device']]);
  let sent: { device_token?: string } = {};
  const again = clientOf({
    storage,
    fetch: async (input, init) => {
      if (String(input).endsWith('/v1/login')) sent = JSON.parse(String(init?.body));
      return fetch(input, init);
    },
  });
  await again.login(LOGIN);
  expect(sent.device_token).toBeTruthy();
  storage.kept.set([...storage.kept.keys()][0] ?? '', 'not json');
  expect(await clientOf({ storage }).session()).toBeNull();
});

describe('the requests of the application', () => {
  test('are repeated only with a body that can be sent again', async () => {
    const client = await loggedIn();
    pages.at.advance(40);
    const sent = { method: 'POST', body: 'one pen' };
    expect((await client.fetch('/api/orders', sent)).status).toBe(200);
    expect(pages.at.orders).toEqual(['one pen']);
    pages.at.advance(40);
    const stream = new Blob(['two pens']).stream();
    const streamed = { method: 'POST', body: stream, duplex: 'half' } as RequestInit;
    const refused = await client.fetch('/api/orders', streamed);
    expect(await refused.json()).toMatchObject({ code: 'token_expired' });
    expect(pages.at.orders).toEqual(['one pen']);
  });

  test('take a Request, and keep headers of their own', async () => {
    const client = await loggedIn();
    const request = new Request(`${pages.at.origin}/api/orders`, { headers: { 'x-own': '1' } });
    expect((await client.fetch(request)).status).toBe(200);
    const headers = { authorization: 'Bearer of-something-else' };
    expect((await client.fetch('/api/orders', { headers })).status).toBe(401);
  });

  test('reads wait for Retry-After, writes do not, and whoever waits may give up', async () => {
    const client = await loggedIn();
    pages.at.interfere('/api/orders', unavailable);
    expect((await client.fetch('/api/orders')).status).toBe(200);
    pages.at.interfere('/api/orders', unavailable);
    const sent = { method: 'POST', body: 'one pen' };
    expect((await client.fetch('/api/orders', sent)).status).toBe(503);
    pages.at.interfere('/api/orders', unavailable);
    const signal = AbortSignal.timeout(200);
    await expect(client.fetch('/api/orders', { signal })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
  });

  test('go to no other origin with credentials, unless it is named', async () => {
    const client = await loggedIn();
    for (const url of [
      'https://api.example.com/orders',
      '//api.example.com/',
      'http://127.0.0.1/',
    ]) {
      expect(await failure(client.fetch(url))).toMatchObject({ code: 'foreign_origin' });
    }
    let reached = '';
    const named = clientOf({
      apiOrigins: ['https://api.example.com'],
      fetch: async (input) => {
        reached = String(input);
        return new Response('ok');
      },
    });
    await named.fetch('https://api.example.com/orders');
    expect(reached).toBe('https://api.example.com/orders');
  });
});

describe('errors', () => {
  test('have the code of the problem document, and what came with it', async () => {
    const client = clientOf();
    const wrong = await failure(client.login({ ...LOGIN, password: 'wrong' }));
    expect(wrong).toMatchObject({ code: 'invalid_credentials', status: 401 });
    const invalid = await failure(client.login({ ...LOGIN, tenant: '' }));
    expect(invalid).toMatchObject({ code: 'validation_failed', status: 422 });
    expect(invalid.errors?.[0]).toMatchObject({ pointer: '/tenant' });
    expect(await failure(client.accessToken())).toMatchObject({ code: 'credentials_required' });
    expect(await failure(client.resetPassword('nothing', PASSWORD))).toMatchObject({ status: 401 });
  });

  test('say when to come back', async () => {
    const client = clientOf();
    const limit = {
      account_window: 900,
      max_wait: 900,
      address_attempts: 300,
      address_window: 900,
    };
    await pages.at.admin.policy({ login_limit: { ...limit, account_attempts: 1 } });
    const email = 'nobody@acme.example';
    let limited = await failure(client.login({ ...LOGIN, email }));
    // Each one that is counted doubles the wait, so that a slow machine, too, comes too early once.
    for (let tries = 0; tries < 9 && limited.status === 401; tries += 1) {
      limited = await failure(client.login({ ...LOGIN, email }));
    }
    expect(limited).toMatchObject({ code: 'too_many_attempts', status: 429 });
    expect(limited.retryAfterSeconds).toBeGreaterThan(0);
    await pages.at.admin.policy({ login_limit: { ...limit, account_attempts: 10 } });
  });

  test('B13 the device cap offers its sessions, and one of them ends for the new one', async () => {
    await pages.at.admin.revoke();
    const client = await loggedIn();
    await pages.at.admin.policy({ max_sessions_per_user: 1, on_session_limit: 'reject' });
    const full = await failure(clientOf().login(LOGIN));
    expect(full.code).toBe('session_limit_reached');
    const [first] = full.problem.sessions as { id: string }[];
    const { session } = await clientOf().login({ ...LOGIN, endSession: first?.id ?? '' });
    expect(session.id).not.toBe(first?.id);
    expect(await client.session()).toBeNull();

    // The cap was lowered meanwhile: as many as the refusal says, in one list.
    await pages.at.admin.policy({ max_sessions_per_user: 3 });
    const others = [await loggedIn(), await loggedIn()];
    await pages.at.admin.policy({ max_sessions_per_user: 1 });
    const over = await failure(clientOf().login(LOGIN));
    const { sessions_to_end: count, sessions } = over.problem as {
      readonly sessions_to_end: number;
      readonly sessions: readonly { readonly id: string }[];
    };
    expect([count, sessions.length]).toEqual([3, 3]);
    const endSession = sessions.slice(0, count).map(({ id }) => id);
    expect((await clientOf().login({ ...LOGIN, endSession })).session.id).not.toBe(session.id);
    for (const other of others) expect(await other.session()).toBeNull();
    await pages.at.admin.policy({ max_sessions_per_user: 10, on_session_limit: 'revoke_oldest' });
  });

  test('tell what is no answer of Sekisho from an outage, and neither from a refusal', async () => {
    const client = await loggedIn();
    pages.at.interfere('/v1/session', (_req, res) =>
      res.writeHead(502).end('<h1>Bad Gateway</h1>'),
    );
    expect(await failure(client.session())).toMatchObject({
      code: 'unexpected_answer',
      status: 502,
    });
    pages.at.interfere('/v1/session', (_req, res) => res.end('<h1>Hello</h1>'));
    expect(await failure(client.session())).toMatchObject({
      code: 'unexpected_answer',
      status: 200,
    });
    pages.at.interfere('/v1/session', (req) => void req.socket.destroy());
    expect(await failure(client.session())).toMatchObject({ code: 'network_error', status: 0 });
    const hasty = clientOf({ timeoutMs: 50 });
    pages.at.interfere('/v1/login', () => {});
    expect(await failure(hasty.login(LOGIN))).toMatchObject({ code: 'timeout', status: 0 });
    // A logout that did not reach the server has not ended anything.
    pages.at.interfere('/v1/logout', (req) => void req.socket.destroy());
    expect(await failure(client.logout())).toMatchObject({ code: 'network_error' });
    expect(await client.session()).not.toBeNull();
    client.close();
    expect(await failure(client.session())).toMatchObject({ code: 'closed' });
  });
});

/** What a node says that may not answer at present. */
const unavailable: Parameters<Deployment['interfere']>[1] = (_req, res) => {
  const headers = { 'content-type': 'application/problem+json', 'retry-after': '1' };
  res.writeHead(503, headers).end(JSON.stringify({ code: 'not_ready', detail: 'Not now.' }));
};
