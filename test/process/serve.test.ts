import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  BOOTSTRAP,
  call,
  cleanUp,
  copyOf,
  freshDirectory,
  login,
  makeTemplate,
  type Server,
  sekisho,
  serve,
  start,
} from '../support/process.ts';
import { openSocket } from '../support/socket-client.ts';

let template: string;
beforeAll(async () => {
  template = await makeTemplate();
});
afterEach(cleanUp);
afterAll(() => rmSync(template, { recursive: true, force: true }));

describe('starting', () => {
  test('ASVS 6.3.2 the first start prints a made password once, and where it listens', async () => {
    const directory = freshDirectory();
    const server = await serve(directory);
    const [bootstrap = '', listening = '', ...more] = server.lines;
    const printed = /^bootstrap tenant=main email=admin@localhost password=(\S{16,})$/;
    const password = printed.exec(bootstrap)?.[1] ?? '';
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

  test('A11 on all addresses and without SEKISHO_ISSUER it warns, and neither prints nor keeps an address that is nobody’s', async () => {
    const directory = freshDirectory();
    const server = await serve(directory, { ...BOOTSTRAP, HOST: '0.0.0.0' });
    expect(server.origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect.poll(server.stderr).toContain('set SEKISHO_ISSUER');
    const { body } = await login(server.origin);
    const [, claims = ''] = String(body.access_token).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString()).iss).toBe(server.origin);
    expect(await server.end('SIGTERM')).toBe(0);

    const named = { HOST: '0.0.0.0', SEKISHO_ISSUER: 'https://id.harbor.example' };
    const again = await serve(directory, named);
    await expect.poll(again.stderr).toContain('Stop with Ctrl-C');
    expect(again.stderr()).not.toContain('set SEKISHO_ISSUER');
  });

  test('bootstrap variables made the first tenant; health is on a port of its own', async () => {
    const server = await serve(copyOf(template));
    expect(server.lines).toHaveLength(1);
    expect((await login(server.origin)).status).toBe(200);
    expect((await call(`${server.operations}/healthz`)).status).toBe(200);
    expect((await call(`${server.operations}/readyz`)).status).toBe(200);
    for (const path of ['/metrics', '/healthz', '/readyz', '/members']) {
      expect((await call(server.origin + path)).status).toBe(404);
    }
    await expect.poll(server.stderr).toContain('sekisho tenant create');
    expect(server.stderr()).toContain(`curl ${server.origin}/v1/login`);
    expect(server.stderr()).toContain(`${server.origin}/docs`);
  });

  test.each([
    ['PORT', { PORT: 'many' }],
    ['SEKISHO_SECRET', { DATABASE_URL: 'postgres://127.0.0.1:1/none' }],
    ['SEKISHO_BOOTSTRAP_TENANT', { SEKISHO_BOOTSTRAP_TENANT: 'Not A Slug' }],
    ['SEKISHO_BOOTSTRAP_PASSWORD', { SEKISHO_BOOTSTRAP_PASSWORD: 'short' }],
  ])('a wrong %s stops the start with one line and exit code 2: %j', async (name, settings) => {
    const done = await sekisho(['serve'], {
      PORT: '0',
      SEKISHO_DATA_DIR: join(freshDirectory(), 'new'),
      ...settings,
    });
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
    expect(done.stderr).toContain(name);
  });

  test('an option wins over its variable', async () => {
    const done = await sekisho(['serve', '--lease-ms', '1'], { SEKISHO_LEASE_MS: '750' });
    expect(done).toMatchObject({ code: 2, stderr: expect.stringContaining('SEKISHO_LEASE_MS') });
  });

  test('a port in use ends it with one line and exit code 1', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const done = await sekisho(['serve'], {
      PORT: String(port),
      SEKISHO_DATA_DIR: freshDirectory(),
    });
    const admin = await sekisho(['serve', '--port', '0', '--admin-port', String(port)], {
      SEKISHO_DATA_DIR: freshDirectory(),
    });
    other.close();
    for (const { code, stdout, stderr } of [done, admin]) {
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain(`127.0.0.1:${port} is in use`);
    }
    expect(admin.stderr).toContain('SEKISHO_ADMIN_PORT');
  });

  test.each([
    ['is a file', 'file'],
    ['is below a file', join('file', 'data')],
    ['is where nothing can be made', '/proc/sekisho'],
  ])('a data directory that %s ends it with one line and exit code 1', async (_what, name) => {
    const parent = freshDirectory();
    writeFileSync(join(parent, 'file'), '');
    const directory = resolve(parent, name);
    const done = await sekisho(['serve', '--port', '0', '--data-dir', directory]);
    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr.trim().split('\n')).toHaveLength(1);
    expect(done.stderr).toContain(directory);
  });

  test('a second process on one directory says who holds it, exits 1, and harms nothing', async () => {
    const directory = copyOf(template);
    const first = await serve(directory);
    const second = await sekisho(['serve', '--port', '0', '--data-dir', directory]);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toContain(String(first.child.pid));
    expect(second.stderr).toContain(first.operations);
    expect((await login(first.origin)).status).toBe(200);
  });

  test('B9 whatever is removed of the lock, a second process is refused, and the record is whole afterwards', async () => {
    const directory = copyOf(template);
    const first = await serve(directory);
    for (const which of [/^lock-/, /\.sock$/, /^(lock-|\.held-|\.released)/]) {
      for (const name of readdirSync(directory).filter((one) => which.test(one))) {
        rmSync(join(directory, name));
      }
      const second = await sekisho(['serve', '--port', '0', '--data-dir', directory]);
      expect(second).toMatchObject({ code: 1, stdout: '' });
      expect(second.stderr).toContain('is in use by');
      expect((await login(first.origin)).status).toBe(200);
    }
    expect(await first.end('SIGKILL')).toBe('SIGKILL');
    const again = await serve(directory);
    expect((await login(again.origin)).status).toBe(200);
  });

  test('another directory in the place of its own ends the server, which touches nothing there', async () => {
    const directory = copyOf(template);
    const first = await serve(directory);
    renameSync(directory, `${directory}-moved`);
    mkdirSync(directory);
    expect(await first.exited).toBe(1);
    expect(first.stderr()).toContain('the embedded database has ended');
    expect(readdirSync(directory)).toEqual([]);
    const moved = await serve(`${directory}-moved`);
    expect((await login(moved.origin)).status).toBe(200);
    await moved.end('SIGTERM');
    rmSync(`${directory}-moved`, { recursive: true });
  });

  test('a database that cannot be reached is tried again, with /readyz at 503', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await new Promise((resolve) => taken.close(resolve));
    const child = start(['serve', '--port', '0', '--admin-port', String(port)], {
      DATABASE_URL: 'postgres://sekisho:secret-of-the-database@127.0.0.1:1/none',
      SEKISHO_SECRET: 'a secret of the tests that is long enough',
    });
    const operations = `http://127.0.0.1:${port}`;
    const status = (path: string) =>
      call(operations + path).then(
        (answer) => answer.status,
        () => 0,
      );
    await expect.poll(() => status('/readyz'), { timeout: 60_000 }).toBe(503);
    expect(await status('/healthz')).toBe(200);
    await expect.poll(child.stderr, { timeout: 60_000 }).toContain('cannot be reached');
    expect(child.stdout()).toBe('');
    expect(child.stderr()).not.toContain('secret-of-the-database');
    child.child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
  });

  test('a path that is too long for a socket is no obstacle', async () => {
    const directory = join(freshDirectory(), 'a'.repeat(100), 'b'.repeat(60));
    mkdirSync(directory, { recursive: true });
    cpSync(copyOf(template), directory, { recursive: true });
    const server = await serve(directory);
    expect((await login(server.origin)).status).toBe(200);
    const listed = await sekisho(['tenant', 'list', '--data-dir', directory]);
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringContaining('harbor') });
  });
});

