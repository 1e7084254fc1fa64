import { afterEach, describe, expect, test } from 'vitest';
import {
  BOOTSTRAP,
  call,
  cleanUp,
  freshDirectory,
  login,
  sekisho,
  serve,
} from '../support/process.ts';

afterEach(cleanUp);

const EMAIL = BOOTSTRAP.SEKISHO_BOOTSTRAP_EMAIL;
const NEW_PASSWORD = 'nine-bridges-in-rain';

describe('sekisho tenant', () => {
  const create = ['tenant', 'create', 'skyline', '--admin-email', 'noor@skyline.example'];
  const asNoor = { tenant: 'skyline', email: 'noor@skyline.example', password: NEW_PASSWORD };

  test('B1 create and list, through the running server', async () => {
    const directory = freshDirectory();
    const server = await serve(directory, BOOTSTRAP);
    const made = await sekisho(
      [...create, '--name', 'Skyline Ltd', '--json', '--data-dir', directory],
      {},
      `${NEW_PASSWORD}\n`,
    );
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(made.stdout)).toMatchObject({
      tenant: { slug: 'skyline', name: 'Skyline Ltd' },
      admin: { email: 'noor@skyline.example', roles: ['admin'] },
    });
    expect(made.stdout).not.toContain(NEW_PASSWORD);
    expect((await call(`${server.origin}/v1/login`, { body: asNoor })).status).toBe(200);

    const again = await sekisho([...create, '--data-dir', directory], {}, `${NEW_PASSWORD}\n`);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    const listed = await sekisho(['tenant', 'list', '--json', '--data-dir', directory]);
    const slugs = JSON.parse(listed.stdout).tenants.map(({ slug }: { slug: string }) => slug);
    expect(slugs.sort()).toEqual(['harbor', 'skyline']);
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
    ['a password against policy', create, 'short\n', 1],
    ['no e-mail address', ['tenant', 'create', 'skyline'], `${NEW_PASSWORD}\n`, 2],
    [
      'a slug that is none',
      ['tenant', 'create', 'Sky Line', ...create.slice(3)],
      `${NEW_PASSWORD}\n`,
      1,
    ],
    ['two slugs', ['tenant', 'create', 'a', 'b', ...create.slice(3)], `${NEW_PASSWORD}\n`, 2],
    ['an unknown option', [...create, '--colour', 'red'], `${NEW_PASSWORD}\n`, 2],
  ])('create says in one line what is wrong: %s', async (_name, args, input, code) => {
    const done = await sekisho([...args, '--data-dir', freshDirectory()], {}, input);
    expect(done).toMatchObject({ code, stdout: '' });
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('sekisho user reset', () => {
  const reset = ['user', 'reset', '--tenant', 'harbor', EMAIL];

  test('ASVS 7.4.5 while the server runs: logged out everywhere, the new password works', async () => {
    const directory = freshDirectory();
    const server = await serve(directory, BOOTSTRAP);
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
    const directory = freshDirectory();
    const server = await serve(directory, BOOTSTRAP);
    const before = await login(server.origin);
    expect(await server.end('SIGTERM')).toBe(0);
    const done = await sekisho([...reset, '--link', '--json', '--data-dir', directory]);
    expect(done).toMatchObject({ code: 0 });
    const { token } = JSON.parse(done.stdout).reset;

    const again = await serve(directory, BOOTSTRAP);
    const old = { token: before.body.access_token };
    expect((await call(`${again.origin}/v1/session`, old)).status).toBe(401);
    expect((await login(again.origin)).status).toBe(401);
    const body = { token, new_password: NEW_PASSWORD };
    expect((await call(`${again.origin}/v1/password/reset`, { body })).status).toBe(200);
    expect((await login(again.origin, NEW_PASSWORD)).status).toBe(200);
  });

  test('nobody of that name: one line, exit code 1', async () => {
    const directory = freshDirectory();
    const server = await serve(directory, BOOTSTRAP);
    const args = ['user', 'reset', '--tenant', 'harbor', 'nobody@harbor.example', '--link'];
    const done = await sekisho([...args, '--data-dir', directory]);
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
    expect((await login(server.origin)).status).toBe(200);
  });
});

describe('help', () => {
  test('--help lists the commands, on standard output', async () => {
    const { code, stdout } = await sekisho(['--help']);
    expect(code).toBe(0);
    for (const word of ['serve', 'migrate', 'tenant', 'user']) expect(stdout).toContain(word);
  });

  test.each([
    [['serve', '--help'], '--data-dir'],
    [['tenant', '--help'], 'tenant create SLUG'],
    [['tenant', 'create', '--help'], '--admin-email'],
    [['user', 'reset', '-h'], '--make-admin'],
  ])('%j', async (args, expected) => {
    const { code, stdout } = await sekisho(args);
    expect({ code, found: stdout.includes(expected) }).toEqual({ code: 0, found: true });
  });

  test.each([[['frobnicate']], [['tenant', 'frobnicate']], [['serve', '--frobnicate']]])(
    'what does not exist is exit code 2 and one line: %j',
    async (args) => {
      const done = await sekisho(args);
      expect(done).toMatchObject({ code: 2, stdout: '' });
      expect(done.stderr.trim().split('\n')).toHaveLength(1);
    },
  );
});
