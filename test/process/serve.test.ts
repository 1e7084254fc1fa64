import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
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

describe('starting', () => {
  test('the first start prints a made password once, and where it listens', async () => {
    const directory = freshDirectory();
    const server = await serve(directory);
    const [bootstrap = '', listening = '', ...more] = server.lines;
    const printed = /^bootstrap tenant=main email=admin@localhost password=(\S{16,})$/.exec(
      bootstrap,
    );
    const password = printed?.[1] ?? '';
    expect(password).not.toBe('');
    expect(listening).toMatch(
      /^listening http:\/\/127\.0\.0\.1:\d+ operations http:\/\/127\.0\.0\.1:\d+$/,
    );
    expect(more).toEqual([]);
    expect(server.stderr()).not.toContain(password);
    const body = { tenant: 'main', email: 'admin@localhost', password };
    expect((await call(`${server.origin}/v1/login`, { body })).status).toBe(200);
    expect(await server.end('SIGTERM')).toBe(0);

    const again = await serve(directory);
    expect(again.lines).toHaveLength(1);
    expect((await call(`${again.origin}/v1/login`, { body })).status).toBe(200);
  });

  test('bootstrap variables make the first tenant, and no password is printed then', async () => {
    const server = await serve(freshDirectory(), BOOTSTRAP);
    expect(server.lines.join('\n')).not.toContain(BOOTSTRAP.SEKISHO_BOOTSTRAP_PASSWORD);
    expect((await login(server.origin)).status).toBe(200);
    const health = await call(`${server.operations}/healthz`);
    expect(health).toMatchObject({ status: 200, body: { status: expect.any(String) } });
    expect((await call(`${server.operations}/readyz`)).status).toBe(200);
    expect((await call(`${server.origin}/metrics`)).status).toBe(404);
  });

  test('guidance says how to log in and how to make a second tenant', async () => {
    const server = await serve(freshDirectory(), BOOTSTRAP);
    await expect.poll(() => server.stderr()).toContain('sekisho tenant create');
    expect(server.stderr()).toContain('curl');
    expect(server.stderr()).toContain(`${server.origin}/docs`);
  });

  test.each([
    ['PORT', { PORT: 'many' }],
    ['SEKISHO_LEASE_MS', { SEKISHO_LEASE_MS: '-1' }],
    ['REDIS_URL', { REDIS_URL: 'redis://127.0.0.1:1' }],
    ['SEKISHO_SECRET', { DATABASE_URL: 'postgres://127.0.0.1:1/none' }],
    ['SEKISHO_BOOTSTRAP_PASSWORD', { SEKISHO_BOOTSTRAP_PASSWORD: 'short' }],
  ])('a wrong %s stops the start with one line and exit code 2', async (name, settings) => {
    const { code, stdout, stderr } = await sekisho(
      ['serve', '--port', '0', '--data-dir', freshDirectory()],
      name === 'PORT' ? {} : settings,
    );
    const flagless = await sekisho(['serve', '--data-dir', freshDirectory()], {
      PORT: '0',
      ...settings,
    });
    for (const one of name === 'PORT' ? [flagless] : [flagless, { code, stdout, stderr }]) {
      expect(one.code).toBe(2);
      expect(one.stdout).toBe('');
      expect(one.stderr.trim().split('\n')).toHaveLength(1);
      expect(one.stderr).toContain(name);
    }
  });

  test('a port in use ends it with one line and exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const directory = freshDirectory();
    const { code, stdout, stderr } = await sekisho(['serve', '--data-dir', directory], {
      PORT: String(port),
    });
    other.close();
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(`127.0.0.1:${port} is in use`);
  });

  test('a data directory that cannot be one ends it with one line and exit code 1', async () => {
    const file = join(freshDirectory(), 'a-file');
    writeFileSync(file, 'not a directory');
    const { code, stderr } = await sekisho(['serve', '--port', '0', '--data-dir', file]);
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(file);
  });

  test('a second process on one directory says who holds it, exits 1, and harms nothing', async () => {
    const directory = freshDirectory();
    const first = await serve(directory, BOOTSTRAP);
    const { code, stdout, stderr } = await sekisho([
      'serve',
      '--port',
      '0',
      '--data-dir',
      directory,
    ]);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(String(first.child.pid));
    expect((await login(first.origin)).status).toBe(200);
  });

  test('a path too long for a socket is no obstacle', async () => {
    const directory = join(freshDirectory(), 'a'.repeat(100), 'b'.repeat(60));
    mkdirSync(directory, { recursive: true });
    const server = await serve(directory, BOOTSTRAP);
    expect((await login(server.origin)).status).toBe(200);
    const made = await sekisho(
      [
        'tenant',
        'create',
        'skyline',
        '--admin-email',
        'noor@skyline.example',
        '--data-dir',
        directory,
      ],
      {},
      'nine-bridges-in-rain\n',
    );
    expect(made).toMatchObject({ code: 0 });
  });
});