describe('ending', () => {
  const LOGIN = JSON.stringify({
    tenant: BOOTSTRAP.SEKISHO_BOOTSTRAP_TENANT,
    email: BOOTSTRAP.SEKISHO_BOOTSTRAP_EMAIL,
    password: BOOTSTRAP.SEKISHO_BOOTSTRAP_PASSWORD,
  });

  /** Says it again until it is taken for a second signal: what comes with the first one is the first one. */
  async function endAtOnce({ child, exited }: Server): Promise<number | string> {
    const again = setInterval(() => child.kill('SIGTERM'), 200);
    try {
      return await exited;
    } finally {
      clearInterval(again);
    }
  }

  /** A login whose body arrives in two parts; `finish` sends the second and resolves with the whole answer. */
  async function slowLogin({ origin }: Server): Promise<{ finish(): Promise<string> }> {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1');
    await once(socket, 'connect');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    const head = [
      'POST /v1/login HTTP/1.1',
      'Host: localhost',
      'Expect: 100-continue',
      'Content-Type: application/json',
      `Content-Length: ${LOGIN.length}`,
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${LOGIN.slice(0, 10)}`);
    // The server has read the head once it says that the body may come.
    await expect.poll(() => answer).toContain('100 Continue');
    const finish = async (): Promise<string> => {
      socket.write(LOGIN.slice(10));
      await closed;
      return answer;
    };
    return { finish };
  }

  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s drains: no new requests, what has begun is answered',
    async (signal) => {
      const directory = copyOf(template);
      const server = await serve(directory, { SEKISHO_DRAIN_MS: '60000' });
      const { body } = await login(server.origin);
      const leaving = new AbortController();
      const events = await fetch(`${server.origin}/v1/admin/events`, {
        headers: { authorization: `Bearer ${body.access_token}` },
        signal: leaving.signal,
      });
      expect(events.status).toBe(200);
      const slow = await slowLogin(server);
      server.child.kill(signal);
      await expect.poll(server.stderr).toContain('draining');
      await expect
        .poll(() =>
          fetch(server.origin).then(
            () => 'answered',
            () => 'refused',
          ),
        )
        .toBe('refused');
      expect((await call(`${server.operations}/readyz`)).status).toBe(503);
      expect(await slow.finish()).toContain('HTTP/1.1 200 OK');
      expect(await server.exited).toBe(0);
      leaving.abort();
    },
  );

  test('draining waits for an open request at most SEKISHO_DRAIN_MS', async () => {
    const server = await serve(copyOf(template), { SEKISHO_DRAIN_MS: '300' });
    await slowLogin(server);
    expect(await server.end('SIGTERM')).toBe(0);
  });

  test('B4 until a load balancer has noticed, everything is served, each answer the last of its connection', async () => {
    const server = await serve(copyOf(template), {
      SEKISHO_DRAIN_MS: '3600000',
      SEKISHO_DRAIN_NOTICE_MS: '3600000',
    });
    server.child.kill('SIGTERM');
    await expect.poll(server.stderr).toContain('draining');
    await expect.poll(() => call(`${server.operations}/readyz`)).toMatchObject({ status: 503 });
    for (let request = 0; request < 3; request += 1) {
      const { status, headers } = await fetch(`${server.origin}/v1/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: LOGIN,
      });
      expect(status).toBe(200);
      expect(headers.get('connection')).toBe('close');
    }
    expect(await endAtOnce(server)).toBe(1);
  });

  test('a second signal stops at once', async () => {
    const server = await serve(copyOf(template), { SEKISHO_DRAIN_MS: '3600000' });
    await slowLogin(server);
    server.child.kill('SIGTERM');
    await expect.poll(server.stderr).toContain('draining');
    expect(await endAtOnce(server)).toBe(1);
  });

  test('a database that ends under a running server ends the server, so that it is started anew', async () => {
    // Within the process, before it starts: the thread of the database can be ended from outside by a signal.
    const preload = `
      import threads from 'node:worker_threads';
      import { syncBuiltinESMExports } from 'node:module';
      threads.Worker = class extends threads.Worker {
        constructor(...args) { super(...args); process.on('SIGUSR2', () => this.terminate()); }
      };
      syncBuiltinESMExports();`;
    const server = await serve(copyOf(template), {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`,
    });
    expect(await server.end('SIGUSR2')).toBe(1);
    expect(server.stderr()).toContain('the embedded database has ended: start sekisho serve anew');
  });

  test('B2 kill -9 and a new start: sessions go on, and the directory is free', async () => {
    const directory = copyOf(template);
    const server = await serve(directory);
    const { body } = await login(server.origin);
    expect(await server.end('SIGKILL')).toBe('SIGKILL');
    const again = await serve(directory);
    const session = await call(`${again.origin}/v1/session`, { token: body.access_token });
    expect(session).toMatchObject({ status: 200, body: { session: { id: body.session.id } } });
    const refreshed = await call(`${again.origin}/v1/refresh`, {
      body: { refresh_token: body.refresh_token },
    });
    expect(refreshed.status).toBe(200);
  });
});

test('B12 ASVS 7.4.1 the socket of a real server is cut at logout', async () => {
  const server = await serve(copyOf(template));
  const { body } = await login(server.origin);
  const token = String(body.access_token);
  const ticket = await call(`${server.origin}/v1/socket-ticket`, { method: 'POST', token });
  const client = openSocket(server.origin, ticket.body.ticket);
  const session_id = body.session.id;
  expect(JSON.parse(await client.next())).toEqual({ type: 'session.opened', session_id });
  client.ws.send('{"type":"ping"}');
  client.ws.send('{"type":"ping","id":"7"}');
  expect(JSON.parse(await client.next())).toEqual({ type: 'pong', id: '7' });
  expect((await call(`${server.origin}/v1/socket`, { token })).status).toBe(426);
  expect((await call(`${server.origin}/v1/logout`, { method: 'POST', token })).status).toBe(204);
  expect(await client.closed).toBe(4401);
  expect(JSON.parse(await client.next())).toMatchObject({ type: 'session.revoked', session_id });
});
