import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { cleanUp, environment } from '../support/process.ts';
import { root } from './examples/blocks.ts';
import { programsOf, projectOf } from './examples/programs.ts';

vi.setConfig({ testTimeout: 300_000 });
afterEach(cleanUp);

/** Runs a driver of test/docs/programs in a project with the programs; resolves with what it printed. */
async function drive(
  driver: string,
  sources: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const project = projectOf(sources);
  cpSync(join(root, 'test/docs/programs', driver), join(project, driver));
  const child = spawn(process.execPath, [driver, ...args], {
    cwd: project,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk) => {
      said[name] += String(chunk);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, `${said.stdout}${said.stderr}`).toBe(0);
  return JSON.parse(said.stdout);
}

/** All but `instance.ts`, which needs PostgreSQL: services.redis.test.ts runs it. */
const { instance: _instance, ...library } = programsOf('docs/library.md');
const client = programsOf('docs/client.md');

test('A5 the programs of docs/library.md and docs/moving-over.md do what the pages say', async () => {
  const moving = programsOf('docs/moving-over.md');
  expect(Object.keys({ ...library, ...moving }).sort()).toEqual([
    ...['both-systems', 'exchange', 'node-adapters', 'own-login', 'route', 'who', 'wrapper'],
  ]);
  const said = (await drive('library.mjs', { ...library, ...moving })) as { tenant: string };
  const { tenant } = said;
  const user = expect.any(String);
  const cookies = expect.arrayContaining([expect.stringMatching(/sekisho/)]);
  expect(said).toEqual({
    tenant: expect.stringMatching(/^[\w-]{22}$/),
    who: [tenant, null],
    wrapper: {
      member: { status: 200, body: { tenant, user }, cookies: [] },
      nobody: {
        ...{ status: 401, cookies: [] },
        body: expect.objectContaining({ code: 'credentials_required' }),
      },
      refused: {
        ...{ status: 403, cookies: [] },
        body: expect.objectContaining({ code: 'insufficient_role' }),
      },
    },
    route: { status: 200, body: { tenant, order: '4711' }, cookies: [] },
    ownLogin: { status: 303, body: null, cookies },
    movingOver: {
      ours: { tenant, user, roles: ['member'] },
      theirs: expect.objectContaining({ tenant: 'acme', user: 'old' }),
      nobody: null,
      exchanged: { status: 204, body: null, cookies },
      refused: 401,
      ended: ['ended'],
    },
    adapters: [
      [200, JSON.stringify({ tenant }), 401],
      [200, JSON.stringify({ tenant }), 401],
      [200, expect.stringMatching(/^hello [\w-]{22}$/), 401],
    ],
    routes: [
      [200, 'yuki@acme.example'],
      [200, 'yuki@acme.example'],
    ],
    socket: expect.stringMatching(/^[\w-]{22}: hello$/),
  });
});

test('A5 the programs of docs/client.md log in, ask an API and listen on a socket', async () => {
  expect(Object.keys(client).sort()).toEqual(['live', 'page', 'program']);
  const port = await freePort();
  const here = Object.entries(client).map(([name, source]) => [
    name,
    source
      .replaceAll('https://login.example.com', `http://127.0.0.1:${port}/auth`)
      .replaceAll('https://api.example.com', `http://127.0.0.1:${port}`)
      .replaceAll('wss://api.example.com', `ws://127.0.0.1:${port}`),
  ]);
  const said = await drive('client.mjs', Object.fromEntries(here), [String(port)], {
    PASSWORD: 'seven green bicycles',
  });
  expect(said).toEqual({
    beforeLogin: ['/login'],
    wrong: 'invalid_credentials',
    name: '',
    orders: ['one', 'two'],
    printed: [
      [[['Nightly report', expect.stringMatching(/^\d{4}-/)]]],
      ['echo: subscribe orders'],
      [expect.stringContaining('"type":"session.revoked"')],
      ['over:', 'session_revoked'],
    ],
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
