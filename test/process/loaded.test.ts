import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Loaded, watchLoading } from '../support/loaded.ts';
import {
  BOOTSTRAP,
  cleanUp,
  freshDirectory,
  type Server,
  sekisho,
  serve,
} from '../support/process.ts';

// What is not used is not loaded, in real processes; tools/imports/rules.mjs says the same of the imports.

let directory: string;
let server: Server;
const ofServer = watchLoading();
beforeAll(async () => {
  directory = freshDirectory();
  server = await serve(directory, { ...BOOTSTRAP, ...ofServer.settings });
});
afterAll(cleanUp);

async function loadedBy(...args: readonly string[]): Promise<Loaded & { readonly code: unknown }> {
  const { settings, read } = watchLoading();
  const { code } = await sekisho(args, settings);
  return { code, ...read() };
}

describe('the command loads', () => {
  test.each([
    ['--help', 0],
    ['--version', 0],
    ['tenat list', 2],
  ])('no package and no command for sekisho %s', async (line, code) => {
    const loaded = await loadedBy(...line.split(' '));
    expect(loaded).toMatchObject({ code, packages: [] });
    expect(loaded.files).toContain('cli/main.js');
    expect(loaded.files.filter((file) => file.startsWith('cli/commands/'))).toEqual([]);
  });

  test.each([
    ['serve --help', 0],
    ['tenant create', 2],
    ['restore', 2],
  ])('the commands of one group, and no engine, for sekisho %s', async (line, code) => {
    const loaded = await loadedBy(...line.split(' '));
    expect(loaded).toMatchObject({ code, packages: ['zod'] });
    expect(loaded.files.filter((file) => /^create\/(open|instance)\./.test(file))).toEqual([]);
  });

  test.each([
    'tenant list',
    'user list --tenant harbor',
    'doctor',
    'ops status',
    'migrate --check',
  ])('neither engine nor store where a server answers: sekisho %s', async (line) => {
    const loaded = await loadedBy(...line.split(' '), '--data-dir', directory);
    expect(loaded).toMatchObject({ code: 0, packages: ['zod'] });
    expect(loaded.files).toContain('record/pglite/control-socket.js');
    expect(
      loaded.files.filter((file) => /^create\/(open|instance)\.|^http\/table\./.test(file)),
    ).toEqual([]);
  });
});

test('a server on a data directory loads the embedded database, and no driver of another store', async () => {
  expect(await server.end('SIGTERM')).toBe(0);
  const { packages, files } = ofServer.read();
  for (const used of ['@electric-sql/pglite', 'kysely', 'hono', '@node-rs/argon2']) {
    expect(packages).toContain(used);
  }
  expect(packages).not.toContain('pg');
  expect(packages).not.toContain('ioredis');
  expect(files.filter((file) => /^(hub|record)\/postgres\//.test(file))).toEqual([]);
  expect(files.filter((file) => file.startsWith('hub/redis/'))).toEqual(['hub/redis/url.js']);
});
