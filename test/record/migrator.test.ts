import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { migrate, plan, type Release, thisRelease } from '../../src/record/migrator.ts';
import { openTestRecord, type TestRecord } from '../support/record.ts';
import { request } from '../support/requests.ts';
import { seedTenant } from '../support/seed.ts';

const release: Release = thisRelease();

function withFunction(text: string): Release {
  const probe = { name: 'probe', text, checksum: text };
  return { ...release, functions: [...release.functions, probe] };
}

describe('the migrator', () => {
  let fixture: TestRecord;
  beforeAll(async () => {
    fixture = await openTestRecord();
  });
  afterAll(async () => {
    await fixture?.close();
  });

  test('says what it would do, and does nothing, before it does it', async () => {
    const { database } = fixture;
    expect(await plan(database)).toMatchObject({ kind: 'current', migrations: [], functions: [] });
    const next = withFunction('create or replace function sekisho.probe() returns int …');
    const planned = await plan(database, next);
    expect(planned.functions.map(({ name }) => name)).toEqual(['probe']);
    expect(planned).toMatchObject({ kind: 'upgrade', from: release.version, to: release.version });
    expect(await plan(database)).toMatchObject({ kind: 'current' });
  });

  test('does nothing where nothing is to be done, and keeps the head', async () => {
    const before = await fixture.record.log.head();
    const statements = fixture.database.statementCount();
    await migrate(fixture.database);
    expect(fixture.database.statementCount() - statements).toBe(3);
    expect((await fixture.record.log.head()).head).toEqual(before.head);
  });

  test('replaces a function whose text has changed, also when its result is another', async () => {
    const { database } = fixture;
    const probe = async () => (await database.query({ text: 'select sekisho.probe() as x' }))[0];
    const text = (type: string, value: string) =>
      `create or replace function sekisho.probe() returns ${type} language sql as $$ select ${value} $$;`;
    await migrate(database, withFunction(text('integer', '1')));
    expect(await probe()).toEqual({ x: 1 });
    await migrate(database, withFunction(text('integer', '2')));
    expect(await probe()).toEqual({ x: 2 });
    await migrate(database, withFunction(text('text', "'three'")));
    expect(await probe()).toEqual({ x: 'three' });
  });

  test('applies a new migration once; one that fails leaves nothing behind', async () => {
    const { database } = fixture;
    const next = (text: string): Release => ({
      ...release,
      migrations: [
        ...release.migrations,
        { version: release.migrations.length + 1, name: 'next', text, checksum: 'c' },
      ],
    });
    const broken = next('create table sekisho.added (x int); select 1 / 0;');
    await expect(migrate(database, broken)).rejects.toMatchObject({ code: 'internal' });
    expect(await database.query({ text: "select to_regclass('sekisho.added') as t" })).toEqual([
      { t: null },
    ]);
    const good = next('create table sekisho.added (x int);');
    await migrate(database, good);
    await migrate(database, good);

    // This build does not know that version, so it must not touch the database.
    const newest = release.migrations.length + 1;
    await expect(migrate(database, release)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining(`schema version ${newest}`),
    });
    await database.query({
      text: 'delete from sekisho.schema_migration where version = $1',
      values: [newest],
    });
    await database.script('drop table sekisho.added');
  });

  test('a function that got a parameter more takes the calls of before', async () => {
    const { database } = fixture;
    const text = (parameters: string, value: string) =>
      `create or replace function sekisho.probe(${parameters}) returns text language sql as $$ select ${value} $$;`;
    const call = async () =>
      (await database.query({ text: "select sekisho.probe('a') as x" }))[0]?.x;
    await migrate(database, withFunction(text('a text', 'a')));
    expect(await call()).toBe('a');
    await migrate(database, withFunction(text("a text, b text default 'b'", 'a || b')));
    expect(await call()).toBe('ab');
  });

  test('a function whose parameters are others stands beside the one that calls in flight may come to', async () => {
    const { database } = fixture;
    const text = (parameters: string, value: string) =>
      `create or replace function sekisho.probe(${parameters}) returns text language sql as $$ select ${value} $$;`;
    await migrate(database, withFunction(text('p jsonb', "'old'")));
    await migrate(database, withFunction(text('p jsonb, n bigint', "'new'")));
    const both = 'select sekisho.probe($1::jsonb) as old, sekisho.probe($1::jsonb, 1) as new';
    expect(await database.query({ text: both, values: ['{}'] })).toEqual([
      { old: 'old', new: 'new' },
    ]);
    await database.script(`drop function sekisho.probe(jsonb); drop function sekisho.probe(jsonb, bigint);
      drop function sekisho.probe(text, text);`);
  });

  test('refuses a database whose migration had another text', async () => {
    const migrations = release.migrations.map((one) => ({ ...one, checksum: 'another' }));
    await expect(migrate(fixture.database, { ...release, migrations })).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('0001_schema'),
    });
  });

  test('ASVS 13.2.2 needs no superuser, and says which right is missing', async () => {
    const { database } = fixture;
    await database.script(`
      drop schema sekisho cascade;
      drop role sekisho_tenant;
      drop role sekisho_system;
      create role weak login;
      create role migrating login createrole;
      create role member login;
      grant create on database postgres to weak, migrating, member;`);
    await database.query({ text: 'set session authorization weak' });
    const refused = { code: 'invalid_configuration', message: expect.stringContaining('roles') };
    await expect(migrate(database)).rejects.toMatchObject(refused);
    await database.query({ text: 'set session authorization migrating' });
    await migrate(database);
    expect(await fixture.record.log.head()).toMatchObject({ identityAgrees: true });
    expect((await fixture.record.log.commit([request()]))[0]).toMatchObject({ kind: 'committed' });
    const { tid } = await seedTenant(fixture);
    expect(await fixture.record.tenants.byId(tid)).toMatchObject({ tid });

    // Where somebody has made the roles, a member of them needs no right to make any.
    await database.query({ text: 'reset session authorization' });
    await database.script(`
      drop schema sekisho cascade;
      grant sekisho_tenant, sekisho_system to member;`);
    await database.query({ text: 'set session authorization member' });
    expect(await migrate(database)).toMatchObject({ kind: 'new' });
    expect((await fixture.record.log.commit([request()]))[0]).toMatchObject({ kind: 'committed' });
  });
});
