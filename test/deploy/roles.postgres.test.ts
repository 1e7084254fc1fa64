import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { backUp } from '../../src/create/backup.ts';
import { migrateRecord } from '../../src/create/migration.ts';
import { restore } from '../../src/create/restore.ts';
import { openPoolDatabase } from '../../src/record/postgres/pool-database.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';
import { type Postgres, startPostgres } from '../../tools/services/postgres.mjs';
import { postgresBinaries } from '../../tools/services/postgres-binaries.mjs';
import { withClient } from '../../tools/services/postgres-clients.mjs';
import { trailSuite } from '../conformance/record/trail.ts';
import { upkeepSuite } from '../conformance/record/upkeep.ts';
import { startClusterNode } from '../support/cluster-node.ts';
import { ORIGIN, PASSWORD, SECRET } from '../support/engine.ts';
import type { TestRecord } from '../support/record.ts';
import { root } from './files.ts';

/** The roles belong to a server, so it is one of its own. */
let server: Postgres;
const passwords = { owner: random(), node: random() };

function random(): string {
  return randomBytes(16).toString('hex');
}

/** A database that deploy/postgres/roles.sql has readied, as its two roles reach it. */
async function readied(): Promise<{ readonly ownerUrl: string; readonly nodeUrl: string }> {
  const name = `deploy_${randomBytes(6).toString('hex')}`;
  await withClient(server.superuserUrl, (client) => client.query(`create database ${name}`));
  const at = new URL(server.superuserUrl);
  at.pathname = `/${name}`;
  const psql = spawnSync(
    join(postgresBinaries().bin, 'psql'),
    ['--no-psqlrc', '--quiet', `--file=${join(root, 'deploy/postgres/roles.sql')}`, at.href],
    {
      encoding: 'utf8',
      env: {
        PATH: process.env.PATH,
        SEKISHO_OWNER_PASSWORD: passwords.owner,
        SEKISHO_NODE_PASSWORD: passwords.node,
      },
    },
  );
  expect(psql).toMatchObject({ status: 0, stderr: '' });
  const urlOf = (role: 'owner' | 'node'): string => {
    const url = new URL(at);
    url.username = `sekisho_${role}`;
    url.password = passwords[role];
    return url.href;
  };
  return { ownerUrl: urlOf('owner'), nodeUrl: urlOf('node') };
}

const configFor = (databaseUrl: string) => readConfig({ databaseUrl, secret: SECRET });

/** The owner migrates; the record is a node's. */
async function open(): Promise<TestRecord> {
  server ??= await startPostgres();
  const { ownerUrl, nodeUrl } = await readied();
  await migrateRecord(configFor(ownerUrl));
  const database = openPoolDatabase({ url: ownerUrl, max: 20 });
  const nodes = openPoolDatabase({ url: nodeUrl, max: 20 });
  const record = createSqlRecord(nodes);
  await record.migrate();
  return {
    ...{ record, database },
    async close() {
      await Promise.all([database.close(), record.close()]);
    },
  };
}

beforeAll(async () => {
  server ??= await startPostgres();
});
afterAll(async () => {
  await server?.stop();
});

// What needs more than the roles: pruning, erasing, sealing; removing what is old.
trailSuite('PostgreSQL, as the node of deploy/postgres/roles.sql', open);
upkeepSuite('PostgreSQL, as the node of deploy/postgres/roles.sql', open);

