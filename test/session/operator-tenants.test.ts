import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import type { Progress } from '../../src/session/operator/contract.ts';
import { codeOf, ORIGIN, PASSWORD, startTestEngine, type TestEngine } from '../support/engine.ts';

let test_: TestEngine;
beforeAll(async () => {
  test_ = await startTestEngine();
});
afterAll(() => test_.close());

const PAGE = { limit: 200, cursor: null };
const WITHOUT = { reason: null, waitMs: null };

/** How a login of the tenant's administrator ends. */
function loginAs(slug: string, password = PASSWORD): Promise<string> {
  return codeOf(test_.login(slug, `admin@${slug}.example`, { password }));
}

describe('a tenant that is suspended', () => {
  test('B3 ASVS 7.4.1 its sessions end everywhere before the call returns; logins get tenant_suspended', async () => {
    const { operator, authentication, logins } = test_.engine;
    const { tenant, admin, pair } = await test_.makeTenant('pause');
    const beside = await test_.makeTenant('beside');
    const suspended = await operator.suspendTenant({
      tenant: 'pause',
      reason: 'unpaid',
      waitMs: null,
    });
    expect(suspended).toMatchObject({
      tenant: { tid: tenant.tid, status: 'suspended' },
      revocation: {
        scope: 'tenant',
        reason: 'unpaid',
        subject: { tid: tenant.tid, uid: null, sid: null },
        barrier: { effective: 'everywhere' },
      },
    });
    expect(await codeOf(authentication.authenticate(pair.accessToken))).toBe('session_revoked');
    expect(await codeOf(logins.refresh(pair.refreshToken, ORIGIN))).toBe('session_revoked');
    expect(await loginAs('pause')).toBe('tenant_suspended');
    expect(await codeOf(test_.open('pause', admin.uid))).toBe('tenant_suspended');
    await authentication.authenticate(beside.pair.accessToken);
    expect(await loginAs('beside')).toBe('none');
  });

  test('ASVS 6.3.8 whoever has no right password learns nothing of it', async () => {
    expect(await loginAs('pause', 'wrong')).toBe('invalid_credentials');
    expect(await codeOf(test_.login('pause', 'nobody@pause.example'))).toBe('invalid_credentials');
  });

  test('ASVS 6.3.1 a right password is no failed attempt, however often', async () => {
    for (let n = 0; n < 12; n += 1) expect(await loginAs('pause')).toBe('tenant_suspended');
  });

  test('AUTHORITY an administrator of it has none, nor has a reset link', async () => {
    const { operator, administration, logins } = test_.engine;
    const { caller, admin } = await test_.makeTenant('idle');
    const { reset } = await administration.createUser(caller, {
      email: 'late@idle.example',
      password: null,
      name: null,
      roles: null,
    });
    await operator.suspendTenant({ tenant: 'idle', ...WITHOUT });
    const change = administration.patchUser(caller, admin.uid, { name: 'Still here' }, null);
    expect(await codeOf(change)).toBe('session_revoked');
    const use = () => logins.resetPassword(reset?.token ?? '', PASSWORD, ORIGIN);
    expect(await codeOf(use())).toBe('invalid_token');
    await operator.resumeTenant({ tenant: 'idle' });
    // It was not used up by that.
    expect(await codeOf(use())).toBe('none');
  });

  test('resumed, people log in again; what ended stays ended', async () => {
    const { operator, authentication, administration } = test_.engine;
    const { caller, pair } = await test_.makeTenant('back');
    await operator.suspendTenant({ tenant: 'back', ...WITHOUT });
    const { tenant } = await operator.resumeTenant({ tenant: 'back' });
    expect(tenant.status).toBe('active');
    expect(await codeOf(authentication.authenticate(pair.accessToken))).toBe('session_revoked');
    const again = await test_.callerOf(await test_.login('back', 'admin@back.example'));
    const trail = await administration.listAudit(again, {}, PAGE);
    const actions = trail.map(({ action, actor }) => `${actor.kind} ${action}`);
    expect(actions).toEqual(
      expect.arrayContaining(['operator tenant_suspended', 'operator tenant_resumed']),
    );
    expect(caller.session.tenantId).toBe(again.session.tenantId);
  });

  test('MINT a login that was under way when it was suspended opens nothing', async () => {
    const { operator } = test_.engine;
    await test_.makeTenant('race');
    const [login] = await Promise.all([
      loginAs('race'),
      operator.suspendTenant({ tenant: 'race', ...WITHOUT }),
    ]);
    const sessions = await operator.listSessions({
      tenant: 'race',
      user: null,
      state: 'active',
      page: PAGE,
    });
    expect(['none', 'tenant_suspended']).toContain(login);
    expect(sessions).toEqual([]);
  });
});

