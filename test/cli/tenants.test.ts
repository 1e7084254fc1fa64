import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OperatorCommands } from '../../src/create/operator-commands.ts';
import { type Operated, startOperated } from '../support/cli.ts';
import { codeOf, type TestTenant } from '../support/engine.ts';

let at: Operated;
let acme: TestTenant;
/** While it is set, what a revocation came to is not known of one of two nodes. */
let oneNodeIsSilent = false;

beforeAll(async () => {
  at = await startOperated(withSilentNode);
  acme = await at.engine.makeTenant('acme');
});
afterAll(() => at?.close());

function withSilentNode(commands: OperatorCommands): OperatorCommands {
  return {
    ...commands,
    async revokeSessions(input) {
      const revocation = await commands.revokeSessions(input);
      if (!oneNodeIsSilent) return revocation;
      const deadlineMs = Date.UTC(2030, 0, 1);
      const barrier = {
        effective: 'pending',
        members: 2,
        acknowledged: 1,
        waitedMs: 5,
        deadlineMs,
      } as const;
      return { ...revocation, barrier };
    },
  };
}

describe('sekisho tenant', () => {
  test('B1 list and show, as lines and as JSON', async () => {
    const { tid } = acme.tenant;
    const tenant = { id: tid, slug: 'acme', name: 'acme', status: 'active' };
    expect((await at.run('tenant', 'list', '--json')).json).toMatchObject({ tenants: [tenant] });
    expect((await at.run('tenant', 'list')).stdout).toMatch(
      /^SLUG +STATUS +CREATED +NAME\nacme +active/,
    );
    for (const named of ['acme', tid]) {
      expect((await at.run('tenant', 'show', named, '--json')).json).toMatchObject({
        tenant,
        stats: { users: 1, active_sessions: 1 },
      });
    }
    expect((await at.run('tenant', 'show', 'acme')).stdout).toContain('sessions  1 active');
    expect(await at.run('tenant', 'show', 'nowhere')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'sekisho: There is no tenant nowhere.\n',
    });
    expect((await at.run('tenant', 'show', 'nowhere', '--json')).json).toEqual({
      error: { code: 'not_found', message: 'There is no tenant nowhere.' },
    });
  });

  test('B3 suspend asks first, then ends all and keeps people out; resume lets them in', async () => {
    await at.engine.makeTenant('pause');
    expect(await at.run('tenant', 'suspend', 'pause')).toMatchObject({ code: 2, stdout: '' });
    const login = () => codeOf(at.engine.login('pause', 'admin@pause.example'));
    expect(await login()).toBe('none');
    const done = await at.run(
      'tenant',
      'suspend',
      'pause',
      '--yes',
      '--reason',
      'unpaid',
      '--json',
    );
    expect(done).toMatchObject({
      code: 0,
      stderr: '',
      json: {
        tenant: { slug: 'pause', status: 'suspended' },
        revocation: { scope: 'tenant', effective: 'everywhere', reason: 'unpaid' },
      },
    });
    expect(await login()).toBe('tenant_suspended');
    expect(await at.run('tenant', 'resume', 'pause')).toMatchObject({
      code: 0,
      stdout: 'pause is active\n',
    });
    expect(await login()).toBe('none');
  });

  test('B3 delete removes everything, says how much, and frees the slug', async () => {
    await at.engine.makeTenant('gone');
    expect(await at.run('tenant', 'delete', 'gone')).toMatchObject({ code: 2, stdout: '' });
    const done = await at.run('tenant', 'delete', 'gone', '--yes');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toContain('gone is deleted: 3 rows');
    expect((await at.run('tenant', 'delete', 'gone', '--yes')).code).toBe(1);
    await at.engine.makeTenant('gone');
    expect((await at.run('tenant', 'delete', 'gone', '--yes', '--json')).json).toMatchObject({
      tenant: { slug: 'gone' },
      revocation: { effective: 'everywhere' },
      rows: 3,
    });
  });

  test('A8 policy get and set', async () => {
    const set = await at.run(
      ...['tenant', 'policy', 'set', 'acme', '--set', 'access_ttl=120'],
      ...['--set', 'on_session_limit=reject', '--set', 'login_limit.max_wait=60', '--json'],
    );
    expect(set).toMatchObject({
      code: 0,
      json: {
        policy: { access_ttl: 120, on_session_limit: 'reject', login_limit: { max_wait: 60 } },
        version: 2,
        revocation: { scope: 'reissue' },
      },
    });
    const { stdout } = await at.run('tenant', 'policy', 'get', 'acme');
    expect(stdout).toContain('access_ttl=120\n');
    expect(stdout).toContain('login_limit.max_wait=60\n');
    const stale = ['--set', 'access_ttl=60', '--if-version', '1'];
    expect((await at.run('tenant', 'policy', 'set', 'acme', ...stale)).code).toBe(1);
    const policySet = (...fields: readonly string[]) =>
      at.run(
        'tenant',
        'policy',
        'set',
        'acme',
        ...fields.flatMap((one) => (one === '--yes' ? [one] : ['--set', one])),
      );
    for (const [field, words] of [
      ['access_ttl=9000', 'sekisho: --set access_ttl must be 30s to 15m, not 9000\n'],
      ['idle_timeout=soon', 'sekisho: --set idle_timeout must be 30s to 30d, not soon\n'],
      ['max_sessions_per_user=5m', '--set max_sessions_per_user must be 1 to 1000, not 5m'],
      ['on_session_limit=x', '--set on_session_limit must be revoke_oldest or reject, not x'],
      ['acces_ttl=60', 'a policy has no field acces_ttl (did you mean access_ttl?)'],
      ['colour=red', 'a policy has no field colour; it has access_ttl, '],
    ] as const) {
      const wrong = await policySet(field);
      expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
    }
    // A rule between fields, which the record knows.
    const crossed = await policySet('access_ttl=5m', 'idle_timeout=2m', '--yes');
    expect(crossed.code).toBe(1);
    expect(crossed.stderr).toBe(
      'sekisho: The policy is not valid: access_ttl must be at most idle_timeout.\n',
    );
    expect((await policySet('access_ttl=2m')).stdout).toContain('access_ttl=120');
    await at.run('tenant', 'policy', 'set', 'acme', '--set', 'on_session_limit=revoke_oldest');
    const held = await at.run(
      ...['tenant', 'policy', 'set', 'acme', '--set', 'access_ttl=60', '--for', '2h', '--json'],
    );
    expect(held.json).toMatchObject({ policy: { access_ttl: 60 }, after: { access_ttl: 120 } });
  });

  test('A8 B14 policy end-override: what is there for good is in force again, and it is audited', async () => {
    await at.engine.makeTenant('for-a-while');
    const policy = (...words: readonly string[]) => at.run('tenant', 'policy', ...words);
    const long = ['--set', 'access_ttl=600', '--set', 'on_session_limit=reject'];
    const held = await policy('set', 'for-a-while', ...long, '--for', '2h', '--json');
    const { version, override_until } = held.json as { version: number; override_until: string };
    const stale = await policy('end-override', 'for-a-while', '--if-version', `${version - 1}`);
    expect([stale.code, stale.stdout]).toEqual([1, '']);
    const right = ['--if-version', `${version}`, '--json'];
    const ended = await policy('end-override', 'for-a-while', ...right);
    expect(ended).toMatchObject({
      code: 0,
      // Tokens of the longer life are superseded.
      json: { policy: { access_ttl: 300 }, version: version + 1, revocation: { scope: 'reissue' } },
    });
    expect(ended.json).not.toHaveProperty('after');
    expect((await policy('get', 'for-a-while')).stdout).not.toContain('until');
    const action = ['--action', 'policy_changed', '--limit', '1', '--json'];
    const { json } = await at.run('audit', 'list', '--tenant', 'for-a-while', ...action);
    const detail = { access_ttl: 300, shorter: true, override_ended: override_until };
    expect(json).toMatchObject({ events: [{ detail }] });
    const again = await policy('end-override', 'for-a-while');
    expect(again).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: 'sekisho: No override is in force: the policy holds for good.\n',
    });
  });
});

