import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { call, cleanUp, copyOf, login, makeTemplate, sekisho, serve } from '../support/process.ts';

let template: string;
beforeAll(async () => {
  template = await makeTemplate();
});
afterEach(cleanUp);
afterAll(() => rmSync(template, { recursive: true, force: true }));

/** Runs `sekisho ops …` on a directory. */
function opsAt(directory: string) {
  const run = (...args: readonly string[]) =>
    sekisho(['ops', ...args, '--data-dir', directory], { SUDO_USER: 'noor' });
  return {
    run,
    json: async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout);
    },
  };
}

describe('A8: sekisho ops', () => {
  test('A8 through the running server: every command takes effect there, and is seen in its status', async () => {
    const directory = copyOf(template);
    const server = await serve(directory, { SEKISHO_LOG_LEVEL: 'error' });
    const ops = opsAt(directory);
    const v1 = `${server.origin}/v1`;
    const { body: first } = await login(server.origin);

    const lifetimes = await ops.json(
      'lifetimes',
      '--access-ttl',
      '4m',
      '--idle-timeout',
      '15m',
      '--for',
      '2h',
      '--yes',
    );
    expect(lifetimes).toMatchObject({
      ...{ access_ttl: 240, idle_timeout: 900, until: expect.stringMatching(/Z$/) },
      revocation: { scope: 'reissue', effective: 'everywhere' },
    });
    const superseded = await call(`${v1}/session`, { token: first.access_token });
    expect([superseded.status, superseded.body.code]).toEqual([401, 'token_superseded']);
    const { body: second } = await call(`${v1}/refresh`, {
      body: { refresh_token: first.refresh_token },
    });
    expect(second.expires_in).toBe(240);

    expect(await ops.json('limits', '--account-attempts', '3', '--for', '1h')).toMatchObject({
      ...{ account_attempts: 3, effective: 'everywhere', members: 1, waiting_for: [] },
    });
    expect(server.stderr()).not.toContain('"msg":"request"');
    expect(await ops.json('log-level', 'debug', '--for', '30m')).toMatchObject({
      ...{ level: 'debug', node: null, effective: 'everywhere' },
    });
    await call(`${v1}/session`, { token: second.access_token });
    await vi.waitFor(() => expect(server.stderr()).toContain('"msg":"request"'), 60_000);
    expect(await ops.json('cleanup', 'pause')).toMatchObject({
      paused: true,
      effective: 'everywhere',
    });

    const status = await ops.json('status');
    expect(status).toMatchObject({
      overrides: [
        { kind: 'lifetimes', value: { access_ttl: 240, idle_timeout: 900 }, by: 'noor' },
        { kind: 'limits', value: { account_attempts: 3 }, by: 'noor' },
        { kind: 'log_level', value: { level: 'debug' }, by: 'noor', node: null },
      ],
      cleanup: { state: 'paused', paused: { by: 'noor', at: expect.any(String) } },
      members: [{ self: true, log_level: 'debug', freshness: 'fresh' }],
    });
    const shown = await ops.run('status');
    expect(shown.code).toBe(0);
    for (const words of ['access_ttl=240', 'account_attempts=3', 'level=debug', 'paused', 'noor']) {
      expect(shown.stdout).toContain(words);
    }

    expect(await ops.json('regenerate', '--tenant', 'harbor')).toMatchObject({
      revocation: { scope: 'reissue', effective: 'everywhere' },
    });
    const again = await call(`${v1}/session`, { token: second.access_token });
    expect([again.status, again.body.code]).toEqual([401, 'token_superseded']);

    for (const kind of ['lifetimes', 'limits', 'log-level'] as const) {
      expect(await ops.json(kind, 'clear')).toMatchObject({
        cleared: true,
        effective: 'everywhere',
      });
    }
    expect(await ops.json('cleanup', 'resume')).toMatchObject({ paused: false });
    expect(await ops.json('status')).toMatchObject({
      ...{ overrides: [], cleanup: { state: 'idle', paused: null } },
      members: [{ log_level: 'error' }],
    });
    expect(await ops.json('cleanup', 'status')).toMatchObject({ cleanup: { state: 'idle' } });
    const none = await ops.run('lifetimes', 'clear');
    expect([none.code, none.stdout]).toEqual([1, '']);
    expect(none.stderr).toContain('None is in force');
  });

  test('A8 while nothing runs: what is decided holds when the server starts', async () => {
    const directory = copyOf(template);
    const ops = opsAt(directory);
    await ops.json('lifetimes', '--access-ttl', '45s', '--for', '1h');
    await ops.json('cleanup', 'pause');
    await ops.json('log-level', 'info');
    const server = await serve(directory, { SEKISHO_LOG_LEVEL: 'error' });
    expect((await login(server.origin)).body.expires_in).toBe(45);
    await vi.waitFor(() => expect(server.stderr()).toContain('the level of this log'), 60_000);
    expect(await ops.json('status')).toMatchObject({
      overrides: [{ kind: 'lifetimes' }, { kind: 'log_level', until: null }],
      cleanup: { state: 'paused' },
    });
  });
});