describe('ASVS 13.2.2 the roles of deploy/postgres/roles.sql', () => {
  test('a node before the owner has migrated says what is missing; afterwards it serves, revokes and is backed up', async () => {
    const { ownerUrl, nodeUrl } = await readied();
    await expect(startClusterNode({ databaseUrl: nodeUrl })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('may not set Sekisho up'),
    });
    expect(await migrateRecord(configFor(ownerUrl))).toMatchObject({ kind: 'new' });
    const nodes = await Promise.all([1, 2].map(() => startClusterNode({ databaseUrl: nodeUrl })));
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-roles-'));
    try {
      const [one, two] = nodes;
      if (one === undefined || two === undefined) throw new Error('two nodes were to start');
      const { operator, logins } = one.engine;
      await operator.createTenant({
        ...{ slug: 'main', name: null, adminEmail: 'a@main.example', adminPassword: PASSWORD },
      });
      const enter = { tenant: 'main', email: 'a@main.example', password: PASSWORD };
      const pair = await logins.login({ ...enter, device: null, deviceToken: null }, ORIGIN);
      const next = await logins.refresh(pair.refreshToken, ORIGIN);
      await two.engine.authentication.authenticate(next.accessToken);
      await operator.retireKey({ kid: (await operator.listKeys())[0]?.kid ?? '', withdraw: false });
      const { barrier } = await operator.revokeSessions({
        ...{ scope: 'tenant', tenant: 'main', reason: null, waitMs: 20_000 },
      });
      expect(barrier.effective).toBe('everywhere');
      await expect(two.engine.authentication.authenticate(next.accessToken)).rejects.toMatchObject({
        code: 'session_revoked',
      });
      const path = join(folder, 'one.backup');
      await backUp(configFor(nodeUrl), { path });
      await Promise.all(nodes.map((node) => node.close()));
      // Putting one back makes a schema: the owner's.
      const asNode = restore(configFor(nodeUrl), { path, replace: true });
      await expect(asNode).rejects.toMatchObject({ code: 'invalid_configuration' });
      await restore(configFor(ownerUrl), { path, replace: true });
      const again = await startClusterNode({ databaseUrl: nodeUrl });
      nodes.push(again);
      await again.engine.logins.login({ ...enter, device: null, deviceToken: null }, ORIGIN);
    } finally {
      await Promise.all(nodes.map((node) => node.close()));
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.each([
    ['make a table in the schema', 'create table sekisho.mine ()', /permission denied/],
    ['make a table elsewhere', 'create table public.mine ()', /permission denied/],
    ['make a schema', 'create schema mine', /permission denied/],
    ['make a role', 'create role mine', /permission denied/],
    ['change a table', 'alter table sekisho.audit disable trigger user', /must be owner/],
    ['replace a function', 'drop function sekisho.commit(jsonb)', /must be owner/],
    ['delete of the trail', 'delete from sekisho.audit', /permission denied|append-only/],
    [
      'delete of the trail as the verb that prunes',
      "select set_config('sekisho.audit_verb', 'prune', false); delete from sekisho.audit",
      /permission denied/,
    ],
    ['be the owner', 'set role sekisho_owner', /permission denied/],
    ['read files', "select pg_read_file('/etc/hostname')", /permission denied/],
  ])('a node may not %s', async (_what, text, refused) => {
    const { ownerUrl, nodeUrl } = await readied();
    await migrateRecord(configFor(ownerUrl));
    await withClient(nodeUrl, async (client) => {
      await expect(client.query(text)).rejects.toThrow(refused);
    });
  });

  test.each([
    ['make a role', 'create role mine'],
    ['make itself one that runs programs', 'grant pg_execute_server_program to sekisho_owner'],
    ['make itself one that reads files', 'grant pg_read_server_files to sekisho_owner'],
    ['make itself one that reads everything', 'grant pg_read_all_data to sekisho_owner'],
    ['give itself the right back', 'alter role sekisho_owner createrole'],
    ['run a program', "copy (select 1) to program 'cat'"],
  ])('the owner of the schema may not %s, before it has migrated or after', async (_what, text) => {
    const { ownerUrl } = await readied();
    const refused = () =>
      withClient(ownerUrl, (client) =>
        expect(client.query(text)).rejects.toThrow(
          /permission denied|must (?:have|be)|admin option/i,
        ),
      );
    await refused();
    await migrateRecord(configFor(ownerUrl));
    await refused();
  });

  test('an owner that could make roles once cannot after roles.sql has run again', async () => {
    await withClient(server.superuserUrl, (client) =>
      client.query('alter role sekisho_owner createrole'),
    );
    const { ownerUrl } = await readied();
    await withClient(ownerUrl, (client) =>
      expect(client.query('create role mine')).rejects.toThrow(/permission denied/),
    );
  });

  test('neither is a superuser, and nobody else may connect', async () => {
    const { ownerUrl } = await readied();
    const { pathname } = new URL(ownerUrl);
    await withClient(server.superuserUrl, async (client) => {
      const { rows } = await client.query(
        `select rolname, rolsuper or rolbypassrls or rolcreatedb or rolreplication as mighty, rolcreaterole
           from pg_roles where rolname like 'sekisho\\_%' and rolname not like '%_super' and rolname <> 'sekisho_test'
          order by rolname`,
      );
      expect(rows.map(({ rolname }) => rolname)).toEqual([
        ...['sekisho_node', 'sekisho_owner', 'sekisho_system', 'sekisho_tenant'],
      ]);
      expect(rows.map(({ mighty }) => mighty)).toEqual([false, false, false, false]);
      expect(rows.map(({ rolcreaterole }) => rolcreaterole)).toEqual([false, false, false, false]);
      await client.query(`create role stranger login password 'stranger'`);
    });
    const url = new URL(server.superuserUrl);
    Object.assign(url, { username: 'stranger', password: 'stranger', pathname });
    await expect(withClient(url.href, async () => undefined)).rejects.toThrow(/permission denied/);
  });
});