describe('sekisho user', () => {
  const tenant = ['--tenant', 'acme'];

  test('B1 create, show, roles, disable, enable, delete; by e-mail address or id', async () => {
    const made = await at.run(
      ...['user', 'create', 'Yuki@Acme.example', ...tenant, '--role', 'buyer', '--link', '--json'],
    );
    expect(made).toMatchObject({
      code: 0,
      json: {
        user: { email: 'yuki@acme.example', roles: ['buyer'], status: 'active' },
        reset: { token: expect.any(String), expires_at: expect.any(String) },
      },
    });
    const { id } = made.json.user;
    const again = await at.run(
      'user',
      'create',
      'yuki@acme.example',
      ...tenant,
      '--link',
      '--json',
    );
    expect(again).toMatchObject({ code: 1, json: { error: { code: 'email_taken' } } });

    const roles = await at.run('user', 'roles', id, ...tenant, '--role', 'seller', '--json');
    expect(roles.json).toMatchObject({
      user: { roles: ['seller'] },
      revocation: { scope: 'reissue', effective: 'everywhere' },
    });
    const pair = await at.engine.open('acme', id);
    const why = ['--reason', 'left the company'];
    const off = ['user', 'disable', 'YUKI@acme.example'];
    const disabled = await at.run(...off, ...tenant, ...why, '--json');
    expect(disabled.json).toMatchObject({
      user: { id, status: 'disabled' },
      revocation: { scope: 'user', effective: 'everywhere', reason: 'left the company' },
    });
    const tooLong = ['--reason', 'x'.repeat(501)];
    expect(await at.run(...off, ...tenant, ...tooLong)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('at most 500') },
    });
    const { authentication } = at.engine.engine;
    expect(await codeOf(authentication.authenticate(pair.accessToken))).toBe('session_revoked');
    expect((await at.run('user', 'enable', id, ...tenant)).stdout).toBe(
      'yuki@acme.example may log in\n',
    );
    expect((await at.run('user', 'show', id, ...tenant, '--json')).json).toMatchObject({
      user: { id, status: 'active', roles: ['seller'] },
      active_sessions: 0,
    });
    expect((await at.run('user', 'list', ...tenant)).stdout).toMatch(
      /yuki@acme\.example +active +seller/,
    );
    expect((await at.run('user', 'delete', id, ...tenant)).code).toBe(2);
    const asked = ['--reason', 'asked to be forgotten'];
    expect(
      await at.run('user', 'delete', id, ...tenant, ...asked, '--yes', '--json'),
    ).toMatchObject({
      code: 0,
      json: { user: { id, status: 'deleted' }, revocation: { reason: 'asked to be forgotten' } },
    });
    // B14: the trail says it as well.
    const trail = await at.run('audit', 'list', ...tenant, '--json');
    const said = (action: string) =>
      trail.json.events.find((row: { readonly action: string }) => row.action === action);
    expect(said('user_disabled')).toMatchObject({ detail: { reason: 'left the company' } });
    expect(said('user_deleted')).toMatchObject({ detail: { reason: 'asked to be forgotten' } });
    expect((await at.run('user', 'show', id, ...tenant)).code).toBe(1);
  });

  test('B1 the last administrator stays one', async () => {
    const { email } = acme.admin;
    for (const args of [['disable'], ['delete', '--yes'], ['roles', '--role', 'member']]) {
      const [word = '', ...more] = args;
      const done = await at.run('user', word, email, ...tenant, ...more, '--json');
      expect(done).toMatchObject({ code: 1, json: { error: { code: 'last_administrator' } } });
    }
  });

  test('ASVS 6.4.6 reset by link: the old password is dead, the token sets a new one', async () => {
    const ann = await at.engine.makeUser(acme.caller, 'ann@acme.example');
    const done = await at.run('user', 'reset', ann.uid, ...tenant, '--link', '--json');
    expect(done).toMatchObject({
      code: 0,
      json: { user: { id: ann.uid }, revocation: { effective: 'everywhere' }, reset: {} },
    });
    expect(await codeOf(at.engine.login('acme', ann.email))).toBe('invalid_credentials');
  });
});

