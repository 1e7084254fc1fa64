import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import {
  createTestDatabase,
  type Postgres,
  startPostgres,
} from '../../tools/services/postgres.mjs';
import { postgresBinaries } from '../../tools/services/postgres-binaries.mjs';
import { withClient } from '../../tools/services/postgres-clients.mjs';
import { cleanUp, environment, serve } from '../support/process.ts';
import { blocksOf, isHelp, isShell, nameOf, pages, unitsOf } from './examples/blocks.ts';
import { isListed, needsServices } from './examples/listed.ts';
import { programsOf, projectOf } from './examples/programs.ts';
import { Shell } from './examples/shell.ts';
import { SECRET, type Services, World } from './examples/world.ts';

vi.setConfig({ testTimeout: 420_000, hookTimeout: 420_000 });

const closing: (() => Promise<unknown>)[] = [];
let world: World;
let services: Services;

beforeAll(async () => {
  const shared = await emptyDatabase();
  services = {
    path: postgresBinaries().bin,
    databaseUrl: shared,
    emptyDatabase,
    superuserUrl,
    redisUrl: () => `${inject('redisUrl')}?prefix=docs-${randomBytes(6).toString('hex')}:`,
  };
  // The node that commands find beside them.
  const node = await serve('unused', { DATABASE_URL: shared, SEKISHO_SECRET: SECRET });
  closing.unshift(() => node.end('SIGTERM'));
  world = new World(services);
  await world.ready();
});
afterAll(async () => {
  await world?.close();
  for (const close of closing) await close();
  await cleanUp();
});

async function emptyDatabase(): Promise<string> {
  const database = await createTestDatabase(inject('postgresUrl'));
  closing.push(() => database.drop());
  return database.url;
}

/** Of a server of its own: the roles that deploy/postgres/roles.sql makes belong to a server. */
let own: Postgres | undefined;
async function superuserUrl(): Promise<string> {
  if (own === undefined) {
    own = await startPostgres();
    const server = own;
    closing.push(() => server.stop());
    await withClient(own.superuserUrl, (client) => client.query('create database sekisho'));
  }
  const url = new URL(own.superuserUrl);
  url.pathname = '/sekisho';
  return url.href;
}

for (const page of pages) {
  for (const block of blocksOf(page)) {
    if (!isShell(block) || !needsServices(block, block.text)) continue;
    const units = unitsOf(block).filter((unit) => !isListed(unit));
    const [first] = units;
    if (first === undefined) continue;
    test(`A11 what ${nameOf(first)} says is so`, async () => {
      await world.anotherDatabase(block.text);
      const shell = new Shell(world);
      for (const unit of units) await shell.run(unit);
      await shell.end();
    });
  }
}

const examples = blocksOf('docs/commands.md')
  .filter(isHelp)
  .flatMap(unitsOf)
  .filter(({ block, text }) => needsServices(block, text));

test.each(examples.map((unit) => [nameOf(unit), unit] as const))('A8 %s', async (_name, unit) => {
  await world.anotherDatabase(unit.text);
  const shell = new Shell(world);
  await shell.run(unit);
  await shell.end();
});

test('A5 instance.ts of docs/library.md opens a record in PostgreSQL', async () => {
  const { instance = '' } = programsOf('docs/library.md');
  const address = /postgres:\/\/sekisho@db\.internal\/sekisho/;
  expect(instance).toMatch(address);
  const drive = [
    "const { sekisho } = await import('./instance.js');",
    "const answer = await sekisho.fetch(new Request('https://app.example.com/v1/session'));",
    'process.stdout.write(String(answer.status));',
    'await sekisho.drain();',
    'await sekisho.close();',
  ];
  const project = projectOf({
    instance: instance.replace(address, await emptyDatabase()),
    drive: drive.join('\n'),
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['drive.js'], {
    cwd: project,
    encoding: 'utf8',
    env: environment({ SEKISHO_SECRET: SECRET }),
  });
  expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: '401' });
});
