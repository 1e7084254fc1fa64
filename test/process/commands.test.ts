import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  BOOTSTRAP,
  call,
  cleanUp,
  copyOf,
  freshDirectory,
  login,
  makeTemplate,
  sekisho,
  serve,
} from '../support/process.ts';

let template: string;
beforeAll(async () => {
  template = await makeTemplate();
});
afterEach(cleanUp);
afterAll(() => rmSync(template, { recursive: true, force: true }));

const EMAIL = BOOTSTRAP.SEKISHO_BOOTSTRAP_EMAIL;
const NEW_PASSWORD = 'nine-bridges-in-rain';

describe('sekisho tenant', () => {
  const create = ['tenant', 'create', 'skyline', '--admin-email', 'noor@skyline.example'];
  const asNoor = { tenant: 'skyline', email: 'noor@skyline.example', password: NEW_PASSWORD };

  test('B1 create and list, through the running server', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const at = (args: readonly string[]) =>
      sekisho([...args, '--data-dir', directory], {}, `${NEW_PASSWORD}\n`);
    const made = await at([...create, '--name', 'Skyline Ltd', '--json']);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toMatchObject({
      tenant: { slug: 'skyline', name: 'Skyline Ltd' },
      admin: { email: 'noor@skyline.example', roles: ['admin'] },
    });
    expect(made.stdout).not.toContain(NEW_PASSWORD);
    expect((await call(`${server.origin}/v1/login`, { body: asNoor })).status).toBe(200);

    const again = await at(create);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr.trim().split('\n')).toHaveLength(1);
    const listed = await at(['tenant', 'list', '--json']);
    const slugs = JSON.parse(listed.stdout).tenants.map(({ slug }: { slug: string }) => slug);
    expect(slugs.sort()).toEqual(['harbor', 'skyline']);

    const doctor = await at(['doctor', '--json']);
    expect(doctor).toMatchObject({ code: 0 });
    const { node, members } = JSON.parse(doctor.stdout);
    expect(node).toMatchObject({ state: 'serving', hub: { kind: 'in-process', working: true } });
    expect(Object.keys(node).every((name) => /^[a-z_]+$/.test(name))).toBe(true);
    expect(members).toMatchObject([{ id: node.id, self: true, address: server.operations }]);
    for (const form of [[], ['--check'], ['--dry-run']]) {
      const migrate = await at(['migrate', '--json', ...form]);
      expect(migrate).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(migrate.stdout)).toMatchObject({ migrated: false, kind: 'current' });
    }
  });

  test('B11 doctor starts nothing: where no server runs it says so, and leaves nothing behind', async () => {
    const directory = freshDirectory();
    for (const dataDir of [directory, join(directory, 'missing')]) {
      const looked = await sekisho(['doctor', '--json', '--data-dir', dataDir]);
      expect(looked).toMatchObject({ code: 1, stdout: '' });
      expect(looked.stderr).toContain(`No server runs on ${dataDir}`);
      expect(looked.stderr.trim().split('\n')).toHaveLength(1);
    }
    expect(readdirSync(directory)).toEqual([]);
  });

  test('create on a directory while nothing runs; the first start then makes no other', async () => {
    const directory = freshDirectory();
    const made = await sekisho([...create, '--data-dir', directory], {}, `${NEW_PASSWORD}\n`);
    expect(made).toMatchObject({ code: 0 });
    const server = await serve(directory);
    expect(server.lines).toHaveLength(1);
    expect((await call(`${server.origin}/v1/login`, { body: asNoor })).status).toBe(200);
  });

  test.each([
    ['no password', create, '', 2],
    ['no e-mail address', ['tenant', 'create', 'skyline'], NEW_PASSWORD, 2],
    ['two slugs', ['tenant', 'create', 'a', 'b', ...create.slice(3)], NEW_PASSWORD, 2],
    ['an unknown option', [...create, '--colour', 'red'], NEW_PASSWORD, 2],
  ])('create says in one line what is wrong: %s', async (_name, args, input, code) => {
    const done = await sekisho([...args, '--data-dir', freshDirectory()], {}, input);
    expect(done).toMatchObject({ code, stdout: '' });
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('list makes no record where none is', async () => {
    const directory = join(freshDirectory(), 'mistyped');
    const done = await sekisho(['tenant', 'list', '--data-dir', directory]);
    expect(done).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(directory) });
    expect(existsSync(directory)).toBe(false);
  });

  test('create says in one line what is against a rule, and makes nothing', async () => {
    const directory = copyOf(template);
    await serve(directory);
    const at = (args: readonly string[], password: string) =>
      sekisho([...args, '--data-dir', directory], {}, password);
    const refused = [
      await at(create, 'short'),
      await at(['tenant', 'create', 'Sky Line', ...create.slice(3)], NEW_PASSWORD),
      await at(['tenant', 'create', 'skyline', '--admin-email', 'nobody'], NEW_PASSWORD),
    ];
    for (const { code, stdout, stderr } of refused) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
    expect(refused[0]?.stderr).toBe('sekisho: The password must have at least 8 characters.\n');
    const listed = JSON.parse((await at(['tenant', 'list', '--json'], '')).stdout);
    expect(listed.tenants).toHaveLength(1);
  });
});

