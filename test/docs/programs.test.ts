import { afterEach, expect, test, vi } from 'vitest';
import { freePort } from '../../tools/services/ports.mjs';
import { cleanUp } from '../support/process.ts';
import { drive } from './examples/drive.ts';
import { programsOf } from './examples/programs.ts';

vi.setConfig({ testTimeout: 300_000 });
afterEach(cleanUp);

/** All but `instance.ts`, which needs PostgreSQL: services.redis.test.ts runs it. */
const { instance: _instance, ...library } = programsOf('docs/library.md');
const client = programsOf('docs/client.md');

test('A5 the programs of docs/library.md do what the page says', async () => {
  expect(Object.keys(library).sort()).toEqual([
    ...['node-adapters', 'own-login', 'route', 'who', 'wrapper'],
  ]);
  // A program that ends with its servers exports nothing; the driver has to reach them.
  const adapters = `${library['node-adapters']}export { expressApp, fastifyApp, server };\n`;
  const sources = { ...library, 'node-adapters': adapters };
  const said = (await drive('library.mjs', sources)) as { tenant: string };
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
