import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createTestSekisho, TEST_PASSWORD, type TestSekisho } from '../../src/testing/index.ts';
import { codeOf } from '../support/engine.ts';

const SEEDS = {
  acme: {
    policy: { idle_timeout: 600, max_sessions_per_user: 3 },
    users: { noor: { roles: ['buyer', 'member'] }, kei: { password: 'seven green bicycles' } },
  },
  globex: { users: { ada: { email: 'ada@globex.example', name: 'Ada' } } },
} as const;

let testing: TestSekisho<typeof SEEDS>;
beforeAll(async () => {
  testing = await createTestSekisho({ tenants: SEEDS, now: new Date('2031-05-06T07:08:09Z') });
});
afterAll(() => testing.close());
afterEach(() => testing.reset());

const authenticate = (token: string) => testing.sekisho.authenticate(token);

function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  return testing.sekisho.fetch(
    new Request(`http://localhost${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }),
  );
}

function passwordLogin(tenant: string, email: string, password: string): Promise<Response> {
  return post('/v1/login', { tenant, email, password });
}

describe('people (A1)', () => {
  test('A1 seeded users are logged in on several devices, each a session of its own', async () => {
    const { noor } = testing.tenants.acme.users;
    const laptop = await noor.login({ device: 'Laptop' });
    const phone = await noor.login({ device: 'Phone', amr: ['pwd', 'otp'] });
    expect(await authenticate(laptop.accessToken)).toMatchObject({
      tenantId: testing.tenants.acme.tenantId,
      userId: noor.userId,
      sessionId: laptop.sessionId,
      roles: ['buyer', 'member'],
      amr: ['pwd'],
    });
    expect(await authenticate(phone.accessToken)).toMatchObject({ amr: ['pwd', 'otp'] });
    const listed = await testing.sekisho.fetch(
      new Request('http://localhost/v1/sessions', { headers: phone.headers }),
    );
    const { sessions } = (await listed.json()) as { sessions: { device: { name: string } }[] };
    expect(sessions.map(({ device }) => device.name).sort()).toEqual(['Laptop', 'Phone']);
    await laptop.logout();
    expect(await codeOf(authenticate(laptop.accessToken))).toBe('session_revoked');
    await authenticate(phone.accessToken);
  });

  test('A1 every tenant has an administrator, and tenants do not see each other', async () => {
    const admin = await testing.tenants.acme.admin.login();
    const users = await testing.sekisho.fetch(
      new Request('http://localhost/v1/admin/users', { headers: admin.headers }),
    );
    const { users: listed } = (await users.json()) as { users: { email: string }[] };
    expect(listed.map(({ email }) => email).sort()).toEqual([
      'admin@acme.example',
      'kei@acme.example',
      'noor@acme.example',
    ]);
    const ada = await testing.tenants.globex.users.ada.login();
    expect((await authenticate(ada.accessToken)).tenantId).toBe(testing.tenants.globex.tenantId);
  });

  test('A1 a pair is refreshed, and used as cookies by pages', async () => {
    const login = await testing.tenants.acme.users.noor.login();
    const next = await login.refresh();
    expect(next.sessionId).toBe(login.sessionId);
    const page = new Request('http://localhost/orders', { headers: { cookie: next.cookie } });
    expect((await testing.sekisho.authenticate(page)).sessionId).toBe(login.sessionId);
  });

  test('A1 the login route works with the seeds’ passwords, which cost no time', async () => {
    const right = await passwordLogin('acme', 'kei@acme.example', 'seven green bicycles');
    expect(right.status).toBe(200);
    expect((await passwordLogin('acme', 'noor@acme.example', TEST_PASSWORD)).status).toBe(200);
    expect((await passwordLogin('acme', 'kei@acme.example', TEST_PASSWORD)).status).toBe(401);
  });

  test('A1 policies of seeds hold: the device cap ends the oldest session', async () => {
    const { kei } = testing.tenants.acme.users;
    const logins = [await kei.login(), await kei.login(), await kei.login(), await kei.login()];
    const codes = await Promise.all(
      logins.map(({ accessToken }) => codeOf(authenticate(accessToken))),
    );
    expect(codes).toEqual(['session_revoked', 'none', 'none', 'none']);
  });
});

describe('time (A1)', () => {
  test('A1 stands still until it is moved, and says the same everywhere', async () => {
    const login = await testing.tenants.acme.users.noor.login();
    const began = testing.now();
    const { expiresAt, authTime } = await authenticate(login.accessToken);
    expect(authTime).toBe(Math.floor(began.getTime() / 1000));
    expect(expiresAt).toBe(authTime + 300);
    await testing.advance({ minutes: 1, seconds: 30 });
    expect(testing.now().getTime() - began.getTime()).toBe(90_000);
    const [row] = await testing.sekisho.engine.operator.listTenants({ limit: 1, cursor: null });
    const ageMs = began.getTime() - (row?.createdAtMs ?? 0);
    expect(ageMs).toBeGreaterThanOrEqual(0);
    expect(ageMs).toBeLessThan(86_400_000);
  });

  test('A1 ends access tokens to the second; the session goes on', async () => {
    const login = await testing.tenants.acme.users.noor.login();
    await testing.advance({ seconds: 299 });
    expect((await authenticate(login.accessToken)).freshness).toBe('fresh');
    await testing.advance({ seconds: 1 });
    expect(await codeOf(authenticate(login.accessToken))).toBe('token_expired');
    await authenticate((await login.refresh()).accessToken);
  });

  test('A1 B13 ends idle sessions, and spares those that are used', async () => {
    const { noor, kei } = testing.tenants.acme.users;
    const idle = await noor.login();
    let used = await kei.login();
    for (let turn = 0; turn < 4; turn += 1) {
      await testing.advance({ minutes: 4 });
      used = await used.refresh();
      await authenticate(used.accessToken);
    }
    expect(await codeOf(idle.refresh())).toBe('session_expired');
    await used.refresh();
    await testing.advance({ days: 1 });
    expect(await codeOf(used.refresh())).toBe('session_expired');
  });

  test('A1 A4 ends the wait after wrong passwords', async () => {
    const { acme } = testing.tenants;
    await acme.setPolicy({ login_limit: { account_attempts: 2, max_wait: 30 } });
    const guess = () => passwordLogin('acme', 'noor@acme.example', 'not the password');
    expect([(await guess()).status, (await guess()).status]).toEqual([401, 401]);
    const refused = await passwordLogin('acme', 'noor@acme.example', TEST_PASSWORD);
    expect(refused.status).toBe(429);
    await testing.advance({ seconds: Number(refused.headers.get('retry-after')) });
    expect((await passwordLogin('acme', 'noor@acme.example', TEST_PASSWORD)).status).toBe(200);
  });

  test('A1 B12 cuts sockets whose session has ended, and no others, however far it goes', async () => {
    const { engine } = testing.sekisho;
    await testing.tenants.acme.setPolicy({ idle_timeout: 86_400, absolute_timeout: 86_400 });
    const login = await testing.tenants.acme.users.noor.login();
    const killed: string[] = [];
    const session = await engine.events.connectionOf(login.accessToken);
    engine.sockets.connect(session, (why) => killed.push(why));
    await testing.advance({ hours: 23 });
    expect(killed).toEqual([]);
    await testing.advance({ hours: 2 });
    expect(killed).toEqual(['ended']);
  });

  test('A1 A3 clean-up runs to its end, over as many batches as there are', async () => {
    const { acme } = testing.tenants;
    await acme.setPolicy({ max_sessions_per_user: 1000 });
    const { noor } = acme.users;
    for (let n = 0; n < 230; n += 1) await noor.login();
    const removed = () => testing.sekisho.engine.maintenance.status().removed.sessions;
    const before = removed();
    await testing.advance({ days: 9 });
    await testing.cleanUp();
    expect(removed() - before).toBeGreaterThanOrEqual(230);
    const page = { limit: 100, cursor: null };
    const { operator } = testing.sekisho.engine;
    const ended = { tenant: 'acme', user: null, state: 'expired', page } as const;
    expect(await operator.listSessions(ended)).toEqual([]);
  });

  test('goes on only, and only where it is held', async () => {
    await expect(testing.advance({})).rejects.toThrow('Time goes on');
    await expect(testing.advance({ hours: -1 })).rejects.toThrow('Time goes on');
  });
});

describe('reset (A1)', () => {
  test('A1 everything is as it was, the same users too, and nobody is logged in', async () => {
    const { acme } = testing.tenants;
    const { noor, kei } = acme.users;
    const login = await noor.login();
    const { operator } = testing.sekisho.engine;
    await acme.setPolicy({ max_sessions_per_user: 1 });
    await acme.addUser('lee');
    const fresh = await testing.addTenant('initech', { users: { bill: {} } });
    const bill = await fresh.users.bill?.login();
    await operator.deleteUser({ tenant: 'acme', user: kei.userId, waitMs: null });
    await operator.suspendTenant({ tenant: 'globex', reason: null, waitMs: null });
    await operator.pauseCleanup({ by: 'a test' });
    for (let n = 0; n < 12; n += 1) await passwordLogin('acme', noor.email, `wrong ${n}`);
    expect((await passwordLogin('acme', noor.email, TEST_PASSWORD)).status).toBe(429);

    await testing.reset();

    expect(await codeOf(authenticate(login.accessToken))).toBe('session_revoked');
    expect(await codeOf(login.refresh())).toMatch(/session_revoked|invalid_refresh_token/);
    expect(await codeOf(authenticate(bill?.accessToken ?? ''))).toBe('session_revoked');
    const tenants = await operator.listTenants({ limit: 10, cursor: null });
    expect(tenants.map(({ slug, status }) => [slug, status]).sort()).toEqual([
      ['acme', 'active'],
      ['globex', 'active'],
    ]);
    const users = await operator.listUsers({ tenant: 'acme', page: { limit: 10, cursor: null } });
    expect(users.map(({ uid }) => uid).sort()).toEqual(
      [acme.admin.userId, noor.userId, kei.userId].sort(),
    );
    const { policy } = await operator.getTenantPolicy({ tenant: 'acme' });
    expect(policy).toMatchObject({ max_sessions_per_user: 3, idle_timeout: 600 });
    expect(testing.sekisho.engine.maintenance.status().state).not.toBe('paused');
    expect((await passwordLogin('acme', noor.email, TEST_PASSWORD)).status).toBe(200);
    const again = await kei.login();
    expect((await authenticate(again.accessToken)).userId).toBe(kei.userId);
    await authenticate((await again.refresh()).accessToken);
  });

  test('A1 many in a row, each with logins after it', async () => {
    const { kei } = testing.tenants.acme.users;
    for (let turn = 0; turn < 5; turn += 1) {
      const login = await kei.login();
      await authenticate(login.accessToken);
      await testing.reset();
      expect(await codeOf(authenticate(login.accessToken))).toBe('session_revoked');
    }
  });

  test('A1 the audit trail goes on where it was put back to, sealed and whole', async () => {
    const { operator } = testing.sekisho.engine;
    const { noor } = testing.tenants.acme.users;
    for (let times = 0; times < 2; times += 1) {
      await noor.login();
      await operator.checkpointAudit({ tenant: null, all: true });
      await testing.reset();
    }
    await noor.login();
    await operator.checkpointAudit({ tenant: null, all: true });
    const { trails } = await operator.verifyAudit({ tenant: null, all: true, kept: null });
    expect(trails.length).toBeGreaterThan(0);
    for (const trail of trails) expect(trail).toMatchObject({ problems: [], unsealed: 0 });
  });
});

describe('production', () => {
  test('is refused, whatever is asked for', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    try {
      expect(await codeOf(createTestSekisho())).toBe('invalid_configuration');
      vi.resetModules();
      expect(await codeOf(import('../../src/testing/index.ts'))).toBe('invalid_configuration');
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('two instances know nothing of each other', async () => {
    const other = await createTestSekisho({ clock: 'real' });
    try {
      const login = await other.tenants.main.users.member.login();
      expect((await other.sekisho.authenticate(login.accessToken)).roles).toEqual(['member']);
      expect(await codeOf(authenticate(login.accessToken))).toBe('invalid_token');
      expect(Math.abs(other.now().getTime() - Date.now())).toBeLessThan(60_000);
      await expect(other.advance({ seconds: 1 })).rejects.toThrow('is real');
    } finally {
      await other.close();
    }
  });
});