describe('sekisho ops restored', () => {
  const restored = ['ops', 'restored', '--yes', '--json', '--data-dir'];

  test('RESTORE a backup that was put back, while nothing runs: what was revoked after it stays so', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const before = await login(server.origin);
    const token = before.body.access_token;
    expect(await server.end('SIGTERM')).toBe(0);
    const backup = copyOf(directory);
    const later = await serve(directory);
    expect(
      (await call(`${later.origin}/v1/logout`, { token, method: 'POST' })).status,
    ).toBeLessThan(300);
    expect(await later.end('SIGTERM')).toBe(0);

    const done = await sekisho([...restored, backup]);
    expect(done).toMatchObject({ code: 0 });
    expect(JSON.parse(done.stdout)).toMatchObject({ revocation: { effective: 'everywhere' } });
    const again = await serve(backup);
    expect(await call(`${again.origin}/v1/session`, { token })).toMatchObject({ status: 401 });
    const body = { refresh_token: before.body.refresh_token };
    expect((await call(`${again.origin}/v1/refresh`, { body })).status).toBe(401);
    expect((await login(again.origin)).status).toBe(200);
  });

  test('RESTORE through the running server', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const token = (await login(server.origin)).body.access_token;
    const done = await sekisho([...restored, directory]);
    expect(done).toMatchObject({ code: 0 });
    expect(await call(`${server.origin}/v1/session`, { token })).toMatchObject({
      status: 401,
      body: { code: 'invalid_token' },
    });
    expect((await login(server.origin)).status).toBe(200);
  });
});

describe('sekisho user reset', () => {
  const reset = ['user', 'reset', '--tenant', 'harbor', EMAIL];

  test('ASVS 7.4.5 while the server runs: logged out everywhere, the new password works', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const before = await login(server.origin);
    const done = await sekisho(
      [...reset, '--password-stdin', '--make-admin', '--json', '--data-dir', directory],
      {},
      `${NEW_PASSWORD}\n`,
    );
    expect(done).toMatchObject({ code: 0 });
    expect(JSON.parse(done.stdout)).toMatchObject({
      user: { email: EMAIL, roles: expect.arrayContaining(['admin']) },
      revocation: { effective: 'everywhere' },
    });
    const token = before.body.access_token;
    expect(await call(`${server.origin}/v1/session`, { token })).toMatchObject({
      status: 401,
      body: { code: 'session_revoked' },
    });
    expect((await login(server.origin)).status).toBe(401);
    expect((await login(server.origin, NEW_PASSWORD)).status).toBe(200);
  });

  test('while it is stopped, with a one-time token', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const before = await login(server.origin);
    expect(await server.end('SIGTERM')).toBe(0);
    const done = await sekisho([...reset, '--link', '--json', '--data-dir', directory]);
    expect(done).toMatchObject({ code: 0 });
    const { token } = JSON.parse(done.stdout).reset;

    const again = await serve(directory);
    const old = { token: before.body.access_token };
    expect((await call(`${again.origin}/v1/session`, old)).status).toBe(401);
    expect((await login(again.origin)).status).toBe(401);
    const body = { token, new_password: NEW_PASSWORD };
    expect((await call(`${again.origin}/v1/password/reset`, { body })).status).toBe(200);
    expect((await login(again.origin, NEW_PASSWORD)).status).toBe(200);
  });

  test('nobody of that name: one line, exit code 1', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const args = ['user', 'reset', '--tenant', 'harbor', 'nobody@harbor.example', '--link'];
    const done = await sekisho([...args, '--data-dir', directory]);
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
    expect((await login(server.origin)).status).toBe(200);
  });
});

// What each command's help and each wrong word say is in test/cli/frame.test.ts, without a process.
describe('help', () => {
  test('--help lists the commands, --version tells the release, on standard output', async () => {
    const { code, stdout } = await sekisho(['--help']);
    expect(code).toBe(0);
    for (const word of ['serve', 'migrate', 'tenant', 'user']) expect(stdout).toContain(word);
    const version = await sekisho(['--version']);
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });
});
