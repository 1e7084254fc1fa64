import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revokedLine } from '../../src/cli/revoking.ts';
import type { Revocation } from '../../src/session/contract.ts';
import { type Operated, startOperated } from '../support/cli.ts';

let at: Operated;
beforeAll(async () => {
  at = await startOperated();
  await at.engine.makeTenant('acme');
});
afterAll(() => at?.close());

const OF_ACME = ['--tenant', 'acme'];

describe('A8 what commands say when something is half typed', () => {
  test.each([
    [['tenant', 'policy'], 'sekisho tenant policy get, sekisho tenant policy set'],
    [['ops', 'cleanup'], 'sekisho ops cleanup pause, sekisho ops cleanup resume'],
  ])('A8 %j lists what it may be followed by', async (words, listed) => {
    const { code, stderr } = await at.run(...words);
    expect(code).toBe(2);
    expect(stderr).toContain(`sekisho ${words.join(' ')} what? ${listed}`);
    const help = await at.run(...words, '--help');
    expect([help.code, help.stdout.includes(`${words.join(' ')} <command>`)]).toEqual([0, true]);
  });

  test('A8 an operand that begins with a dash: how it is meant', async () => {
    const { code, stderr } = await at.run('session', 'show', '-abc', ...OF_ACME);
    expect([code, stderr]).toEqual([
      2,
      "sekisho: Unknown option '-a' (is it SESSION? Then put it last, behind --)\n",
    ]);
  });

  test.each([
    [['keys', 'rotate', '--ahead', '10s'], '--ahead must be 150s to 30d, not 10s'],
    [['client', 'create', 'x', ...OF_ACME, '--expires', '10s'], '--expires must be 1m to 3650d'],
    [['client', 'rotate', 'x', ...OF_ACME, '--overlap', '31d'], '--overlap must be 0s to 30d'],
  ])('A8 %j speaks in the unit of its option', async (args, words) => {
    const { code, stderr } = await at.run(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(words);
  });

  test('A8 a rule names the field that is against it', async () => {
    const { code, stderr } = await at.run('user', 'create', 'n@acme.example', ...OF_ACME, ...LINK);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^sekisho: .*: roles\S* \w.*\.\n$/);
  });
});

const LINK = ['--role', 'NOT A ROLE', '--link'];

describe('A8 what lists say', () => {
  test('A8 audit list and session list say that there are more', async () => {
    await at.engine.login('acme', 'admin@acme.example');
    const some = await at.run('audit', 'list', ...OF_ACME, '--limit', '1');
    expect(some.stdout).toContain('more than 1 row: --limit');
    expect(
      (await at.run('audit', 'list', ...OF_ACME, '--limit', '1', '--json')).json,
    ).toMatchObject({ events: [{}], more: true });
    const all = await at.run('audit', 'list', ...OF_ACME);
    expect(all.stdout).not.toContain('more than');
    const sessions = await at.run('session', 'list', ...OF_ACME, '--limit', '1');
    expect(sessions.stdout).toContain('more than 1 session');
  });

  test('A8 sessions are listed with whose they are', async () => {
    const { json, stdout } = await at.run('session', 'list', ...OF_ACME, '--json');
    const [{ id, user_email: email }] = json.sessions;
    expect(email).toContain('@');
    expect(stdout).toContain(email);
    expect((await at.run('session', 'list', ...OF_ACME)).stdout).toContain(email);
    expect((await at.run('session', 'show', id, ...OF_ACME)).stdout).toContain(email);
  });

  test('A8 a session that was ended says when, why and by whom', async () => {
    const ended = async (...args: readonly string[]) => {
      const { accessToken } = await at.engine.login('acme', 'admin@acme.example');
      const { session } = await at.engine.callerOf({ accessToken });
      const shown = ['session', 'show', session.sessionId, ...OF_ACME];
      expect((await at.run(...shown)).stdout).toMatch(/ends {7}\d{4}-/);
      const named = args.map((one) => (one === 'IT' ? session.sessionId : one));
      expect(await at.run(...named, '--by', 'noor')).toMatchObject({ code: 0 });
      const { json } = await at.run(...shown, '--json');
      expect(json.session).toMatchObject({ state: 'revoked', end: { at: expect.any(String) } });
      return (await at.run(...shown)).stdout;
    };
    const lost = await ended('revoke', 'session', 'IT', ...OF_ACME, '--reason', 'laptop lost');
    expect(lost).toMatch(/ended {6}\S+Z: session_revoked by operator noor, laptop lost\n$/);
    const user = ['revoke', 'user', 'admin@acme.example', ...OF_ACME];
    expect(await ended(...user)).toContain('other sessions: session_revoked by operator noor\n');
    const tenant = await ended('revoke', 'tenant', 'acme', '--yes');
    expect(tenant).toContain('of the tenant: tenant_sessions_revoked by operator noor\n');
    const all = await ended('revoke', 'all', '--yes', '--reason', 'incident 12');
    expect(all).toContain('of every tenant: revoke_all by operator noor, incident 12\n');
  });

  test('A8 a client shows until when the secret before is good', async () => {
    const made = await at.run('client', 'create', 'billing', ...OF_ACME, '--json');
    const { id } = made.json.client;
    expect((await at.run('client', 'list', ...OF_ACME)).stdout).toMatch(/PREVIOUS ENDS\n.* -\n$/);
    const rotated = await at.run('client', 'rotate', id, ...OF_ACME);
    expect(rotated.stdout).toMatch(/the secret until now is good until \d{4}-.*Z\n$/);
    expect((await at.run('client', 'list', ...OF_ACME)).stdout).toMatch(/ \d{4}-\S*Z\n$/);
  });

  test('A8 a second ceiling says what it drops', async () => {
    const lifetimes = (...more: readonly string[]) =>
      at.run('ops', 'lifetimes', '--for', '1h', '--wait', '0', ...more);
    const both = ['--access-ttl', '2m', '--idle-timeout', '15m', '--yes', '--by', 'noor'];
    expect((await lifetimes(...both)).stdout).not.toContain('no longer');
    const { stdout } = await lifetimes('--access-ttl', '1m');
    expect(stdout).toContain('in force: access-ttl 1m\n');
    expect(stdout).toContain('no longer in force: idle-timeout 15m, of noor');
    expect((await lifetimes('--access-ttl', '1m', '--json')).json).toMatchObject({
      replaced: { access_ttl: 60 },
    });
  });
});

