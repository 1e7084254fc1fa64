import { afterEach, describe, expect, inject, test } from 'vitest';
import type { Database } from '../../src/record/database.ts';
import { listLiveMembers } from '../../src/record/live-members.ts';
import { migrate, plan, type Release, thisRelease } from '../../src/record/migrator.ts';
import { openPostgres, openPostgresRecord } from '../../src/record/postgres/open.ts';
import { versionOfThis } from '../../src/record/release.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { startTestEngine } from '../support/engine.ts';
import { openOldPostgres } from '../support/old-release.ts';
import { keptReleases } from '../support/releases.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function freshDatabase(): Promise<{ url: string; database: Database }> {
  const { url, drop } = await createTestDatabase(inject('postgresUrl'));
  closers.push(drop);
  const database = await openPostgres({ url, max: 12 });
  closers.push(() => database.close());
  return { url, database };
}

/** A release after this one: a table more, and a function with another text. */
function laterRelease(runsBeside = versionOfThis()): Release {
  const now = thisRelease();
  const text = 'create table sekisho.later (a int);';
  const next = { version: now.migrations.length + 1, name: 'later', text, checksum: text };
  return {
    ...{ version: '99.0.0', runsBeside },
    migrations: [...now.migrations, next],
    functions: [...now.functions, probe(99)],
  };
}

function probe(value: number) {
  const text = `create or replace function sekisho.probe() returns int language sql as $$ select ${value} $$;`;
  return { name: 'probe', text, checksum: text };
}

const probed = async (database: Database) =>
  (await database.query({ text: 'select sekisho.probe() as x' }))[0]?.x;

describe('B4 releases that start at once', () => {
  test.each(keptReleases())(
    'many nodes on a record of $version upgrade it once',
    async (release) => {
      const { url, database } = await freshDatabase();
      await (await openOldPostgres(release, url)).close();
      const done = await Promise.all(Array.from({ length: 8 }, () => migrate(database)));
      expect(done.filter(({ kind }) => kind === 'upgrade').length).toBeGreaterThanOrEqual(1);
      expect(await plan(database)).toMatchObject({ kind: 'current' });
      const [row] = await database.query({
        text: 'select count(*)::int as n from sekisho.schema_migration',
      });
      expect(row?.n).toBe(thisRelease().migrations.length);
    },
  );

  test('an older one never puts its functions in place of a newer one’s', async () => {
    const { database } = await freshDatabase();
    const now = { ...thisRelease(), functions: [...thisRelease().functions, probe(1)] };
    await migrate(database, now);
    expect(await probed(database)).toBe(1);
    const later = laterRelease();
    const kinds = await Promise.all(
      [now, later, now, later, now].map(async (one) => (await migrate(database, one)).kind),
    );
    expect(kinds).toContain('upgrade');
    expect(await probed(database)).toBe(99);
    expect((await migrate(database, now)).kind).toBe('older');
    expect(await probed(database)).toBe(99);
    const narrow = { ...laterRelease('98.0.0'), version: '99.0.1' };
    await migrate(database, narrow);
    await expect(migrate(database, now)).rejects.toMatchObject({
      code: 'invalid_configuration',
      message: expect.stringContaining('98.0.0 is the oldest release that may run'),
    });
    expect(await probed(database)).toBe(99);
  });

  test('one that takes away what nodes still need is refused while they run', async () => {
    const { url, database } = await freshDatabase();
    const address = 'http://10.0.0.7:4001';
    const record = await openPostgresRecord({ url });
    const engine = await startTestEngine({ record, exclusive: false });
    await database.query({ text: 'update sekisho.member set address = $1', values: [address] });
    expect(await listLiveMembers(database)).toMatchObject([{ address, release: versionOfThis() }]);
    const contracting = laterRelease('98.0.0');
    for (const work of [plan, migrate]) {
      await expect(work(database, contracting)).rejects.toMatchObject({
        code: 'invalid_configuration',
        message: expect.stringContaining(`${address} (${versionOfThis()})`),
      });
    }
    await migrate(database, laterRelease());
    await engine.close();
    expect(await listLiveMembers(database)).toEqual([]);
    expect((await migrate(database, { ...contracting, version: '99.1.0' })).kind).toBe('upgrade');
  });
});

test('a table that is in use does not make heartbeats wait behind a migration', async () => {
  const { url, database } = await freshDatabase();
  await migrate(database);
  const [reader, gate] = [await openPostgres({ url, max: 1 }), await openPostgres({ url, max: 1 })];
  closers.push(
    () => reader.close(),
    () => gate.close(),
  );
  // A reader that holds the table until the gate is opened.
  await gate.query({ text: 'select pg_advisory_lock(7)' });
  const held = reader.transaction(
    [
      { text: 'lock table sekisho.member in access share mode' },
      { text: 'select pg_advisory_xact_lock(7)' },
    ],
    { deadlineMs: 60_000 },
  );
  const now = thisRelease();
  const text = 'alter table sekisho.member add column later int;';
  const next = { version: now.migrations.length + 1, name: 'later', text, checksum: text };
  const migrating = migrate(database, { ...now, migrations: [...now.migrations, next] });
  const waits = {
    text: `select count(*)::int as n from pg_locks
      where not granted and mode = 'AccessExclusiveLock' and relation = 'sekisho.member'::regclass`,
  };
  await expect
    .poll(async () => (await database.query(waits))[0]?.n, { timeout: 60_000 })
    .toBeGreaterThan(0);
  // It stands behind the migration, and gets through although the reader is still there.
  const beat = { text: "update sekisho.member set beat = beat + 1 where id = 'nobody'" };
  await database.query(beat, { deadlineMs: 60_000 });
  await gate.query({ text: 'select pg_advisory_unlock(7)' });
  await Promise.all([held, migrating]);
  expect(await database.query({ text: 'select later from sekisho.member' })).toEqual([]);
});
