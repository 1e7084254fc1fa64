import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { type Clock, systemClock } from '../../src/clock.ts';
import { createSekisho, isSekishoError, type Sekisho, type Session } from '../../src/index.ts';
import { codeOf, PASSWORD } from '../support/engine.ts';

const HOST = 'http://localhost';

let offsetMs = 0;
const clock: Clock = {
  ...systemClock,
  monotonicMs: () => systemClock.monotonicMs() + offsetMs,
  wallMs: () => systemClock.wallMs() + offsetMs,
};
let sekisho: Sekisho;
let tokens: { access_token: string; refresh_token: string };
let cookie: string;

beforeAll(async () => {
  sekisho = await createSekisho({ dataDir: ':memory:', logLevel: 'silent', clock });
  await sekisho.engine.operator.createTenant({
    slug: 'acme',
    name: 'Acme',
    adminEmail: 'admin@acme.example',
    adminPassword: PASSWORD,
  });
  tokens = (await (await login()).json()) as typeof tokens;
  const withCookies = await login({ transport: 'cookie' });
  cookie = withCookies.headers
    .getSetCookie()
    .map((one) => one.split(';', 1)[0])
    .join('; ');
});
afterAll(() => sekisho.close());

function login(more: object = {}): Promise<Response> {
  const body = { tenant: 'acme', email: 'admin@acme.example', password: PASSWORD, ...more };
  return sekisho.fetch(
    new Request(`${HOST}/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
}

function request(headers: Record<string, string>, method = 'GET'): Request {
  return new Request(`${HOST}/orders`, { method, headers });
}

function bearer(token = tokens.access_token): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

describe('authenticate', () => {
  test('B8: a token, a request with it, and one with the cookie are the same person', async () => {
    const byToken = await sekisho.authenticate(tokens.access_token);
    const byBearer = await sekisho.authenticate(request(bearer()));
    const byCookie = await sekisho.authenticate(request({ cookie }));
    expect(byBearer).toBe(byToken);
    expect(byCookie.userId).toBe(byToken.userId);
    expect(byCookie.sessionId).not.toBe(byToken.sessionId);
    expect(Object.isFrozen(byToken)).toBe(true);
    expect(byToken).toMatchObject({ roles: ['admin'], amr: ['pwd'], freshness: 'fresh' });
  });

  test('what is refused says why, by a code that a program can switch on', async () => {
    const both = request({ ...bearer(), cookie });
    expect(await codeOf(sekisho.authenticate(both))).toBe('ambiguous_credentials');
    expect(await codeOf(sekisho.authenticate(request({})))).toBe('credentials_required');
    expect(await codeOf(sekisho.authenticate(request(bearer('x.y.z'))))).toBe('invalid_token');
    const asked = sekisho.authenticate(tokens.access_token, { roles: ['owner', 'auditor'] });
    expect(await codeOf(asked)).toBe('insufficient_role');
    const error = await sekisho.authenticate('nonsense').catch((thrown: unknown) => thrown);
    expect(isSekishoError(error)).toBe(true);
  });

  test('ASVS 3.5.1: with the cookie, a foreign page may change nothing; a bearer token is not asked', async () => {
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    const post = (headers: Record<string, string>) =>
      codeOf(sekisho.authenticate(request(headers, 'POST')));
    expect(await post({ cookie, ...foreign })).toBe('origin_denied');
    expect(await post({ cookie, origin: HOST })).toBe('none');
    expect(await post({ ...bearer(), ...foreign })).toBe('none');
    expect(await codeOf(sekisho.authenticate(request({ cookie, ...foreign })))).toBe('none');
  });

  test('FRESH: the exact answer is asked of the record', async () => {
    const session = await sekisho.authenticate(tokens.access_token, { fresh: true });
    expect(session.freshness).toBe('fresh');
  });
});

describe('withAuth', () => {
  const handler = (_request: Request, session: Session) => Response.json({ user: session.userId });

  test('A5: one wrapper lets in whom it should and answers everybody else by the contract', async () => {
    const guarded = sekisho.withAuth(handler, { roles: ['admin'] });
    const good = await guarded(request(bearer()));
    expect(good.status).toBe(200);
    const nobody = await guarded(request({}));
    expect(nobody.status).toBe(401);
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer');
    expect(nobody.headers.get('content-type')).toBe('application/problem+json');
    expect(nobody.headers.get('x-request-id')).toMatch(/^[\w-]{22}$/);
    const forged = await guarded(request(bearer('x.y.z')));
    expect(forged.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(await forged.json()).toMatchObject({ status: 401, code: 'invalid_token' });
    const other = await sekisho.withAuth(handler, { roles: ['owner'] })(request(bearer()));
    expect(other.status).toBe(403);
    expect(other.headers.get('www-authenticate')).toContain('insufficient_scope');
  });

  test('A5: what a framework passes beside the request reaches the handler, as it is', async () => {
    const get = sekisho.withAuth(
      async (
        _request,
        session,
        { params }: { params: Promise<{ id: string }> },
        ...more: string[]
      ) => Response.json({ user: session.userId, id: (await params).id, more }),
    );
    const context = { params: Promise.resolve({ id: '17' }) };
    const answer = await get(request(bearer()), context, 'and', 'more');
    expect(await answer.json()).toMatchObject({ id: '17', more: ['and', 'more'] });
    const refused = await get(request({}), context);
    expect(await refused.json()).toMatchObject({ code: 'credentials_required' });
  });

  test('A5: a handler is as typed as what the framework passes', async () => {
    class RoutedRequest extends Request {
      readonly route = '/orders/17';
    }
    const own = sekisho.withAuth((routed: RoutedRequest) => new Response(routed.route));
    expectTypeOf(own).toEqualTypeOf<(request: RoutedRequest, env?: unknown) => Promise<Response>>();
    const answer = await own(new RoutedRequest(`${HOST}/orders/17`, { headers: bearer() }));
    expect(await answer.text()).toBe('/orders/17');
    const numbered = sekisho.withAuth((_request, _session, number: number) =>
      Response.json(number),
    );
    expectTypeOf(numbered).parameters.toEqualTypeOf<[request: Request, number: number]>();
    expectTypeOf(sekisho.withAuth(handler)).parameters.toEqualTypeOf<
      [request: Request, env?: unknown]
    >();
  });

  test('A5: an error of the application is its own', async () => {
    const guarded = sekisho.withAuth(() => {
      throw new Error('out of stock');
    });
    await expect(guarded(request(bearer()))).rejects.toThrow('out of stock');
  });

  test('ASVS 7.5.1: maxAuthAgeSeconds is answered with what to do', async () => {
    offsetMs += 10_000;
    const within = sekisho.withAuth(handler, { maxAuthAgeSeconds: 250 });
    expect((await within(request(bearer()))).status).toBe(200);
    const asked = await sekisho.withAuth(handler, { maxAuthAgeSeconds: 5 })(request(bearer()));
    expect(asked.status).toBe(401);
    expect(await asked.json()).toMatchObject({ code: 'reauthentication_required' });
  });
});

test('sessions.create makes a session without a password, for a user of the product', async () => {
  const pair = await sekisho.sessions.create({
    tenant: 'acme',
    user: { externalId: '7', email: 'noor@acme.example', roles: ['buyer'] },
    amr: ['pwd', 'otp'],
  });
  const session = await sekisho.authenticate(pair.accessToken);
  expect(session).toMatchObject({ userId: pair.user.uid, roles: ['buyer'], amr: ['pwd', 'otp'] });
});

test('A12: a session that the product has made reaches a browser by the cookies of a login', async () => {
  const pair = await sekisho.sessions.create({
    tenant: 'acme',
    user: { externalId: '8', email: 'ren@acme.example' },
    amr: ['pwd'],
  });
  const set = sekisho.sessions.cookies(pair, new Request(`${HOST}/exchange`));
  expect(set).toHaveLength(2);
  for (const one of set) {
    expect(one).toMatch(
      /^__Host-sekisho(-refresh)?=[^;]+; Path=\/; Max-Age=\d+; Secure; HttpOnly; /,
    );
  }
  const sent = set.map((one) => one.split(';', 1)[0]).join('; ');
  const session = await sekisho.authenticate(request({ cookie: sent }));
  expect(session.userId).toBe(pair.user.uid);
  const elsewhere = new Request('http://app.example/exchange');
  expect(() => sekisho.sessions.cookies(pair, elsewhere)).toThrow(
    expect.objectContaining({ code: 'insecure_transport' }),
  );
});

test('the operator’s port tells whether the node may answer, and its figures without names', async () => {
  const get = (path: string) => sekisho.operations(new Request(`http://127.0.0.1:4001${path}`));
  expect((await get('/healthz')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
  expect(await (await get('/members')).json()).toMatchObject({ members: [{ self: true }] });
  const metrics = await (await get('/metrics')).text();
  expect(metrics).toMatch(/^sekisho_serving 1$/m);
  expect(metrics).toMatch(/^sekisho_logins_total\{outcome="success"\} 2$/m);
  const { tenantId, userId } = await sekisho.authenticate(tokens.access_token);
  expect(metrics).not.toContain(tenantId);
  expect(metrics).not.toContain(userId);
});

test('A8 the level of its own log can be set while it runs', () => {
  sekisho.setLogLevel('error');
  sekisho.setLogLevel('silent');
  expect(() => sekisho.setLogLevel('loud' as 'error')).toThrow('must be one of trace, debug');
});
