import { rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp, copyOf, makeTemplate, sekisho, serve } from '../support/process.ts';

let template: string;
beforeAll(async () => {
  template = await makeTemplate();
});
afterEach(cleanUp);
afterAll(() => rmSync(template, { recursive: true, force: true }));

describe('sekisho client', () => {
  test('create, list, rotate and delete; a client that is made so asks the running server', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const at = (...args: readonly string[]) =>
      sekisho(['client', ...args, '--tenant', 'harbor', '--data-dir', directory]);
    const made = await at('create', 'billing', '--expires', '90d', '--json');
    expect(made).toMatchObject({ code: 0, stderr: '' });
    const { client, secret } = JSON.parse(made.stdout);
    expect(client).toMatchObject({ name: 'billing', last_used_at: null });
    const life = Date.parse(client.secret_expires_at) - Date.parse(client.secret_created_at);
    expect(life).toBe(90 * 86_400_000);
    const introspect = async (one: string) => {
      const answer = await fetch(`${server.origin}/oauth/introspect`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${client.id}:${one}`)}` },
        body: new URLSearchParams({ token: 'x' }),
      });
      return [answer.status, await answer.text()];
    };
    expect(await introspect(secret)).toEqual([200, '{"active":false}']);

    const rotated = await at('rotate', client.id, '--overlap', '0s', '--yes', '--json');
    expect(await introspect(JSON.parse(rotated.stdout).secret)).toEqual([200, '{"active":false}']);
    expect((await introspect(secret))[0]).toBe(401);
    const listed = await at('list');
    expect(listed.stdout).toMatch(/^ID +NAME +MADE +LAST USED +SECRET ENDS +PREVIOUS ENDS\n/);
    expect(listed.stdout).toContain(client.id);
    expect(listed.stdout).not.toContain('scs_');

    const unsure = await at('delete', client.id);
    expect(unsure).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') });
    expect(await at('delete', client.id, '--yes')).toMatchObject({ code: 0 });
    expect((await introspect(JSON.parse(rotated.stdout).secret))[0]).toBe(401);
    expect(await at('delete', client.id, '--yes')).toMatchObject({ code: 1, stdout: '' });
    expect((await at('list')).stdout).toBe('no service clients\n');
  });

  test('while nothing runs it opens the record; what is wrong is one line', async () => {
    const directory = copyOf(template);
    const made = await sekisho([
      ...['client', 'create', 'ledger', '--tenant', 'harbor', '--data-dir', directory],
    ]);
    expect(made).toMatchObject({ code: 0 });
    expect(made.stdout).toMatch(
      /^client id {6}[\w-]{22}\nclient secret {2}scs_[\w-]{22}\.[\w-]{43}\n/,
    );
    for (const [args, code] of [
      [['create', 'x'], 2],
      [['create', 'x', '--tenant', 'nowhere'], 1],
      [['create', 'x', '--tenant', 'harbor', '--expires', 'soon'], 2],
      [['create', 'x', '--tenant', 'harbor', '--expires', '1s'], 2],
    ] as const) {
      const done = await sekisho(['client', ...args, '--data-dir', directory]);
      expect([args, done.code, done.stdout]).toEqual([args, code, '']);
      expect(done.stderr.trim().split('\n')).toHaveLength(1);
    }
  });
});