describe('a tenant that is deleted', () => {
  test('B3 everything of it ends, its rows go in batches, and its slug is free again', async () => {
    const { operator, authentication, logins } = test_.engine;
    const { tenant, admin, pair, caller } = await test_.makeTenant('gone');
    const beside = await test_.makeTenant('stays');
    for (let n = 0; n < 5; n += 1) await test_.open('gone', admin.uid, `device ${n}`);
    await test_.makeUser(caller, 'second@gone.example');
    const heard: Progress[] = [];
    const done = await operator.deleteTenant({ tenant: 'gone', ...WITHOUT }, (progress) => {
      heard.push(progress);
    });
    expect(done).toMatchObject({
      tenant: { tid: tenant.tid },
      revocation: { scope: 'tenant', barrier: { effective: 'everywhere' } },
    });
    // Two users, six sessions, the tenant.
    expect(done.rows).toBe(9);
    expect(heard[0]).toEqual({ done: 0, total: 9 });
    expect(heard.at(-1)).toEqual({ done: 9, total: 9 });

    expect(await codeOf(authentication.authenticate(pair.accessToken))).toBe('session_revoked');
    expect(await codeOf(logins.refresh(pair.refreshToken, ORIGIN))).toBe('invalid_refresh_token');
    expect(await loginAs('gone')).toBe('invalid_credentials');
    expect(await codeOf(operator.getTenant({ tenant: 'gone' }))).toBe('not_found');
    await authentication.authenticate(beside.pair.accessToken);

    const next = await test_.makeTenant('gone');
    expect(next.tenant.tid).not.toBe(tenant.tid);
    expect(await loginAs('gone')).toBe('none');
    expect(await codeOf(authentication.authenticate(pair.accessToken))).toBe('session_revoked');
  });

  test('A5 one that was interrupted lets nobody in, and goes on when it is asked for again', async () => {
    const { operator } = test_.engine;
    const { tenant, caller } = await test_.makeTenant('half');
    const { tenants } = test_.record;
    vi.spyOn(tenants, 'deleteRows').mockRejectedValueOnce(
      new SekishoError('store_unavailable', 'Away.', { retryAfterSeconds: 1 }),
    );
    const interrupted = operator.deleteTenant({ tenant: 'half', ...WITHOUT });
    await expect(interrupted).rejects.toThrow(/delete it again/);
    expect((await operator.getTenant({ tenant: 'half' })).tenant.status).toBe('deleting');
    expect(await loginAs('half')).toBe('tenant_suspended');
    // There is no way back, and nothing is added to it.
    expect(await codeOf(operator.resumeTenant({ tenant: 'half' }))).toBe('not_found');
    const added = operator.createUser({
      ...{ tenant: 'half', email: 'x@half.example', password: PASSWORD, name: null, roles: null },
    });
    expect(await codeOf(added)).toBe('not_found');
    expect(await codeOf(test_.makeTenant('half'))).toBe('slug_taken');

    const done = await operator.deleteTenant({ tenant: tenant.tid, ...WITHOUT });
    expect(done).toMatchObject({ revocation: null, rows: 3 });
    expect(caller.session.tenantId).toBe(tenant.tid);
    expect(await codeOf(operator.getTenant({ tenant: tenant.tid }))).toBe('not_found');
  });

  test('two that delete at once share the work', async () => {
    const { operator } = test_.engine;
    await test_.makeTenant('twice');
    const ways = await Promise.all(
      [1, 2].map(() => codeOf(operator.deleteTenant({ tenant: 'twice', ...WITHOUT }))),
    );
    expect(ways).toContain('none');
    for (const way of ways) expect(['none', 'not_found']).toContain(way);
    expect(await codeOf(operator.getTenant({ tenant: 'twice' }))).toBe('not_found');
  });
});

describe('an operator sets the policy', () => {
  test('A8 field by field, and what is against a rule says which', async () => {
    const { operator, administration } = test_.engine;
    const { caller } = await test_.makeTenant('ruled');
    const { policy, version, revocation } = await operator.setTenantPolicy({
      tenant: 'ruled',
      set: { access_ttl: 120, 'login_limit.max_wait': 60, on_session_limit: 'reject' },
      ifVersion: null,
    });
    expect(policy).toMatchObject({
      access_ttl: 120,
      idle_timeout: 3600,
      on_session_limit: 'reject',
      login_limit: { max_wait: 60, account_attempts: 10 },
    });
    // Shorter than before: the tokens of the longer life are superseded.
    expect(revocation).toMatchObject({ scope: 'reissue', barrier: { effective: 'everywhere' } });
    expect(version).toBe(2);
    const refreshed = await test_.login('ruled', 'admin@ruled.example');
    expect(refreshed.expiresInSeconds).toBe(120);
    const again = await test_.callerOf(refreshed);
    expect((await administration.getPolicy(again)).policy).toEqual(policy);
    expect(caller.session.tenantId).toBe(again.session.tenantId);

    const wrong = (set: Record<string, number | string>, ifVersion: number | null = null) =>
      codeOf(operator.setTenantPolicy({ tenant: 'ruled', set, ifVersion }));
    expect(await wrong({ access_ttl: 9000 })).toBe('validation_failed');
    expect(await wrong({ acess_ttl: 60 })).toBe('validation_failed');
    expect(await wrong({ 'login_limit.max': 60 })).toBe('validation_failed');
    expect(await wrong({ '__proto__.max': 60 })).toBe('validation_failed');
    expect(await wrong({ access_ttl: 60 }, 1)).toBe('precondition_failed');
  });
});