describe('ending', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s drains: what has begun is answered',
    async (signal) => {
      const directory = freshDirectory();
      const server = await serve(directory, BOOTSTRAP);
      const answer = login(server.origin);
      // The login is under way for as long as its password is hashed.
      await new Promise((resolve) => setTimeout(resolve, 15));
      expect(await server.end(signal)).toBe(0);
      expect((await answer).status).toBe(200);
      expect((await sekisho(['tenant', 'list', '--json', '--data-dir', directory])).code).toBe(0);
    },
  );

  test('draining waits for an open request at most SEKISHO_DRAIN_MS', async () => {
    const server = await serve(freshDirectory(), { ...BOOTSTRAP, SEKISHO_DRAIN_MS: '300' });
    const slow = connect(Number(new URL(server.origin).port), '127.0.0.1');
    await once(slow, 'connect');
    slow.on('error', () => undefined);
    slow.write('POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{');
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await server.end('SIGTERM')).toBe(0);
  });

  test('a second signal stops at once', async () => {
    const server = await serve(freshDirectory(), { ...BOOTSTRAP, SEKISHO_DRAIN_MS: '60000' });
    const slow = connect(Number(new URL(server.origin).port), '127.0.0.1');
    await once(slow, 'connect');
    slow.on('error', () => undefined);
    slow.write('POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{');
    await new Promise((resolve) => setTimeout(resolve, 100));
    server.child.kill('SIGTERM');
    await expect.poll(() => server.stderr()).toContain('draining');
    expect(await server.end('SIGTERM')).not.toBe(0);
  });

  test('B2 kill -9 and a new start: sessions go on, and the directory is free', async () => {
    const directory = freshDirectory();
    const server = await serve(directory, BOOTSTRAP);
    const { body } = await login(server.origin);
    expect(await server.end('SIGKILL')).toBe('SIGKILL');
    const again = await serve(directory, BOOTSTRAP);
    const session = await call(`${again.origin}/v1/session`, { token: body.access_token });
    expect(session).toMatchObject({ status: 200, body: { session: { id: body.session.id } } });
    const refreshed = await call(`${again.origin}/v1/refresh`, {
      body: { refresh_token: body.refresh_token },
    });
    expect(refreshed.status).toBe(200);
    expect(readdirSync(directory).length).toBeGreaterThan(0);
  });
});

test('B12 ASVS 7.4.1 the socket of a real server is cut at logout', async () => {
  const server = await serve(freshDirectory(), BOOTSTRAP);
  const { openSocket } = await import('../support/socket-client.ts');
  const { body } = await login(server.origin);
  const token = String(body.access_token);
  const ticket = await call(`${server.origin}/v1/socket-ticket`, { method: 'POST', token });
  const client = openSocket(server.origin, ticket.body.ticket);
  await once(client.ws, 'open');
  expect((await call(`${server.origin}/v1/logout`, { method: 'POST', token })).status).toBe(204);
  expect(await client.closed).toBe(4401);
  expect(JSON.parse(client.messages[0] ?? '')).toMatchObject({ session_id: body.session.id });
  expect((await call(`${server.origin}/v1/socket`, { token })).status).toBe(426);
});
