import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { migrate, thisRelease } from '../../src/record/migrator.ts';
import { openPoolDatabase } from '../../src/record/postgres/pool-database.ts';
import { createSqlRecord } from '../../src/record/sql-record.ts';
import { createTestDatabase } from '../../tools/services/postgres.mjs';
import { auditEvent, type RecordFixture, START_MS, seedTenant } from '../support/seed.ts';
import { sealAll, sealerOf, verifyAll, write } from '../support/trail.ts';

let fixture: RecordFixture & { readonly url: string };
/** A tenant with rows of before the trail was sealed. */
let old: string;
const OLD_ROWS = 700;

beforeAll(async () => {
  const made = await createTestDatabase(inject('postgresUrl'));
  const database = openPoolDatabase({ url: made.url });
  const release = thisRelease();
  // As far as the trail was not sealed: the migrations before it, and what writes audit rows.
  const functions = release.functions.filter(({ name }) =>
    /^(append_audit|write_audit|from_ms|to_ms|begin_record|server_identity)$/.test(name),
  );
  await migrate(database, { ...release, migrations: release.migrations.slice(0, 4), functions });
  fixture = {
    ...{ record: createSqlRecord(database), database, url: made.url },
    async close() {
      await database.close();
      await made.drop();
    },
  };
  old = (await seedTenant(fixture)).tid;
  await write(fixture, old, OLD_ROWS, (n) => ({ atMs: START_MS - 100 * 365 * 86_400_000 + n }));
  await migrate(database, release);
});
afterAll(() => fixture?.close());

describe('B14 rows of before', () => {
  test('are known to wait, and are sealed bit by bit, each once', async () => {
    expect(await verifyAll(fixture, old)).toMatchObject({ rows: 0, unsealed: OLD_ROWS, wrong: 0 });
    await write(fixture, old, 3);
    await Promise.all([sealAll(fixture), sealAll(fixture)]);
    expect(await verifyAll(fixture, old)).toMatchObject({
      ...{ rows: OLD_ROWS + 3, unsealed: 0, wrong: 0 },
    });
    const rows = await fixture.record.trail.sealed(old, 0, 1_000);
    expect(rows.filter((row) => row.old)).toHaveLength(OLD_ROWS);
  });

  test('a row that is inserted by other means afterwards is none of them', async () => {
    const { tid } = await seedTenant(fixture);
    await fixture.record.audit.append([auditEvent(tid, 'authn_logout')]);
    await sealAll(fixture);
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 1, wrong: 0 });
  });
});

test('B14 a row whose transaction commits late is sealed when it can be seen, and none is passed over', async () => {
  const { tid } = await seedTenant(fixture);
  const late = new pg.Client({ connectionString: fixture.url });
  await late.connect();
  try {
    await late.query('begin');
    const first = auditEvent(tid, 'authn_logout', { atMs: START_MS });
    await late.query('select sekisho.write_audit($1)', [JSON.stringify([first])]);
    const [second] = await write(fixture, tid, 1, () => ({ atMs: START_MS + 1 }));
    const { sealer } = sealerOf(fixture);
    await sealer.run();
    const ids = async () => (await fixture.record.trail.sealed(tid, 0, 10)).map(({ id }) => id);
    expect(await ids()).toEqual([second?.id]);
    await late.query('commit');
    await sealer.run();
    expect(await ids()).toEqual([second?.id, first.id]);
    await sealer.close();
    expect(await verifyAll(fixture, tid)).toMatchObject({ rows: 2, unsealed: 0, wrong: 0 });
  } finally {
    await late.end();
  }
});