describe('A8 BARRIER what is said of a revocation that is pending', () => {
  const revocation = (barrier: Partial<Revocation['barrier']>): Revocation => ({
    ...{ id: 'op1', position: 9, scope: 'user', epoch: 9, reason: null },
    subject: { tid: 't1', uid: 'u1', sid: null },
    barrier: {
      ...{ effective: 'pending', members: 3, acknowledged: 2, waitedMs: 5 },
      ...{ waitingFor: ['nodeB'], deadlineMs: Date.UTC(2030, 0, 1) },
      ...barrier,
    },
  });

  test('A8 which node has not answered, until when, and what to do next', () => {
    expect(revokedLine('it has ended', revocation({}))).toBe(
      'it has ended, but 1 of 3 nodes has not said so yet (nodeB), at the latest 2030-01-01T00:00:00.000Z; to ask again: sekisho revoke show --tenant t1 op1',
    );
    const two = revocation({ acknowledged: 1, waitingFor: ['nodeB', 'nodeC'] });
    expect(revokedLine('it has ended', two)).toContain(
      '2 of 3 nodes have not said so yet (nodeB, nodeC)',
    );
  });

  test('A8 where nodes are unknown, or have all answered within a first term', () => {
    const unknown = revocation({ members: 0, acknowledged: 0, waitingFor: [] });
    expect(revokedLine('it', unknown)).toContain('it, but which nodes know is not known yet');
    const sure = revocation({ acknowledged: 3, waitingFor: [] });
    expect(revokedLine('it', sure)).toContain('it, but that every node knows is not certain yet');
  });
});

describe('A8 names that lead nowhere', () => {
  test('A8 a service client goes by its id, a tenant by slug or id', async () => {
    for (const verb of ['rotate', 'delete'] as const) {
      const yes = verb === 'delete' ? ['--yes'] : [];
      const { code, stderr } = await at.run('client', verb, 'shop', ...OF_ACME, ...yes);
      expect([code, stderr]).toEqual([
        1,
        'sekisho: There is no service client with the id shop in acme: sekisho client list shows them.\n',
      ]);
    }
    const { json } = await at.run('tenant', 'show', 'acme', '--json');
    const byId = ['--tenant', json.tenant.id];
    expect(await at.run('client', 'list', ...byId)).toMatchObject({ code: 0 });
    expect(await at.run('ops', 'regenerate', ...byId, '--wait', '0')).toMatchObject({ code: 0 });
  });

  test('A8 backup --every makes no directory that is called like a file', async () => {
    const { code, stderr } = await at.run('backup', 'x.backup', '--every', '1h');
    expect([code, existsSync('x.backup')]).toEqual([2, false]);
    expect(stderr).toContain('a directory is named');
  });
});
