import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SekishoError } from '../../src/errors.ts';
import { codeOf, ORIGIN, PASSWORD, startTestEngine, type TestEngine } from '../support/engine.ts';

let test_: TestEngine;
beforeAll(async () => {
  test_ = await startTestEngine();
});
afterAll(() => test_.close());

const PAGE = { limit: 50, cursor: null };

test('the first start makes a tenant, exactly once, also when several start at once', async () => {
  const { operator } = test_.engine;
  const input = { slug: 'main', adminEmail: 'admin@localhost', adminPassword: PASSWORD };
  const bad = operator.bootstrap({ ...input, adminPassword: 'password1' });
  expect(await codeOf(bad)).toBe('validation_failed');
  const made = await Promise.all([1, 2, 3].map(() => operator.bootstrap(input)));
  expect(made.filter((one) => one !== null)).toHaveLength(1);
  expect(await operator.bootstrap({ ...input, slug: 'other' })).toBeNull();
  expect((await operator.listTenants(PAGE)).map(({ slug }) => slug)).toEqual(['main']);
  await test_.login('main', 'admin@localhost');
});

test('a second tenant: its slug is its own, and what is wrong says so', async () => {
  const { operator } = test_.engine;
  const input = {
    slug: 'acme',
    name: 'Acme',
    adminEmail: 'admin@localhost',
    adminPassword: PASSWORD,
  };
  const { tenant, admin } = await operator.createTenant(input);
  expect(tenant).toMatchObject({ slug: 'acme', name: 'Acme' });
  expect(admin).toMatchObject({ email: 'admin@localhost', roles: ['admin'] });
  expect(await codeOf(operator.createTenant(input))).toBe('slug_taken');
  for (const wrong of [
    { slug: 'Not A Slug' },
    { adminEmail: 'nobody' },
    { adminPassword: 'acme' },
  ]) {
    expect(await codeOf(operator.createTenant({ ...input, slug: 'next', ...wrong }))).toBe(
      'validation_failed',
    );
  }
});

test('roles that were changed meanwhile are not put back by a reset', async () => {
  const { operator, administration } = test_.engine;
  const { caller } = await test_.makeTenant('meanwhile');
  const user = await test_.makeUser(caller, 'ada@meanwhile.example', ['buyer']);
  const { users } = test_.record;
  const byEmail = users.byEmail.bind(users);
  vi.spyOn(users, 'byEmail').mockImplementationOnce(async (tid, email) => {
    const read = await byEmail(tid, email);
    await administration.patchUser(caller, user.uid, { roles: ['seller'] }, null);
    return read;
  });
  const { user: now } = await operator.resetUser({
    tenant: 'meanwhile',
    email: 'ada@meanwhile.example',
    password: null,
    makeAdmin: true,
  });
  expect(now.roles).toEqual(['admin', 'seller']);
});

test('somebody who has forgotten everything gets a new way in, and only that', async () => {
  const { operator, administration, logins } = test_.engine;
  const lost = await test_.makeTenant('lost');
  const user = await test_.makeUser(lost.caller, 'ida@lost.example', ['buyer']);
  await administration.patchUser(lost.caller, user.uid, { status: 'disabled' }, null);
  const before = await test_.open('lost', lost.admin.uid);

  const next = 'copper-window-garden-64';
  const given = await operator.resetUser({
    tenant: 'lost',
    email: 'IDA@lost.example',
    password: next,
    makeAdmin: true,
  });
  expect(given).toMatchObject({
    reset: null,
    user: { uid: user.uid, status: 'active', roles: ['admin', 'buyer'] },
    revocation: { barrier: { effective: 'everywhere' } },
  });
  await test_.login('lost', 'ida@lost.example', { password: next });

  const linked = await operator.resetUser({
    tenant: 'lost',
    email: 'admin@lost.example',
    password: null,
    makeAdmin: false,
  });
  const use = test_.engine.authentication.authenticate(before.accessToken);
  expect(await codeOf(use)).toBe('session_revoked');
  expect(await codeOf(test_.login('lost', 'admin@lost.example'))).toBe('invalid_credentials');
  await logins.resetPassword(linked.reset?.token ?? '', next, ORIGIN);
  await test_.login('lost', 'admin@lost.example', { password: next });

  const nobody = { tenant: 'lost', email: 'x@y', password: null, makeAdmin: false };
  expect(await codeOf(operator.resetUser(nobody))).toBe('not_found');
  expect(await codeOf(operator.resetUser({ ...nobody, tenant: 'nowhere' }))).toBe('not_found');
});

test('whatever a reset comes to, nobody is active again by the old password', async () => {
  const { operator, administration } = test_.engine;
  const half = await test_.makeTenant('half');
  const user = await test_.makeUser(half.caller, 'eva@half.example', ['buyer']);
  await administration.patchUser(half.caller, user.uid, { status: 'disabled' }, null);
  const { committer } = test_.services;
  const commit = committer.commit.bind(committer);
  const next = 'copper-window-garden-64';
  const input = { tenant: 'half', email: 'eva@half.example', password: next, makeAdmin: true };
  const done: (string | undefined)[] = [];
  // Only the first write of the reset happens.
  const away = vi.spyOn(committer, 'commit').mockImplementation(async (request) => {
    if (done.length > 0) throw new SekishoError('store_unavailable', 'away');
    done.push(request.change?.kind);
    return commit(request);
  });
  expect(await codeOf(operator.resetUser(input))).toBe('store_unavailable');
  away.mockRestore();
  expect(done).toEqual(['password_set']);
  expect(await operator.getUser({ tenant: 'half', user: user.email })).toMatchObject({
    ...{ status: 'disabled', roles: ['buyer'] },
  });
  expect(await codeOf(test_.login('half', user.email))).toBe('invalid_credentials');

  const whole = await operator.resetUser(input);
  expect(whole).toMatchObject({ user: { status: 'active', roles: ['admin', 'buyer'] } });
  expect(await codeOf(test_.login('half', user.email))).toBe('invalid_credentials');
  await test_.login('half', user.email, { password: next });
});

test('members are listed with addresses for the operator, without for administrators', async () => {
  const [member] = await test_.engine.operator.members();
  expect(member).toHaveProperty('address');
  const { caller } = await test_.makeTenant('nodes');
  const [node] = await test_.engine.administration.nodes(caller);
  expect(node).toMatchObject({ self: true, lag: expect.any(Number) });
  expect(node).not.toHaveProperty('address');
});

test('RESTORE whoever declares it ends every session of every tenant; logins go on', async () => {
  const { operator, authentication } = test_.engine;
  const [one, two] = await Promise.all([test_.makeTenant('before'), test_.makeTenant('behind')]);
  const tokens = [one.pair.accessToken, two.pair.accessToken];
  for (const token of tokens) await authentication.authenticate(token);
  const revocation = await operator.declareRestored();
  expect(revocation).toMatchObject({ scope: 'all', reason: 'restored' });
  expect(revocation.barrier.effective).toBe('everywhere');
  for (const token of tokens)
    expect(await codeOf(authentication.authenticate(token))).toBe('invalid_token');
  const { accessToken } = await test_.login('before', one.admin.email);
  await authentication.authenticate(accessToken);
});