describe('sekisho session and revoke', () => {
  const tenant = ['--tenant', 'acme'];

  test('B3 ASVS 7.4.5 list, show and revoke one', async () => {
    const bob = await at.engine.makeUser(acme.caller, 'bob@acme.example');
    const one = await at.engine.open('acme', bob.uid, 'Laptop');
    const two = await at.engine.open('acme', bob.uid, 'Phone');
    const listed = await at.run('session', 'list', ...tenant, '--user', bob.email, '--json');
    expect(listed.json.sessions).toMatchObject([
      { id: two.session.sid, device: { name: 'Phone' }, state: 'active' },
      { id: one.session.sid, device: { name: 'Laptop' } },
    ]);
    const { sid } = one.session;
    const done = await at.run('session', 'revoke', sid, ...tenant, '--reason', 'lost', '--json');
    expect(done).toMatchObject({
      code: 0,
      json: {
        revocation: {
          scope: 'session',
          subject: { session_id: sid },
          effective: 'everywhere',
          reason: 'lost',
        },
      },
    });
    expect((await at.run('session', 'show', sid, ...tenant, '--json')).json).toMatchObject({
      session: { id: sid, state: 'revoked' },
    });
    const { authentication } = at.engine.engine;
    await authentication.authenticate(two.accessToken);
    expect((await at.run('session', 'list', ...tenant, '--user', bob.uid)).stdout).toMatch(/Phone/);
    const { id } = done.json.revocation;
    expect((await at.run('revoke', 'show', id, ...tenant)).stdout).toMatch(/holds everywhere/);
    expect((await at.run('revoke', 'show', id)).code).toBe(1);
    const foreign = await at.engine.makeTenant('foreign');
    const theirs = foreign.pair.session.sid;
    expect((await at.run('session', 'revoke', theirs, ...tenant)).code).toBe(1);
    await authentication.authenticate(foreign.pair.accessToken);
  });

  test('B3 B7 of a user, of a tenant, of all; pending is exit code 3, and says until when', async () => {
    const { authentication } = at.engine.engine;
    const eve = await at.engine.makeUser(acme.caller, 'eve@acme.example');
    const session = await at.engine.open('acme', eve.uid);
    const other = await at.engine.makeTenant('other');
    oneNodeIsSilent = true;
    const pending = await at.run('revoke', 'user', eve.email, ...tenant, '--json');
    oneNodeIsSilent = false;
    expect(pending).toMatchObject({
      code: 3,
      stderr: '',
      json: { revocation: { effective: 'pending', deadline: '2030-01-01T00:00:00.000Z' } },
    });
    oneNodeIsSilent = true;
    const unwaited = await at.run('revoke', 'user', eve.email, ...tenant, '--wait', '0');
    oneNodeIsSilent = false;
    expect(unwaited.code).toBe(0);
    expect(unwaited.stdout).toContain('1 of 2 nodes has not said so yet');
    expect(await codeOf(authentication.authenticate(session.accessToken))).toBe('session_revoked');

    const mine = await at.engine.open('acme', acme.admin.uid);
    const whole = await at.run('revoke', 'tenant', 'acme', '--yes', '--wait', '10s', '--json');
    expect(whole.json).toMatchObject({ revocation: { scope: 'tenant', effective: 'everywhere' } });
    expect(await codeOf(authentication.authenticate(mine.accessToken))).toBe('session_revoked');
    await authentication.authenticate(other.pair.accessToken);
    const all = await at.run('revoke', 'all', '--yes', '--reason', 'drill', '--json');
    expect(all.json).toMatchObject({ revocation: { scope: 'all', effective: 'everywhere' } });
    const theirs = authentication.authenticate(other.pair.accessToken);
    expect(await codeOf(theirs)).toBe('session_revoked');
    expect((await at.run('revoke', 'show', all.json.revocation.id)).code).toBe(0);
  });
});
